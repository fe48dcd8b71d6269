"""``job_browser``: the jobs of ValiDocX, and of the chosen one its steps, questions, answers, photos and documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from docframes.vendors.validocx import JobDetails
from docframes.widgets.blocks import Positions
from docframes.widgets.helpers import (
    NOTHING,
    FilesAt,
    Helper,
    Part,
    belonging,
    beside,
    check_kind,
    follow,
    height_of,
    named,
    owners,
    rows_with,
    stacked,
)

if TYPE_CHECKING:
    from docframes.widgets.grid import Grid

_TITLE = "Jobs with their steps, answers and documents"
_JOB, _STEP = ("job_id",), ("job_id", "step_id")
_QUESTION = (*_STEP, "question_id")
_ANSWER = (*_QUESTION, "answer_id")

#: What is shown, in this order; all other columns are among the details of a row.
_JOBS = (
    "reference", "job_template_name", "status", "progress", "project_name", "assigned_to_name", "scheduled_at",
    "completed_at", "job_id",
)  # fmt: skip
_STEPS = ("step_position", "step_name", "step_status", "job_id")
_ANSWERS = (
    "question_text", "value", "photos", "step_name", "question_type", "answered_by", "answered_at", "job_id",
)  # fmt: skip
_DOCUMENTS = ("name", "document_type", "mime_type", "file_size", "created_at", "document_id", "job_id")
_WORDS = {"photos": ("photos of the answer", "")}


@dataclass(frozen=True, repr=False, eq=False)
class JobBrowser(Helper):
    """What :func:`job_browser` gives: its grids by name.

    ``jobs``; of the chosen jobs the ``steps`` and the ``documents``; of the chosen steps, or of all of them where none
    is chosen, the ``answers``: one row per answer, and one for each question that has none.
    """

    jobs: Grid
    steps: Grid
    answers: Grid
    documents: Grid


def job_browser(details: JobDetails, *, client: Any = None, height: int | None = None) -> JobBrowser:
    """Jobs to choose from; of the chosen ones the steps, the questions with their answers and photos, the documents.

    A step that is chosen leaves its answers only.  Photos open from the row of their answer, documents from their own.
    client : the account that files are asked of; None is the account of the environment.
    height : of the rows in sight of each grid, in pixels; None is about 8 rows.
    Raises ConfigError for what is no JobDetails.
    """
    from docframes.widgets.grid import Grid

    check_kind(details, JobDetails, "JobDetails, as validocx.load_job_details(jobs) gives them,")
    high = height_of(height)
    questions, photos = answers_of(details)
    jobs = Grid(rows_with(details.jobs, _JOBS, {}), caption="Jobs", height=high)
    steps = Part(rows_with(details.steps, _STEPS, {}), "Steps of the chosen job", high)
    answers = Part(
        rows_with(questions, _ANSWERS, _WORDS), "Answers of the chosen job", high, files=photos, client=client
    )
    documents = Part(
        rows_with(details.documents, _DOCUMENTS, {}),
        "Documents of the chosen job",
        high,
        files=named(details.documents, "validocx", "documents", ("document_id", "name", "file_size")),
        client=client,
    )
    _link(details, questions, jobs, steps, answers, documents)
    widget = stacked(_TITLE, jobs, beside((steps.grid, 300, 1), (answers.grid, 620, 3)), documents.grid)
    return JobBrowser(_TITLE, widget, jobs, steps.grid, answers.grid, documents.grid)


def _link(
    details: JobDetails, questions: pd.DataFrame, jobs: Grid, steps: Part, answers: Part, documents: Part
) -> None:
    of_jobs: list[Positions] = [NOTHING]

    def choose_jobs(chosen: pd.DataFrame) -> None:
        of_jobs[0] = belonging(questions, chosen, _JOB)
        steps.show(belonging(details.steps, chosen, _JOB))
        answers.show(of_jobs[0])
        documents.show(belonging(details.documents, chosen, _JOB))

    def choose_steps(chosen: pd.DataFrame) -> None:
        answers.show(belonging(questions, chosen, _STEP) if len(chosen) else of_jobs[0])

    def clear() -> None:
        of_jobs[0] = NOTHING
        for part in (steps, answers, documents):
            part.show(NOTHING)

    follow(jobs, choose_jobs, clear)
    follow(steps.grid, choose_steps, lambda: answers.show(NOTHING))


# --- questions, answers, photos ---------------------------------------------------------------------------------------


def answers_of(details: JobDetails) -> tuple[pd.DataFrame, FilesAt]:
    """The rows of ``answers``, with a number of ``photos``, in the order of the questions; and the photos of a row."""
    answers, questions = details.answers, details.questions
    places = owners(answers, questions, _QUESTION)
    unanswered = np.setdiff1d(np.arange(len(questions)), places)
    common = [name for name in questions.columns if name in answers.columns]
    rows = pd.concat([answers, questions[common].iloc[unanswered]], ignore_index=True)
    # Of a question that is nowhere to be found the answers come last.
    asked = np.concatenate([np.where(places < 0, len(questions), places), unanswered])
    order = np.argsort(asked, kind="stable")
    shown = owners(details.images, answers, _ANSWER)
    photos = np.bincount(shown[shown >= 0], minlength=len(rows))
    found = rows.assign(photos=photos).iloc[order].reset_index(drop=True)
    found.attrs = dict(answers.attrs)
    return found, _photos(details.images, shown, order)


def _photos(images: pd.DataFrame, shown: Positions, order: Positions) -> FilesAt:
    """The photos of a row.  shown : for each photo the answer it belongs to.  order : for each row its answer."""
    file = named(images, "validocx", "images", ("image_id", "file_name", "file_size"))
    of_answer: dict[int, list[int]] = {}
    for photo, answer in enumerate(shown.tolist()):
        of_answer.setdefault(answer, []).append(photo)

    return lambda at: [one for photo in of_answer.get(int(order[at]), ()) for one in file(photo)]
