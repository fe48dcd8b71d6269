"""The personnel files: who works for the company, in which teams, with which papers; and what is wrong with them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from docframes.sandbox.company.people import Person
from docframes.sandbox.company.seeds import DAY, HOUR, SECOND, moment, new_id, stream
from docframes.sandbox.files import File, pdf

if TYPE_CHECKING:
    from docframes.sandbox.company import Company

Row = dict[str, Any]

HIRED_FROM = "2019-01-07"
LEFT = "2025-11-28T17:00:00"  #: in the middle of the year that the ledger covers
MEDIA = {"pdf": "application/pdf", "doc": "application/msword", "csv": "text/csv", "txt": "text/plain",
         "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}  # fmt: skip
#: Papers beside the contract of employment, by what a person does.
PAPERS = {
    "installer": ("Forklift licence", "Working at height certificate"),
    "site surveyor": ("Retrofit assessor accreditation",),
    "retrofit assessor": ("Retrofit assessor accreditation",),
    "director": ("Declaration of interests",),
}
POLICIES = (
    ("Travel policy", "pdf", "succeeded"),
    ("Schedule of day rates", "csv", "not_vectorized"),
    ("House rules", "txt", "non_vectorized"),
    ("Works agreement on working hours", "docx", "failed"),
)


@dataclass
class Personnel:
    """Rows as the API sends them, files by id, and the faults among them."""

    account: Row
    users: list[Row]
    teams: list[Row]
    memberships: list[Row]
    documents: dict[str, list[Row]]  #: by user
    account_documents: list[Row]
    forbidden: str  #: user whose documents the caller may not see (403)
    hidden: str  #: user whose documents are as if they were not there (404)
    faults: list[Row] = field(default_factory=list)
    files: dict[str, Callable[[], bytes]] = field(default_factory=dict)


def file_away(company: Company) -> Personnel:
    """The personnel files of a company."""
    rng = stream(company.seed, "personnel")
    account = resource(new_id(rng), "account", name=company.name, company_type="CIC", discarded_at=None)
    staff = company.staff
    others = [person for person in staff if person.team != "Finance"] or staff
    personnel = Personnel(
        account=account,
        users=[_user(person) for person in staff],
        teams=[],
        memberships=[],
        documents={person.id: [] for person in staff},
        account_documents=[],
        forbidden=others[-1].id,
        hidden=others[len(others) // 3].id,
    )
    _form_teams(personnel, company)
    for person in staff:
        _file_papers(personnel, company.seed, person)
    _file_policies(personnel, company.seed)
    _plant(personnel, company)
    return personnel


def resource(id: str, type: str, **attributes: Any) -> Row:
    """A JSON:API resource; an attribute that is given as ... is left out."""
    return {
        "id": id,
        "type": type,
        "attributes": {name: value for name, value in attributes.items() if value is not ...},
    }


def zulu(milliseconds: int) -> str:
    """Milliseconds since 1970 as this vendor writes a time."""
    when = datetime.fromtimestamp(milliseconds // SECOND, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{milliseconds % SECOND:03d}Z"


def _user(person: Person) -> Row:
    # Only a name is required: some have neither an address nor a number.
    bare = person.role == "installer" and person.employee_number.endswith("9")
    return resource(
        person.id,
        "user",
        name=person.name,
        email=None if bare else person.email,
        employee_number=None if bare else person.employee_number,
        status="created" if bare else "active",
        discarded_at=None,
    )


def _form_teams(personnel: Personnel, company: Company) -> None:
    rng = stream(company.seed, "teams")
    account_id = personnel.account["id"]
    top = resource(new_id(rng), "team", account_id=account_id, name=company.name, parent_team_id=..., discarded_at=None)
    names = sorted({person.team for person in company.staff})
    by_name = {
        name: resource(
            new_id(rng), "team", account_id=account_id, name=name, parent_team_id=top["id"], discarded_at=None
        )
        for name in names
    }
    gone = resource(
        new_id(rng), "team", account_id=account_id, name="Boiler Scheme 2023", parent_team_id=top["id"],
        discarded_at="2024-06-30T15:00:00.000Z",
    )  # fmt: skip
    personnel.teams = [top, *by_name.values(), gone]
    for person in company.staff:
        membership = resource(new_id(rng), "team_membership", role="member")
        membership["relationships"] = {
            "team": {"data": {"id": by_name[person.team]["id"], "type": "team"}},
            "user": {"data": {"id": person.id, "type": "user"}},
        }
        personnel.memberships.append(membership)


def _file_papers(personnel: Personnel, seed: int, person: Person) -> None:
    rng = stream(seed, "papers", person.id)
    hired = moment(HIRED_FROM) + rng.randrange(6 * 365) * DAY + 9 * HOUR + rng.randrange(SECOND)
    _file(personnel, person, new_id(rng), "Employment contract", "pdf", hired, sensitive=True, visible=True)
    _file(personnel, person, new_id(rng), "Data protection declaration", "pdf", hired + HOUR, visible=True)
    for number, name in enumerate(PAPERS.get(person.role, ()), start=1):
        _file(personnel, person, new_id(rng), name, "pdf", hired + number * 40 * DAY, visible=True)
    if rng.random() < 0.4:
        _file(personnel, person, new_id(rng), "Reference letter", "doc", hired + 400 * DAY)
    if rng.random() < 0.25:
        _file(personnel, person, new_id(rng), "Appraisal", "pdf", hired + 500 * DAY, sensitive=True, status="uploading")
    if rng.random() < 0.15:
        _file(personnel, person, new_id(rng), "Sick note", "pdf", hired + 600 * DAY, sensitive=True, status="error")


def _file(
    personnel: Personnel, person: Person, id: str, name: str, extension: str, created: int, *,
    sensitive: bool = False, visible: bool = False, status: str = "success",
) -> None:  # fmt: skip
    row = resource(
        id,
        "document",
        created_at=zulu(created),
        extension=extension,
        name=name,
        sensitive=sensitive,
        upload_status=status,
        visible_to_user=visible,
    )
    personnel.documents[person.id].append(row)
    if status == "success":
        lines = (
            person.name,
            f"Employee number {person.employee_number}",
            f"{person.role}, {person.team}",
            zulu(created)[:10],
        )
        personnel.files[id] = partial(written, name, extension, lines)


def _file_policies(personnel: Personnel, seed: int) -> None:
    rng = stream(seed, "policies")
    for number, (name, extension, vectorized) in enumerate(POLICIES):
        row = resource(
            new_id(rng),
            "account_document",
            account_id=personnel.account["id"],
            created_at=zulu(moment("2025-02-03") + number * 30 * DAY + 10 * HOUR),
            extension=extension,
            name=name,
            upload_status="success",
            vectorization_status=vectorized,
        )
        personnel.account_documents.append(row)
        personnel.files[row["id"]] = partial(written, name, extension, ("Northmoor Retrofit Partnership CIC",))


def _plant(personnel: Personnel, company: Company) -> None:
    """A clerk who left and posts on, a contract that is not there, one certificate for two people."""
    clerks = [person for person in company.staff if person.team == "Finance"]
    if clerks:
        clerk = clerks[-1]
        row = next(row for row in personnel.users if row["id"] == clerk.id)
        row["attributes"] |= {"status": "deactivated", "discarded_at": f"{LEFT}.000Z"}
        reason = f"left on {LEFT[:10]}, and the ledger has entries of {clerk.username} after that day"
        _note(personnel, "posted_after_leaving", "users", [clerk.id], reason)
    seen = [person for person in company.staff if person.id not in (personnel.forbidden, personnel.hidden)]
    without = next((person for person in seen if person.team != "Finance"), seen[0])
    papers = personnel.documents[without.id]
    personnel.documents[without.id] = [row for row in papers if row["attributes"]["name"] != "Employment contract"]
    _note(personnel, "missing_contract", "users", [without.id], "the personnel file holds no contract of employment")
    licences = [
        row
        for person in seen
        for row in personnel.documents[person.id]
        if row["attributes"]["name"] == "Forklift licence"
    ]
    if len(licences) >= 2:
        first, second = licences[0]["id"], licences[1]["id"]
        personnel.files[second] = personnel.files[first]
        reason = "the licences of two people are the same file, byte for byte"
        _note(personnel, "shared_certificate", "documents", [first, second], reason)


def _note(personnel: Personnel, fault: str, table: str, ids: list[str], reason: str) -> None:
    personnel.faults.append({"fault": fault, "where": f"papershift {table}", "ids": ids, "reason": reason})


def stored(id: str, name: str, extension: str, resource: str, read: Callable[[], bytes]) -> File:
    """A paper as the storage host keeps it."""
    media = MEDIA.get(extension, "application/octet-stream")
    return File(resource, id, f"{name}.{extension}", media, read)


def written(name: str, extension: str, lines: tuple[str, ...]) -> bytes:
    """A paper's bytes: a real file of its kind."""
    if extension == "pdf":
        return pdf(name, lines)
    if extension == "doc":
        # Rich text under this ending is what word processors open without a word.
        text = "\\par ".join([name, *lines])
        return ("{\\rtf1\\ansi " + text.encode("ascii", "replace").decode() + "}").encode()
    if extension == "docx":
        return _docx(name, lines)
    if extension == "csv":
        return b"grade,rate_gbp\nfitter,182.50\nsurveyor,214.00\n"
    return "\n".join([name, *lines, ""]).encode()


def _docx(name: str, lines: tuple[str, ...]) -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in (name, *lines))
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'wordprocessingml.document.main+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        "<Relationship "
        'Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
        'Target="word/document.xml"/></Relationships>',
        "word/document.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f"<w:body>{body}</w:body></w:document>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for part, text in parts.items():
            archive.writestr(zipfile.ZipInfo(part, (2025, 2, 3, 10, 0, 0)), text)
    return out.getvalue()
