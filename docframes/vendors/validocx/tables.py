"""The frames of ValiDocX.  Every field name is assumed (contract, sections 6 to 9); a job is also called a measure."""

from __future__ import annotations

import dataclasses

from docframes.tables.schema import Column, FileColumns, Level, Table

DOCS = "validocx.com/docs/api"
#: Signed links are asked for one by one, when a file is wanted; what a detail holds of them is left out.
LINKS = ("signed_url", "signed_url_expires_at")

_CREATED = Column("created_at", "timestamp", "when the row was made")
_UPDATED = Column("updated_at", "timestamp", "when the row was last changed")

_FILE = (
    Column("mime_type", "str", "media type of the file"),
    Column("file_size", "Int64", "size of the file", unit="bytes"),
)
_PLACE = (
    Column("captured_at", "timestamp", "when the photo was taken, from its EXIF data"),
    Column("latitude", "float64", "where the photo was taken, from its EXIF data", unit="degrees north"),
    Column("longitude", "float64", "where the photo was taken, from its EXIF data", unit="degrees east"),
)

PROJECTS = Table(
    "projects",
    "one row per project: a property with its customer",
    ("project_id",),
    (
        Column("project_id", "str", "id of the project", source="id"),
        Column("organization_id", "str", "the organization the key belongs to"),
        Column("name", "str", "display name, usually the address"),
        Column("reference", "str", "the organization's own reference"),
        Column("status", "str", "active, completed or archived; an open set"),
        Column("customer_name", "str", "personal data"),
        Column("customer_email", "str", "personal data"),
        Column("customer_phone", "str", "personal data"),
        Column("address_line_1", "str", "address"),
        Column("address_line_2", "str", "address"),
        Column("city", "str", "address"),
        Column("postcode", "str", "address"),
        Column("job_count", "Int64", "jobs of the project", unit="jobs"),
        _CREATED,
        _UPDATED,
    ),
    f"{DOCS}, Projects",
)

_JOB_COLUMNS = (
    Column("job_id", "str", "id of the job", source="id"),
    Column("project_id", "str", "id of the project the job belongs to"),
    Column("job_template_id", "str", "id of the template, called a measure"),
    Column("job_template_name", "str", "name of the measure"),
    Column("reference", "str", "the organization's own reference"),
    Column("status", "str", "not_started, in_progress, submitted, completed, rejected; an open set"),
    Column("progress", "float64", "how far the job is complete", unit="percent"),
    Column("assigned_to", "str", "id of the team member who does the job"),
    Column("assigned_to_name", "str", "name of that member"),
    Column("scheduled_at", "timestamp", "when the work is planned"),
    Column("completed_at", "timestamp", "when the job was completed"),
    _CREATED,
    _UPDATED,
)

JOBS = Table("jobs", "one row per job", ("job_id",), _JOB_COLUMNS, f"{DOCS}, Jobs")

ANSWERS = Table(
    "answers",
    "one row per answer, of completed jobs",
    ("answer_id",),
    (
        Column("answer_id", "str", "id of the answer", source="id"),
        Column("project_id", "str", "id of the project"),
        Column("job_id", "str", "id of the job"),
        Column("step_id", "str", "id of the step"),
        Column("step_name", "str", "name of the step"),
        Column("question_id", "str", "id of the question"),
        Column("question_text", "str", "the question"),
        Column(
            "question_type",
            "str",
            "text, number, boolean, date, select, multi_select, photo, signature; an open set",
        ),
        Column("value", "mixed", "the answer", source="answer", aliases=("value",)),
        Column("answered_by", "str", "id of the member who answered"),
        Column("answered_at", "timestamp", "when it was answered"),
        _CREATED,
        _UPDATED,
    ),
    f"{DOCS}, Question responses",
)

DOCUMENTS = Table(
    "documents",
    "one row per document",
    ("document_id",),
    (
        Column("document_id", "str", "id of the document; signs as a file of the kind documents", source="id"),
        Column("project_id", "str", "id of the project"),
        Column("job_id", "str", "id of the job; missing for a paper of the whole project"),
        Column("name", "str", "file name"),
        Column("document_type", "str", "such as warranty, declaration, survey"),
        *_FILE,
        Column("uploaded_by", "str", "id of the member who uploaded it"),
        _CREATED,
        _UPDATED,
    ),
    f"{DOCS}, Documents",
    file=FileColumns("documents", "document_id", "name"),
    secret=LINKS,
)

IMAGES = Table(
    "images",
    "one row per photo, of completed jobs",
    ("image_id",),
    (
        Column("image_id", "str", "id of the photo; signs as a file of the kind images", source="id"),
        Column("project_id", "str", "id of the project"),
        Column("job_id", "str", "id of the job"),
        Column("question_id", "str", "id of the question the photo answers"),
        Column("answer_id", "str", "id of the answer the photo belongs to", source="question_response_id"),
        Column("file_name", "str", "file name"),
        *_FILE,
        *_PLACE,
        _CREATED,
        _UPDATED,
    ),
    f"{DOCS}, Images",
    file=FileColumns("images", "image_id", "file_name"),
    secret=LINKS,
)

