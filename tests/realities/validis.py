"""A second Validis, written from the contract alone: what it documents holds, what it assumes differs.

Each switch of :class:`Reality` turns one assumption; the data are small and of their own.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Flask, Response, request

Row = dict[str, Any]

KEY = "0f4c1f1b3a772a0f8f0e52f14e2c9d2b"
ORGANISATION, SYSTEM = "0b1f7c52-9b0e-4c56-8d3a-2f4f1f8f7a10", "9a0f3d5e-2f0c-4f0b-a0de-6f4f26a1c6a2"
UPLOAD = "2a0f8f0e-52f1-4e2c-9d2b-0f4c1f1b3a77"
UPLOADED = datetime(2026, 4, 7, 6, 12, 44, tzinfo=UTC)
JOURNALS = [
    {"id": 1, "date": "2026-01-05", "description": "Rent", "type": "JE", "periodId": 10},
    {"id": 2, "date": "2026-01-06", "description": "Sale", "type": "SI", "periodId": 10},
]
LINES = {1: [("A7", 1200.5), ("A1", -1200.5)], 2: [("A1", 99.99), ("A4", -99.99)]}
TRANSACTIONS = f"""UPLOAD_ID,COMPANY_NAME,UPLOAD_DATE,GL_TX_ID,GL_TX_DATE,ACCOUNT_CODE,ACCOUNT_NAME,MEMO,BASE_VALUE
{UPLOAD},Kiln & Sons,2026-04-07T06:12:44Z,1,2026-01-05,7100,Rent,Rent,1200.50
{UPLOAD},Kiln & Sons,2026-04-07T06:12:44Z,1,2026-01-05,1200,Bank,Rent,-1200.50
{UPLOAD},Kiln & Sons,2026-04-07T06:12:44Z,2,2026-01-06,1200,Bank,Sale,99.99
{UPLOAD},Kiln & Sons,2026-04-07T06:12:44Z,2,2026-01-06,4000,Sales,Sale,-99.99
"""
BALANCES = f"""UPLOAD_ID,ACCOUNT_CODE,PERIOD_ID,OPENING_BALANCE,MOVEMENT,CLOSING_BALANCE
{UPLOAD},1200,10,0.00,-1100.51,-1100.51
"""
RECEIVABLES = f"""UPLOAD_ID,COMPANY_NAME,ITEM_ID,CUSTOMER_ID,ITEM_TYPE,ITEM_DATE,DUE_DATE,AMOUNT,OUTSTANDING_AMOUNT
{UPLOAD},Kiln & Sons,001,C1,INVOICE,2026-01-05,2026-02-04,99.99,0.00
{UPLOAD},Kiln & Sons,002,C1,CREDIT_NOTE,2026-01-06,,-99.99,0.00
"""
ALLOCATED = f"""UPLOAD_ID,FROM_ITEM_ID,TO_ITEM_ID,AMOUNT
{UPLOAD},002,001,99.99
"""
#: Other words for the same columns: those of a database, and none that anybody would guess.
SPELLINGS = {
    "prefixed": {"ITEM_ID": "AR_TX_ID", "ITEM_TYPE": "AR_TX_TYPE", "ITEM_DATE": "AR_TX_DATE",
                 "CUSTOMER_ID": "CONTACT_ID", "OUTSTANDING_AMOUNT": "BASE_BALANCE", "AMOUNT": "BASE_VALUE"},
    "odd": {"ITEM_ID": "BELEG", "ITEM_DATE": "TAG", "OUTSTANDING_AMOUNT": "OFFEN", "AMOUNT": "BETRAG"},
}  # fmt: skip


@dataclass
class Reality:
    """How this Validis differs from what the contract assumes."""

    envelope: str = "content"  #: key of the rows; empty for a bare array; "only" for one odd key; "two" for two lists
    totals: str = "all"  #: all, pages, last or none: what a page declares
    clamp: int = 2000  #: largest page it gives, whatever is asked for
    case: str = "documented"  #: documented, upper or snake: spelling of keys
    ids: str = "integer"  #: integer or text
    moments: str = "seconds"  #: seconds, milliseconds, iso or offset
    sparse: bool = False  #: optional keys are missing
    client_id: str = ORGANISATION
    expires_in: Any = 1800  #: None leaves it out; may be text
    scheme: str = "any"
    waiting: tuple[int, ...] = (202,)
    ready: str = "access"  #: access, sas, nested, href, zip, files, odd
    names: str = "display"  #: display, dated, folder or coded: names in the zip
    headers: str = "documented"  #: documented, blanks or lower: header row of the CSV files
    encoding: str = "utf-8"
    delimiter: str = ","
    dates: str = "iso"  #: iso, time or day_first
    decimals: str = "point"
    items_path: str = "accounts-receivable"  #: the word in the path of the receivable extract
    items_columns: str = "documented"  #: documented, as the lists name them; prefixed or odd
    accounts_paged: bool = False
    journal_lines: str = "lines"
    line_value: str = "value"  #: value, amount, pair or odd
    periods_path: str = "periods"
    report: str = "rows"  #: rows, bare, mapping, deep or odd
    error: str = "gateway"  #: gateway, oauth, word or text
    seen: list[tuple[str, str]] = field(default_factory=list)

    def id(self, number: int) -> Any:
        """An id."""
        return number if self.ids == "integer" else f"X-{number}"

    def moment(self) -> Any:
        """When the upload came."""
        seconds = int(UPLOADED.timestamp())
        forms = {
            "seconds": seconds, "milliseconds": seconds * 1000, "iso": "2026-04-07T06:12:44Z",
            "offset": "2026-04-07T08:12:44+02:00",
        }  # fmt: skip
        return forms[self.moments]

    def spelt(self, value: Any) -> Any:
        """*value* with its keys in this reality's spelling."""
        if isinstance(value, list):
            return [self.spelt(item) for item in value]
        if isinstance(value, dict):
            return {self.key(name): self.spelt(item) for name, item in value.items()}
        return value

    def key(self, name: str) -> str:
        """One key."""
        if self.case == "upper":
            return name[0].upper() + name[1:]
        if self.case == "snake":
            return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
        return name

    def wrapped(self, rows: list[Row], *, paged: bool = True) -> Any:
        """The page that was asked for, in this reality's envelope."""
        rows = self.spelt(rows)
        number, size = int(request.args.get("page", 0)), min(int(request.args.get("size", 200)), self.clamp)
        shown = rows[number * size : (number + 1) * size] if paged else rows
        if not self.envelope:
            return shown
        if self.envelope == "two":
            return {"left": shown, "right": shown}
        pages = -(-len(rows) // size)
        told = {
            "all": {"totalElements": len(rows), "totalPages": pages, "last": number + 1 >= pages, "size": size},
            "pages": {"totalPages": pages},
            "last": {"last": number + 1 >= pages},
            "none": {},
        }[self.totals if paged else "none"]
        return {"engagementRows" if self.envelope == "only" else self.envelope: shown, **told}

    def engagements(self) -> list[Row]:
        """Five engagements; the last has no upload."""
        rows = []
        for number in range(1, 6):
            row: Row = {"id": self.id(number), "externalEngagementId": f"E-{number}", "clientId": SYSTEM}
            if not self.sparse:
                row["relationshipManager"] = "R. Manager"
                row["owner"] = {"firstName": "Ada", "lastName": "Berg", "email": "ada@example.org"}
                row["sme"] = {"id": str(number), "name": f"Firm {number}"}
                if number < 5:
                    row["lastUploadDate"] = self.moment()
            rows.append(row)
        return rows

    def accounts(self) -> list[Row]:
        """Four accounts, one of them not mapped."""
        told = [("A1", "0120", "Bank"), ("A4", "4000", "Sales"), ("A7", "7100", "Rent"), ("A9", "9999", "Suspense")]
        return [
            {
                "accountId": number, "remotePk": number, "code": code, "name": name,
                "primaryCategory": None if code == "9999" else "Category", "tag": "" if code == "9999" else "Tag",
                "currencyIso": "GBP", "createdTimestamp": self.moment(), "modifiedTimestamp": self.moment(),
                "status": "ACTIVE",
            }
            for number, code, name in told
        ]  # fmt: skip

    def journals(self) -> list[Row]:
        """Two journals of two lines."""
        journals: list[Row] = []
        for head in JOURNALS:
            number = int(str(head["id"]))
            lines = [self.line(*line) for line in LINES[number]]
            journals.append({**head, "id": self.id(number), self.journal_lines: lines})
        return journals

    def line(self, account: str, value: float) -> Row:
        """One line of a journal."""
        if self.line_value == "pair":
            return {"accountId": account, "debit": max(value, 0), "credit": max(-value, 0)}
        return {"accountId": account, {"odd": "wert"}.get(self.line_value, self.line_value): value}

    def periods(self) -> list[Row]:
        """One period."""
        first, last = "2026-01-01", "2026-01-31"
        if self.moments in ("seconds", "milliseconds"):
            by = 1000 if self.moments == "milliseconds" else 1
            first, last = (int(datetime(2026, 1, day, tzinfo=UTC).timestamp()) * by for day in (1, 31))  # type: ignore[assignment]
        return [{"id": self.id(10), "number": 10, "startDate": first, "endDate": last, "financialYear": 2026}]

    def items(self) -> list[Row]:
        """Three receivable items, with nothing but an id and amounts where this reality is sparse."""
        sign = 1 if request.args.get("DisplayAbsolute") == "false" else -1
        full = [
            {"id": self.id(number), "customerId": "C1", "itemType": kind, "date": "2026-01-06", "dueDate": "2026-02-05",
             "amount": amount if sign == 1 else abs(amount), "outstandingAmount": 0}
            for number, kind, amount in ((1, "INVOICE", 99.99), (2, "CREDIT_NOTE", -9.99), (3, "PAYMENT", -90.0))
        ]  # fmt: skip
        return [{key: row[key] for key in ("id", "amount")} for row in full] if self.sparse else full

    def figures(self) -> Any:
        """A report of income and one line below it."""
        return {
            "rows": {"rows": [{"label": "Income", "value": -99.99, "displayFlipped": True,
                               "children": [{"label": "Sales", "value": -99.99, "displayFlipped": True}]}]},
            "bare": [{"name": "Income", "amount": -99.99, "lines": [{"name": "Sales", "amount": -99.99}]}],
            "mapping": {"data": [{"title": "Income", "periods": {"2026": -99.99},
                                  "accounts": [{"accountName": "Sales", "periods": {"2026": -99.99}}]}]},
            "deep": {"result": {"sections": [{"name": "Income", "total": "-99.99",
                                              "items": [{"description": "Sales", "balance": -99.99}]}]}},
            "odd": {"zeilen": [{"bezeichnung": "Income", "betrag": "minus"}]},
        }[self.report]  # fmt: skip

    def members(self) -> dict[str, bytes]:
        """The files of the extract."""
        names = {
            "display": ("GL Transactions.csv", "GL Period Balances.csv"),
            "dated": (f"gl_transactions_{UPLOAD}_20260407.csv", "GL-PeriodBalances-4711.csv"),
            "folder": ("extract 4711/GL_TRANSACTIONS.CSV", "extract 4711/GL_PERIOD_BALANCES.CSV"),
            "coded": ("table1.csv", "table2.csv"),
        }[self.names]
        return dict(zip(names, (self.file(TRANSACTIONS), self.file(BALANCES)), strict=True))

    def item_members(self) -> dict[str, bytes]:
        """The files of the receivable extract."""
        names = {
            "display": ("AR Transactions.csv", "AR Allocations.csv"),
            "dated": (f"ar_transactions_{UPLOAD}_20260407.csv", "Allocations-4711.csv"),
            "folder": ("extract 4711/RECEIVABLE_ITEMS.CSV", "extract 4711/AR ALLOCATIONS.CSV"),
            "coded": ("table1.csv", "table2.csv"),
        }[self.names]
        head, _, body = RECEIVABLES.partition("\n")
        for ours, theirs in SPELLINGS.get(self.items_columns, {}).items():
            head = ",".join(theirs if name == ours else name for name in head.split(","))
        return dict(zip(names, (self.file(f"{head}\n{body}"), self.file(ALLOCATED)), strict=True))

    def members_of(self, ledger: str) -> dict[str, bytes] | None:
        """The files of an extract by the word in its path; None where there is none."""
        if ledger == "general-ledger":
            return self.members()
        return self.item_members() if ledger == self.items_path else None

    def file(self, text: str) -> bytes:
        """One CSV file in this reality's form."""
        head, _, body = text.partition("\n")
        if self.headers == "blanks":
            head = ",".join(name.replace("_", " ").title() for name in head.split(","))
        elif self.headers == "lower":
            head = head.lower()
        for day in ("01-05", "01-06", "02-04"):
            month, number = day.split("-")
            forms = {"iso": f"2026-{day}", "time": f"2026-{day}T00:00:00Z", "day_first": f"{number}.{month}.2026"}
            body = body.replace(f"2026-{day}", forms[self.dates])
        text = f"{head}\n{body.replace('Kiln & Sons', 'Kiln & Søns')}".replace(",", self.delimiter)
        if self.decimals == "comma":
            for amount in ("1200.50", "99.99", "0.00", "1100.51"):
                text = text.replace(amount, amount.replace(".", ","))
        return text.encode(self.encoding)


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def serve(reality: Reality) -> Flask:
    """The application; its storage host is itself, below ``/storage``."""
    app = Flask("second validis", static_folder=None)
    polls: list[str] = []

    @app.before_request
    def check() -> Response | None:
        reality.seen.append((request.method, request.path))
        if request.path.startswith("/storage"):
            return refused(400) if "authorization" in {name.lower() for name, _ in request.headers} else None
        if request.headers.get("Ocp-Apim-Subscription-Key") != KEY:
            return refused(401)
        if request.path != "/v1/oauth/token" and not authorised():
            return refused(401)
        return None

    def authorised() -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return token == "eyJh.eyJz.c2ln" and reality.scheme in ("any", scheme)

    def refused(status: int) -> Response:
        forms = {
            "gateway": {"statusCode": status, "message": "It was refused"},
            "oauth": {"error": "refused", "error_description": "It was refused"},
            "word": {"error": "It was refused"},
        }
        if reality.error == "text":
            return Response("It was refused", status, mimetype="text/plain")
        return json(forms[reality.error], status)

    @app.post("/v1/oauth/token")
    def token() -> Response:
        told = {
            "access_token": "eyJh.eyJz.c2ln",
            "token_type": "JWT",
            "clientId": ORGANISATION,
            "vconnectClientId": SYSTEM,
        }
        return json(told if reality.expires_in is None else {**told, "expires_in": reality.expires_in})

    @app.get("/v1/clients/<client>/engagements")
    def engagements(client: str) -> Response:
        return json(reality.wrapped(reality.engagements())) if client == reality.client_id else refused(404)

    @app.get("/v1/engagements/<engagement>/<what>")
    def lists(engagement: str, what: str) -> Response:
        if what == "accounts":
            return json(reality.wrapped(reality.accounts(), paged=reality.accounts_paged))
        if what == reality.periods_path:
            return json(reality.wrapped(reality.periods(), paged=False))
        rows = {"journals": reality.journals, "receivableItems": reality.items, "payableItems": reality.items}
        return json(reality.wrapped(rows[what]())) if what in rows else refused(404)

    @app.get("/v1/reports/<report>/engagements/<engagement>")
    def reports(report: str, engagement: str) -> Response:
        return json(reality.spelt(reality.figures()))

    @app.get("/v2/extracts/<ledger>/engagements/<engagement>")
    def extract(ledger: str, engagement: str) -> Response:
        members = reality.members_of(ledger)
        if members is None:
            return refused(404)
        polls.append(request.path)
        if polls.count(request.path) <= len(reality.waiting):
            return Response(b"", reality.waiting[polls.count(request.path) - 1])
        home = f"http://{request.host}/storage/{ledger}"
        if reality.ready == "zip":
            return Response(zipped(members), mimetype="application/octet-stream")
        files = [{"fileAccessUrl": f"{home}/{number}.zip?sig=s", "fileName": f"{name.rpartition('/')[2][:-4]}.zip"}
                 for number, name in enumerate(members)]  # fmt: skip
        answers: dict[str, Any] = {
            "access": {"fileAccessUrl": f"{home}/all.zip?sig=s", "fileUrl": f"{home}/all.zip", "sasToken": "sig=s"},
            "sas": {"fileUrl": f"{home}/all.zip", "sasToken": "?sig=s"},
            "nested": {"data": {"extract": [{"FileAccessUrl": f"{home}/all.zip?sig=s"}]}, "uploadId": UPLOAD},
            "href": {"download": {"hrefs": [f"{home}/all.zip?sig=s"]}},
            "files": {"files": files},
            "odd": {"ort": f"{home}/all.zip?sig=s"},
        }
        return json(answers[reality.ready])

    @app.get("/storage/<ledger>/<name>.zip")
    def storage(ledger: str, name: str) -> Response:
        members = reality.members_of(ledger) or {}
        if name.isdecimal():
            member = list(members)[int(name)]
            members = {member: members[member]}
        return Response(zipped(members), mimetype="application/zip")

    return app


def json(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, mimetype="application/json")
