"""The evidence across jobs: lists over all completed jobs, certificates, and the faults planted in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from docframes.sandbox.company.forms import Form, paper
from docframes.sandbox.company.seeds import DAY, moment, new_id, stream
from docframes.sandbox.files import File, pdf

if TYPE_CHECKING:
    from docframes.sandbox.company import Company

Row = dict[str, Any]


@dataclass
class Planted:
    """What is wrong with the evidence, on purpose."""

    faults: list[Row] = field(default_factory=list)
    first_photos: dict[str, str] = field(default_factory=dict)  #: job: content of its first photo
    away: set[str] = field(default_factory=set)  #: jobs whose photos were taken elsewhere


def plant(company: Company) -> Planted:
    """Choose the jobs whose evidence is faulty; a company with few completed jobs has fewer faults."""
    rng = stream(company.seed, "faults")
    done = [job["id"] for job in company.jobs if job["status"] == "completed"]
    chosen = rng.sample(done, min(3, len(done)))
    planted = Planted()
    if len(chosen) >= 2:
        content = new_id(rng)
        planted.first_photos = dict.fromkeys(chosen[:2], content)
        reason = "the first photo of both jobs is the same file, byte for byte"
        planted.faults.append(_fault("reused_photo", chosen[:2], reason))
    if len(chosen) == 3:
        planted.away = {chosen[2]}
        reason = "the photos were taken some 67 km north of the property"
        planted.faults.append(_fault("photo_elsewhere", chosen[2:], reason))
    return planted


def _fault(name: str, ids: list[str], reason: str) -> Row:
    return {"fault": name, "where": "validocx jobs", "ids": ids, "reason": reason}


def certificates(company: Company) -> list[File]:
    """The installers' certificates as files."""
    files = []
    for firm in company.suppliers:
        if firm.trade == "installer":
            lines = (
                f"This is to certify that {firm.name}",
                "installs to PAS 2030.",
                f"VAT {firm.vat_number}",
            )
            read = partial(pdf, "Installer certificate", lines)
            name = f"certificate-{firm.code}.pdf"
            files.append(File("installer-certs", firm.certificate_id, name, "application/pdf", read))
    return files


def gather(company: Company) -> dict[str, list[Row]]:
    """Rows of the three lists that cover completed jobs."""
    rows: dict[str, list[Row]] = {"question-responses": [], "images": [], "documents": []}
    for job in company.jobs:
        if job["status"] == "completed":
            form = company.form(job["id"])
            _add_answers(rows, job, form)
            rows["documents"] += form.documents
    rows["documents"] += _project_papers(company)
    return rows


def _add_answers(rows: dict[str, list[Row]], job: Row, form: Form) -> None:
    for step, question, answer in form.answers():
        created = answer["answered_at"] or job["completed_at"]
        times = {"created_at": created, "updated_at": created}
        if answer["id"] in form.changed:
            times["updated_at"] = job["updated_at"]
        rows["question-responses"].append(
            {
                "id": answer["id"],
                "project_id": job["project_id"],
                "job_id": job["id"],
                "step_id": step["id"],
                "step_name": step["name"],
                "question_id": question["id"],
                "question_text": question["text"],
                "question_type": question["type"],
                "answer": answer["value"],
                "answered_by": answer["answered_by"],
                "answered_at": answer["answered_at"],
                **times,
            }
        )
        rows["images"] += [_image(job, question, answer, image, created) for image in answer["images"]]


def _image(job: Row, question: Row, answer: Row, image: Row, created: str) -> Row:
    return {
        "id": image["id"],
        "project_id": job["project_id"],
        "job_id": job["id"],
        "question_id": question["id"],
        "question_response_id": answer["id"],
        **{key: image[key] for key in ("file_name", "mime_type", "file_size")},
        **{key: image[key] for key in ("captured_at", "latitude", "longitude")},
        "created_at": created,
        "updated_at": created,
    }


def _project_papers(company: Company) -> list[Row]:
    """Papers of a project as a whole, which belong to no job."""
    done = {job["project_id"]: job for job in company.jobs if job["status"] == "completed"}
    rows = []
    for project_id, job in done.items():
        rng = stream(company.seed, "project papers", project_id)
        if rng.random() < 0.3:
            place, files = company.place(project_id), list[File]()
            when = moment(job["created_at"][:10]) + DAY // 2
            lines = (f"Whole-house assessment of {place.line_1}", place.city, place.postcode)
            row = paper(rng, job, "retrofit-assessment.pdf", "assessment", when, lines, files)
            rows.append({**row, "job_id": None})
            company.remember(files)
    return rows
