"""What stands in a job's form: steps, questions, answers, photos and papers, made from the job alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from docframes.sandbox.company.invoices import bill
from docframes.sandbox.company.measures import BATCH, CERTIFICATE, Measure
from docframes.sandbox.company.places import Place
from docframes.sandbox.company.questions import Question
from docframes.sandbox.company.seeds import DAY, HOUR, MINUTE, SECOND, moment, new_id, stamp, stream
from docframes.sandbox.files import File, autograph, autograph_size, jpeg, jpeg_size, pdf

Row = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """All that a form is made from."""

    seed: int
    job: Row
    measure: Measure
    place: Place
    certificate_id: str
    answered: float  #: share of the questions that were reached, 0 to 1
    start: int  #: milliseconds: when work on site began
    end: int  #: milliseconds: no answer is later
    first_photo: str | None = None  #: content of the first photo, where it is not its own
    away: bool = False  #: the photos were taken somewhere else


@dataclass
class Form:
    """Steps and papers as job full detail nests them, still without links, and the files behind them."""

    job_id: str
    steps: list[Row] = field(default_factory=list)
    documents: list[Row] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)  #: ids of the answers that were amended

    def questions(self) -> Iterator[tuple[Row, Row]]:
        """Each question with its step."""
        for step in self.steps:
            for question in step["questions"]:
                yield step, question

    def answers(self) -> Iterator[tuple[Row, Row, Row]]:
        """Each answer with its step and question."""
        for step, question in self.questions():
            for answer in question["answers"]:
                yield step, question, answer


def fill(subject: Subject) -> Form:
    """The form of one job; the same subject gives the same form."""
    rng = stream(subject.seed, "form", subject.job["id"])
    ids = stream(subject.seed, "template", subject.measure.code)
    form = Form(subject.job["id"])
    total = sum(len(step.questions) for step in subject.measure.steps)
    reached = round(subject.answered * total)
    asked = 0
    for position, step in enumerate(subject.measure.steps, start=1):
        row: Row = {"id": new_id(ids), "name": step.name, "position": position, "status": "", "questions": []}
        for place_in_step, question in enumerate(step.questions, start=1):
            asked += 1
            when = _between(subject, asked, total)
            row["questions"].append(
                {
                    "id": new_id(ids),
                    "text": question.text,
                    "type": question.type,
                    "required": question.required,
                    "position": place_in_step,
                    "answers": _answers(rng, subject, question, when, form) if asked <= reached else [],
                }
            )
        row["status"] = _step_status(asked - len(step.questions), asked, reached)
        form.steps.append(row)
    form.documents = _documents(rng, subject, form)
    return form


def _step_status(before: int, after: int, reached: int) -> str:
    if reached >= after:
        return "completed"
    return "in_progress" if reached > before else "not_started"


def _between(subject: Subject, turn: int, turns: int) -> int:
    """When the question of that *turn* was answered: in order, and between 08:00 and 18:00."""
    when = subject.start + (subject.end - subject.start) * turn // (turns + 1)
    return when // DAY * DAY + 8 * HOUR + when % DAY * 10 // 24


def _answers(rng: random.Random, subject: Subject, question: Question, when: int, form: Form) -> list[Row]:
    """Mostly one answer; none where it was left open, two where it was answered again."""
    chance = rng.random()
    if chance < (0.05 if question.required else 0.35):
        return []
    times = 2 if chance > 0.97 and question.type not in ("photo", "signature") else 1
    return [_answer(rng, subject, question, when + turn * 2 * SECOND, form) for turn in range(times)]


def _answer(rng: random.Random, subject: Subject, question: Question, when: int, form: Form) -> Row:
    when += rng.choice((0, 120, 45, 0))
    answered_by = subject.job["assigned_to"]
    answer: Row = {
        "id": new_id(rng),
        "value": _value(rng, subject, question, when),
        "answered_by": answered_by if rng.random() < 0.98 else None,
        "answered_at": stamp(when) if rng.random() < 0.99 else None,
        "images": [],
    }
    if question.type == "photo":
        count = rng.choices((1, 2, 3), (78, 16, 6))[0]
        answer["images"] = [_photo(rng, subject, question, when, form) for _ in range(count)]
    elif question.type == "signature":
        answer["images"] = [_signature(rng, answer["value"], when, form)]
    elif not question.required and rng.random() < 0.1:
        answer["value"] = None
    return answer


def _value(rng: random.Random, subject: Subject, question: Question, when: int) -> Any:
    match question.type:
        case "number":
            if question.decimals:
                return round(rng.uniform(question.low, question.high), question.decimals)
            return rng.randint(int(question.low), int(question.high))
        case "boolean":
            return rng.random() < question.yes
        case "date":
            return stamp(when)[:10]
        case "select":
            return rng.choice(question.choices)
        case "multi_select":
            return rng.sample(question.choices, rng.randrange(len(question.choices)))
        case "signature":
            return subject.job["assigned_to_name"] if "Installer" in question.text else "the customer"
        case "photo":
            return None
        case _:
            return _text(rng, subject, question)


def _text(rng: random.Random, subject: Subject, question: Question) -> str:
    if question.text == CERTIFICATE:
        return subject.certificate_id
    if question.choices:
        return rng.choice(question.choices)
    width = 8 if question.text == BATCH else 10
    return f"{rng.randrange(10 ** (width - 2)):0{width}d}"


def _photo(rng: random.Random, subject: Subject, question: Question, when: int, form: Form) -> Row:
    photo_id = new_id(rng)
    first = not any(file.resource == "images" for file in form.files)
    content = subject.first_photo if first and subject.first_photo else photo_id
    view = int(content[:8], 16)
    words = question.text.removeprefix("Photo of the ").removeprefix("Photo ").lower().split()
    name = "-".join(words) + f"-{len(form.files) + 1:02d}.jpg"
    form.files.append(File("images", photo_id, name, "image/jpeg", partial(jpeg, view, content)))
    known = rng.random() < 0.92
    far = 0.6 if subject.away else 0.0
    return {
        "id": photo_id,
        "file_name": name,
        "mime_type": "image/jpeg",
        "file_size": jpeg_size(view, content) if rng.random() < 0.97 else None,
        "captured_at": stamp(when - rng.randrange(20, 90) * SECOND) if rng.random() < 0.95 else None,
        "latitude": round(subject.place.latitude + far + rng.uniform(-3e-4, 3e-4), 5) if known else None,
        "longitude": round(subject.place.longitude + rng.uniform(-3e-4, 3e-4), 5) if known else None,
    }


def _signature(rng: random.Random, name: str, when: int, form: Form) -> Row:
    image_id = new_id(rng)
    file_name = f"signature-{image_id[:8]}.jpg"
    form.files.append(File("images", image_id, file_name, "image/jpeg", partial(autograph, name, image_id)))
    return {
        "id": image_id,
        "file_name": file_name,
        "mime_type": "image/jpeg",
        "file_size": autograph_size(name, image_id),
        "captured_at": stamp(when),
        "latitude": None,
        "longitude": None,
    }


#: What is filed with a job: file name, document type, from which share of the form on.
PAPERS: tuple[tuple[str, str | None, float], ...] = (
    ("survey", "survey", 0.2),
    ("warranty", "warranty", 1.0),
    ("declaration", "declaration", 1.0),
    ("handover pack", None, 1.0),
    ("invoice", "invoice", 1.0),
)


def _documents(rng: random.Random, subject: Subject, form: Form) -> list[Row]:
    rows = []
    for name, kind, due in PAPERS:
        if subject.answered < due or (kind in ("warranty", None) and rng.random() < 0.3):
            continue
        when = subject.end - rng.randrange(1, 20) * MINUTE
        file_name = f"{subject.measure.code.lower()}-{name.replace(' ', '-')}.pdf"
        rows.append(paper(rng, subject.job, file_name, kind, when, _wording(subject, name), form.files))
    return rows


def _wording(subject: Subject, name: str) -> tuple[str, ...]:
    job, place = subject.job, subject.place
    if name == "invoice":
        return bill(subject.seed, job, subject.measure).lines()
    return (
        f"{subject.measure.name}: {name}",
        f"Job: {job['reference'] or job['id']}",
        f"Property: {place.line_1}, {place.city}, {place.postcode}",
        f"Fitted by: {job['assigned_to_name']}",
        f"Status: {job['status']}, begun {stamp(subject.start // DAY * DAY)[:10]}",
    )


def paper(
    rng: random.Random,
    job: Row,
    name: str,
    kind: str | None,
    when: int,
    lines: tuple[str, ...],
    files: list[File],
) -> Row:
    """A document's row; its PDF is added to *files*."""
    document_id = new_id(rng)
    title = name.removesuffix(".pdf").replace("-", " ").capitalize()
    read = partial(pdf, title, (*lines, f"Document {document_id}"))
    files.append(File("documents", document_id, name, "application/pdf", read))
    return {
        "id": document_id,
        "project_id": job["project_id"],
        "job_id": job["id"],
        "name": name,
        "document_type": kind,
        "mime_type": "application/pdf",
        "file_size": len(read()) if rng.random() < 0.97 else None,
        "uploaded_by": job["assigned_to"],
        "created_at": stamp(when),
        "updated_at": stamp(when),
    }


def amend(form: Form, turn: int) -> None:
    """Change one answer, a different one each *turn*; a form without answers gets its first."""
    given = [answer for _, question, answer in form.answers() if question["type"] not in ("photo", "signature")]
    if given:
        answer = given[turn % len(given)]
        answer["value"] = _changed(answer["value"], turn)
        form.changed.add(answer["id"])
        return
    for _, question in form.questions():
        if question["type"] == "text":
            answer_id = new_id(stream(form.job_id, question["id"]))
            new: Row = {"value": "Begun.", "answered_by": None, "answered_at": None, "images": []}
            question["answers"] = [{"id": answer_id, **new}]
            form.changed.add(answer_id)
            return


def _changed(value: Any, turn: int) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return round(value + turn + 1, 2)
        case list():
            return value[1:] if value else ["changed"]
        case str() if len(value) == 10 and value[4:5] == "-":
            return stamp(moment(value) + DAY)[:10]
        case _:
            return f"{value or ''} (changed {turn + 1})".strip()
