"""What the forgery laboratory holds: a case for each completed job, with its papers and its first photo."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from docframes.sandbox.company.invoices import Invoice, bill, pounds
from docframes.sandbox.company.seeds import DAY, HOUR, MINUTE, moment, on_weekday, stamp, stream

if TYPE_CHECKING:
    from docframes.sandbox.company import Company

Row = dict[str, Any]

LEVELS = ("Informational", "Low", "Medium", "High")
FORGERIES = (
    ("edited_total", "the total was changed with an editor after the invoice was issued"),
    ("edited_date", "the date was changed with an editor after the invoice was issued"),
    ("pasted_bank_details", "the bank details are a picture pasted over the original ones"),
)
#: The forgery that a person waved through.
WAVED_THROUGH = 1


@dataclass
class Laboratory:
    """Cases and files as the API sends them, links left out; oldest first."""

    cases: list[Row] = field(default_factory=list)
    files: list[Row] = field(default_factory=list)
    stored: dict[str, tuple[str, str]] = field(default_factory=dict)  #: file id to the company's own file: kind and id
    invoices: dict[str, Invoice] = field(default_factory=dict)  #: by file id
    forged: dict[str, str] = field(default_factory=dict)  #: file id to the name of the forgery
    found: dict[str, str] = field(default_factory=dict)  #: file id to the score of the analysis itself
    twins: dict[str, str] = field(default_factory=dict)  #: photo to the other file with the same picture
    foreign: tuple[str, ...] = ()  #: ids of files that belong to somebody else
    truth: list[Row] = field(default_factory=list)
    _by_id: dict[str, Row] = field(default_factory=dict, repr=False)

    def file(self, file_id: str) -> Row | None:
        """The file's row, or None."""
        if len(self._by_id) != len(self.files):
            self._by_id = {row["file_id"]: row for row in self.files}
        return self._by_id.get(file_id)

    def confirm(self, file_id: str, score: str) -> None:
        """A person overrides the score."""
        row = self.file(file_id)
        if row is not None:
            row["current_risk_score"] = score


def z(milliseconds: int) -> str:
    """Milliseconds since 1970 as text that ends in Z."""
    return stamp(milliseconds).replace("+00:00", "Z")


def new_id(rng: random.Random, milliseconds: int) -> str:
    """A version 7 UUID of that moment, in lower case."""
    text = f"{milliseconds:012x}7{rng.getrandbits(12):03x}{'89ab'[rng.getrandbits(2)]}{rng.getrandbits(60):015x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def examine(company: Company) -> Laboratory:
    """Everything the company has handed in; the same company gives the same laboratory."""
    lab = Laboratory()
    rng = stream(company.seed, "laboratory")
    done = [job for job in company.jobs if job["status"] == "completed"]
    opened = {job["id"]: _opened(rng, company, job) for job in done}
    done.sort(key=lambda job: opened[job["id"]])
    for job in done:
        _add_case(lab, company, job, opened[job["id"]])
    _forge(lab, stream(company.seed, "forgeries"))
    _pair_photos(lab, company)
    lab.foreign = tuple(new_id(rng, moment("2025-11-03") + number * MINUTE) for number in range(3))
    return lab


def _opened(rng: random.Random, company: Company, job: Row) -> int:
    """When the case was made: within days of the invoice, in working hours."""
    issued = moment(bill(company.seed, job, company.measure(job)).issued)
    return (
        on_weekday(issued + rng.randrange(1, 5) * DAY) + 9 * HOUR + rng.randrange(8 * 60) * MINUTE + rng.randrange(999)
    )


def _add_case(lab: Laboratory, company: Company, job: Row, opened: int) -> None:
    rng = stream(company.seed, "case", job["id"])
    invoice = bill(company.seed, job, company.measure(job))
    case_id = new_id(rng, opened)
    label = f"Job {job['reference'] or job['id'][:8]}"
    case = {
        "case_id": case_id,
        "label": label,
        "metadata": {"job_id": job["id"], "supplier": invoice.supplier, "invoice": invoice.number},
        "is_locked": True,
        "locked_at": z(opened + MINUTE),
        "file_analysis_status": "file_analysis_complete",
        "file_analysis_completed_at": z(opened + 5 * MINUTE),
        "created_at": z(opened),
        "updated_at": z(opened + 5 * MINUTE),
        "team_id": None,
        "team_name": None,
    }
    files = [_file(lab, rng, case, invoice, paper, opened) for paper in _papers(company, job)]
    if any(file["analysis_status"] != "settled" for file in files):
        case |= {"file_analysis_status": "waiting_for_file_analysis", "file_analysis_completed_at": None}
        case["updated_at"] = case["locked_at"]
    if any(file["analysis_status"] == "waiting_for_upload" for file in files):
        case |= {"is_locked": False, "locked_at": None, "updated_at": case["created_at"]}
    lab.cases.append(case)
    lab.files += files


