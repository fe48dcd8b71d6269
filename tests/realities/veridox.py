"""Another Veridox: all that is documented holds, and what is merely assumed turns out differently."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from flask import Flask, Request, Response, request

Row = dict[str, Any]
CASE_ID = "019cadd3-7fc0-790f-88f0-3c28dc86b62c"
COUNT = 7


def file_id(number: int) -> str:
    return f"019cadd3-7fcb-7133-b19b-{number:012x}"


@dataclass
class Reality:
    """How this Veridox answers; the defaults are what the contract takes for likely."""

    lists: str = "named"  #: named, bare, data, nested, unknown: where the rows stand
    total: str = "number"  #: number, text, float, absent, page: what is said of the rows over all pages
    keys: str = "snake"  #: snake, camel, pascal
    ids: str = "uuid"  #: uuid, number
    moments: str = "z"  #: z, offset, seconds, milliseconds, no_zone
    optional: str = "there"  #: there, missing
    scores: str = "title"  #: title, lower, upper
    highlights: str = "top"  #: top, results, full, nowhere: where the list of highlights stands
    wrapped: str = ""  #: key around the object of a case and of an analysis
    unsettled: str = "null"  #: null, missing, 404, 409: what is answered for an analysis that is not there yet
    errors: str = "list"  #: list, absent, null, map: how a bulk download tells what failed
    bulk_status: int = 200
    bulk: str = "named"  #: named, bare, data, unknown
    link: str = "documented"  #: documented, url, other: the name of a link
    expires: str = "there"  #: there, missing
    forgets: frozenset[int] = frozenset()  #: files a bulk download says nothing of
    retry_after: str = ""  #: of a first refusal, 429
    refusals: list[int] = field(default_factory=list)
    ignored_size: int = 0  #: a page size of its own
    id_key: str = "file_id"
    seen: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    # --- values ---------------------------------------------------------------------------------------------------

    def id_of(self, number: int) -> Any:
        return number if self.ids == "number" else file_id(number)

    def moment(self, text: str) -> Any:
        when = datetime.fromisoformat(text + "+00:00")
        return {
            "z": f"{text}Z",
            "offset": f"{text}+00:00",
            "seconds": when.timestamp(),
            "milliseconds": round(when.timestamp() * 1000),
            "no_zone": text,
        }[self.moments]

    def score(self, text: str) -> str:
        return {"title": text, "lower": text.lower(), "upper": text.upper()}[self.scores]

    def spell(self, value: Any) -> Any:
        """Keys as this reality writes them."""
        if isinstance(value, list):
            return [self.spell(item) for item in value]
        if isinstance(value, dict):
            return {self._key(key): self.spell(item) for key, item in value.items()}
        return value

    def _key(self, key: str) -> str:
        if self.keys == "snake":
            return key
        camel = re.sub("_(.)", lambda found: found[1].upper(), key)
        return camel if self.keys == "camel" else camel[0].upper() + camel[1:]

    # --- rows -----------------------------------------------------------------------------------------------------

    def file(self, number: int) -> Row:
        row = {
            self.id_key: self.id_of(number),
            "case_id": CASE_ID,
            "label": f"invoice-{number}.pdf",
            "mime_type": "application/pdf",
            "current_risk_score": self.score("High" if number == 1 else "Low"),
            "analysis_status": "processing" if number == COUNT else "settled",
            "analysis_outcome": None if number == COUNT else "success",
            "uploaded_at": self.moment("2026-03-02T09:15:01.700"),
            "created_at": self.moment("2026-03-02T09:14:05"),
        }
        if self.optional == "there":
            row |= {
                "case_label": "Claim 1",
                "thumbnail_url": "https://h.invalid/t?sig=a",
                "current_analysis_phase": None,
            }
        return row

    def case(self, number: int) -> Row:
        row: Row = {
            "case_id": CASE_ID[:-2] + f"{number:02x}",
            "label": f"Claim {number}",
            "metadata": {},
            "is_locked": True,
            "locked_at": self.moment("2026-03-02T09:15:02.004"),
            "created_at": self.moment("2026-03-02T09:14:05.120"),
            "updated_at": self.moment("2026-03-02T09:17:02.310"),
        }
        if self.optional == "there":
            row |= {
                "file_analysis_status": "file_analysis_complete", "file_analysis_completed_at": None,
                "team_id": None, "team_name": None,
            }  # fmt: skip
        return row

    def analysis(self, number: int) -> Row:
        row = {name: value for name, value in self.file(number).items() if name != "case_label"}
        full = {
            "overall_risk_score": self.score("High"),
            "summary": "Edited.",
            "findings": [{"category": "c", "heading": "h", "description": "d", "supporting_evidence": ["e"]}],
            "observations": ["first", "second"],
            "risk_assessments": [
                {"target": "t", "risk_level": self.score("Medium"), "summary": "s", "justification": "j"}
            ],
            "suggested_actions": [{"action": "a", "justification": "j"}],
            "audit_trail": ["read"],
            "modules": [self.module()],
        }
        context = {"mime_type": "application/pdf", "summary": "An invoice.", "classifications": []}
        results: Row = {"full_analysis": full, "context_analysis": context}
        places = {"top": row, "results": results, "full": full}
        if self.highlights in places:
            places[self.highlights]["highlights"] = ["Totals were edited"]
        if number == COUNT:
            return row | ({"analysis_results": None} if self.unsettled == "null" else {})
        return {**row, "file_info": {"md5": "0" * 32, "metadata": {}}, "analysis_results": results}

    def module(self) -> Row:
        finding = {
            "alert_type": "a", "severity": self.score("Low"), "description": "d", "severity_justification": "j",
            "evidence": ["e"], "evidence_refs": ["q1.0"],
        }  # fmt: skip
        module: Row = {"module_id": "m", "module_name": "Module", "findings": [finding]}
        if self.optional == "there":
            results = [{"result_id": "q1.0", "title": "t", "url": "https://example.org/"}]
            module |= {"search_evidence": {"queries": [], "results": results}, "verification_evidence": None}
        return module

    # --- answers --------------------------------------------------------------------------------------------------

    def page(self, name: str, rows: list[Row], asked: Request) -> Response:
        limit, offset = int(asked.args["limit"]), int(asked.args["offset"])
        limit = min(limit, self.ignored_size or limit)
        shown = self.spell(rows[offset : offset + limit])
        totals: dict[str, Any] = {
            "number": {"total": len(rows)},
            "text": {"total": str(len(rows))},
            "float": {"total": float(len(rows))},
            "absent": {},
            "page": {"total": len(shown)},
        }
        body: Any = {
            "named": {name: shown, **totals[self.total]},
            "bare": shown,
            "data": {"data": shown, **totals[self.total]},
            "nested": {"data": {name: shown}, "meta": {"total": len(rows)}},
            "unknown": {"page": {"entries": shown}, "total": len(rows)},
        }[self.lists]
        return answer(body)

    def wrap(self, body: Row) -> Response:
        spelled = self.spell(body)
        return answer({self.wrapped: spelled} if self.wrapped else spelled)

    def download(self, ids: list[Any]) -> Response:
        links, errors = [], []
        for given in ids:
            number = given if isinstance(given, int) or len(str(given)) < 36 else int(str(given)[-12:], 16)
            if int(number) in self.forgets:
                continue
            if int(number) > COUNT:
                errors.append({"file_id": given, "error": "File not found"})
                continue
            name = {"documented": "download_url", "url": "url", "other": "href"}[self.link]
            row = {"file_id": given, name: f"https://h.invalid/{number}?sig=abcdef", "label": f"invoice-{number}.pdf"}
            links.append(row | ({"expires_at": self.moment("2099-01-01T00:00:00")} if self.expires == "there" else {}))
        told: Row = {"files": links}
        if self.errors != "absent":
            by_id = {str(row["file_id"]): row["error"] for row in errors}
            told["errors"] = {"list": errors, "null": None, "map": by_id}[self.errors]
        body: Any = {
            "named": told,
            "bare": [*links, *errors],
            "data": {"data": told},
            "unknown": {"signed": links, "unsigned": errors},
        }[self.bulk]
        return answer(self.spell(body), self.bulk_status)

    def asset(self) -> Response:
        body: Row = {
            {"documented": "url", "url": "signed_url", "other": "href"}[self.link]: "https://h.invalid/a?sig=b"
        }
        if self.expires == "there":
            body["expires_at"] = self.moment("2099-01-01T00:00:00")
        return answer(self.spell(body))


def answer(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")


def refusal(status: int, code: str) -> Response:
    return answer({"error_code": code, "error_message": "Not now."}, status)


def application(reality: Reality) -> Flask:
    """The server of *reality*."""
    app = Flask("second veridox", static_folder=None)

    @app.before_request
    def refuse() -> Response | None:
        reality.seen.append(request.path)
        if not reality.refusals:
            return None
        response = refusal(reality.refusals.pop(0), "request.rate-limit")
        response.headers["Retry-After"] = reality.retry_after
        return response

    def listing(name: str, row: Callable[[int], Row]) -> Callable[[], Response]:
        return lambda: reality.page(name, [row(number) for number in range(1, COUNT + 1)], request)

    app.add_url_rule("/cases", "cases", listing("cases", reality.case))
    app.add_url_rule("/files", "files", listing("files", reality.file))
    app.add_url_rule("/search", "search", listing("results", reality.file))

    @app.get("/cases/<case_id>")
    def case(case_id: str) -> Response:
        files = [reality.file(number) for number in (1, 2)]
        for file in files:
            file.pop("case_id")
            file.pop("case_label", None)
        return reality.wrap({**reality.case(int(case_id[-2:], 16)), "files": files})

    @app.get("/files/<name>/analysis")
    def analysis(name: str) -> Response:
        number = int(name) if len(name) < 36 else int(name[-12:], 16)
        if number == COUNT and reality.unsettled in ("404", "409"):
            return refusal(int(reality.unsettled), "request.cases.file.not-settled")
        return reality.wrap(reality.analysis(number))

    @app.post("/files/download")
    def download() -> Response:
        body = request.get_json()
        reality.bodies.append(body)
        return reality.download(body["file_ids"])

    @app.get("/files/asset-url")
    def asset() -> Response:
        return reality.asset()

    return app