# --- one job in full: jobs > steps > questions > answers > images, documents beside the steps -----------------------

_DETAIL = f"{DOCS}, Job full detail"


def _above(name: str, meaning: str) -> Column:
    return Column(name, "str", meaning, inherited=True)


_PROJECT_ID = _above("project_id", "id of the project")
_JOB_ID = _above("job_id", "id of the job")
_STEP_ID = _above("step_id", "id of the step")
_QUESTION_ID = _above("question_id", "id of the question")


def _of_project() -> tuple[Column, ...]:
    """The project beside the job: it may be shortened or absent, so nothing of it is missed."""
    columns = []
    for column in PROJECTS.columns:
        own_id = column.name == "project_id"
        name = "project_own_id" if own_id else f"project_{column.name}"
        source = f"^project.{column.path}"
        columns.append(dataclasses.replace(column, name=name, source=source, optional=True))
    return tuple(columns)


DETAIL_JOBS = Table(
    "jobs",
    "one row per job",
    ("job_id",),
    (
        *_JOB_COLUMNS,
        *_of_project(),
    ),
    _DETAIL,
)

DETAIL_STEPS = Table(
    "steps",
    "one row per step of a job",
    ("job_id", "step_id"),
    (
        _PROJECT_ID,
        _JOB_ID,
        Column("step_id", "str", "id of the step", source="id"),
        Column("step_name", "str", "name of the step", source="name"),
        Column("step_position", "Int64", "place of the step in the job, from 1", source="position"),
        Column("step_status", "str", "how far the step is", source="status"),
    ),
    _DETAIL,
)

DETAIL_QUESTIONS = Table(
    "questions",
    "one row per question of a step, answered or not",
    ("job_id", "step_id", "question_id"),
    (
        _PROJECT_ID,
        _JOB_ID,
        _STEP_ID,
        Column("step_name", "str", "name of the step", inherited=True),
        Column("question_id", "str", "id of the question", source="id"),
        Column("question_text", "str", "the question", source="text"),
        Column("question_type", "str", "kind of answer it wants; an open set", source="type"),
        Column("required", "boolean", "whether the question must be answered"),
        Column("question_position", "Int64", "place of the question in its step, from 1", source="position"),
    ),
    _DETAIL,
)

DETAIL_ANSWERS = Table(
    "answers",
    "one row per answer; a question without one has no row here",
    ("job_id", "question_id", "answer_id"),
    (
        _PROJECT_ID,
        _JOB_ID,
        _STEP_ID,
        Column("step_name", "str", "name of the step", inherited=True),
        _QUESTION_ID,
        Column("question_text", "str", "the question", inherited=True),
        Column("question_type", "str", "kind of answer it wants; an open set", inherited=True),
        Column("answer_id", "str", "id of the answer", source="id"),
        Column("value", "mixed", "the answer", aliases=("answer",)),
        Column("answered_by", "str", "id of the member who answered"),
        Column("answered_at", "timestamp", "when it was answered"),
    ),
    _DETAIL,
)

DETAIL_IMAGES = Table(
    "images",
    "one row per photo of an answer",
    ("job_id", "answer_id", "image_id"),
    (
        _PROJECT_ID,
        _JOB_ID,
        _STEP_ID,
        _QUESTION_ID,
        _above("answer_id", "id of the answer the photo belongs to"),
        Column("image_id", "str", "id of the photo; signs as a file of the kind images", source="id"),
        Column("file_name", "str", "file name"),
        *_FILE,
        *_PLACE,
    ),
    _DETAIL,
    file=FileColumns("images", "image_id", "file_name"),
    secret=LINKS,
)

DETAIL_DOCUMENTS = dataclasses.replace(
    DOCUMENTS,
    grain="one row per document of a job",
    key=("job_id", "document_id"),
    columns=(
        _PROJECT_ID,
        _JOB_ID,
        *(column for column in DOCUMENTS.columns if column.name not in ("project_id", "job_id")),
        # A paper of the whole project comes with every job of it, and names none itself.
        Column("own_project_id", "str", "project the document itself names", source="project_id", optional=True),
        Column("own_job_id", "str", "job the document itself names", source="job_id", optional=True),
    ),
    source=_DETAIL,
)

JOB_DETAIL = Level(
    DETAIL_JOBS,
    fields="job",
    children=(
        Level(
            DETAIL_STEPS,
            items="steps",
            children=(
                Level(
                    DETAIL_QUESTIONS,
                    items="questions",
                    children=(
                        Level(DETAIL_ANSWERS, items="answers", children=(Level(DETAIL_IMAGES, items="images"),)),
                    ),
                ),
            ),
        ),
        Level(DETAIL_DOCUMENTS, items="documents"),
    ),
)

#: Every table of the room; a list's and a detail's may share a name.
ALL = (PROJECTS, JOBS, ANSWERS, DOCUMENTS, IMAGES, *(level.table for level in JOB_DETAIL.walk()))