def _papers(company: Company, job: Row) -> list[tuple[str, Row]]:
    """The job's documents, and its first photo that is no signature."""
    form = company.form(job["id"])
    papers = [("documents", row) for row in form.documents]
    pictures = (file for file in form.files if file.resource == "images" and not file.name.startswith("signature"))
    first = next(pictures, None)
    photo = {} if first is None else {"id": first.id, "name": first.name, "mime_type": first.mime_type}
    return [*papers, ("images", photo)] if photo else papers


def _file(lab: Laboratory, rng: random.Random, case: Row, invoice: Invoice, paper: tuple[str, Row], opened: int) -> Row:
    kind, document = paper
    made = opened + 8 * (1 + sum(file["case_id"] == case["case_id"] for file in lab.files)) + rng.randrange(8)
    file_id = new_id(rng, made)
    is_invoice = document.get("document_type") == "invoice"
    lab.stored[file_id] = (kind, document["id"])
    if is_invoice:
        lab.invoices[file_id] = invoice
    chance = rng.random()
    status = "settled" if chance < 0.94 or is_invoice else "processing" if chance < 0.97 else "waiting_for_upload"
    failed = status == "settled" and not is_invoice and rng.random() < 0.04
    score = rng.choices(LEVELS[:3], (60, 30, 10))[0] if status == "settled" and not failed else None
    if score is not None:
        lab.found[file_id] = score
    there = status != "waiting_for_upload"
    return {
        "file_id": file_id,
        "case_id": case["case_id"],
        "case_label": case["label"],
        "label": f"invoice-{invoice.number}.pdf" if is_invoice else document["name"],
        "mime_type": document["mime_type"] if there else None,
        "current_risk_score": score,
        "analysis_status": status,
        "analysis_outcome": None if status != "settled" else "failed" if failed else "success",
        "current_analysis_phase": "metadata" if status == "processing" else None,
        "uploaded_at": z(made + rng.randrange(5, 40) * 1_000) if there else None,
        "created_at": z(made),
    }


def _forge(lab: Laboratory, rng: random.Random) -> None:
    """Choose invoices that are not what they were; a laboratory with few of them has fewer forgeries."""
    chosen = rng.sample(sorted(lab.invoices), min(len(FORGERIES), len(lab.invoices)))
    for number, (file_id, (name, what)) in enumerate(zip(chosen, FORGERIES, strict=False)):
        lab.forged[file_id] = name
        lab.found[file_id] = "High"
        row, invoice = lab.file(file_id), lab.invoices[file_id]
        if row is not None:
            row["current_risk_score"] = "Low" if number == WAVED_THROUGH else "High"
        reason = f"{what}: invoice {invoice.number} of {invoice.supplier}, {pounds(invoice.total)} GBP"
        if number == WAVED_THROUGH:
            reason += "; the analysis says High, and a person lowered it to Low"
        lab.truth.append(
            {"fault": f"forged_invoice_{name}", "where": "veridox files", "ids": [file_id], "reason": reason}
        )


def _pair_photos(lab: Laboratory, company: Company) -> None:
    """The photo that stands in two jobs is found again by the reverse search."""
    by_content: dict[str, list[str]] = {}
    for case in lab.cases:
        content = company.planted.first_photos.get(case["metadata"]["job_id"])
        if content is None:
            continue
        files = (row for row in lab.files if row["case_id"] == case["case_id"])
        photo = next((row for row in files if lab.stored[row["file_id"]][0] == "images"), None)
        if photo is not None and photo["analysis_outcome"] == "success":
            by_content.setdefault(content, []).append(photo["file_id"])
    for ids in by_content.values():
        if len(ids) == 2:
            lab.twins |= dict(zip(ids, reversed(ids), strict=True))
            reason = "both cases show the same picture, byte for byte"
            lab.truth.append({"fault": "photo_in_two_cases", "where": "veridox files", "ids": ids, "reason": reason})
