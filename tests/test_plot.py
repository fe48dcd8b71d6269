"""Figures are computed apart from drawing, and drawing shows what was computed."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from matplotlib.figure import Figure

from docframes import plot, sandbox, validocx
from docframes.errors import ColumnError, ConfigError


@pytest.fixture
def frames():
    """Two measures; one question answered by a value, one by a photo, one by nothing, one by an empty answer."""
    jobs = pd.DataFrame(
        {
            "job_id": ["1", "2", "3"],
            "job_template_name": ["Loft", "Loft", "Wall"],
            "status": ["completed", "in_progress", "completed"],
        },
        dtype="str",
    )
    keys = pd.DataFrame(
        [
            ("1", "s", "a"),
            ("1", "s", "b"),
            ("1", "s", "c"),
            ("1", "s", "d"),
            ("1", "s", "e"),
            ("2", "s", "a"),
            ("3", "s", "a"),
        ],
        columns=["job_id", "step_id", "question_id"],
        dtype="str",
    )
    questions = keys.assign(required=pd.array([True, True, True, True, False, True, True], dtype="boolean"))
    answers = keys.iloc[[0, 0, 1, 3, 6]].assign(
        value=pd.Series(["x", "x again", None, None, "y"], dtype="str").to_numpy()
    )
    images = keys.iloc[[1]]
    return jobs, questions, answers, images


def test_a_question_is_answered_by_a_value_or_a_photo(frames):
    """Second answers count once, empty answers not at all, and other jobs and optional questions are left out."""
    figures = plot.unanswered(*frames)

    assert figures.to_dict("list") == {
        "job_template_name": ["Loft", "Wall"],
        "jobs": [1, 1],
        "required": [4, 1],
        "unanswered": [2, 0],
        "share": [0.5, 0.0],
    }


def test_no_such_job_is_an_empty_frame_of_the_same_dtypes(frames):
    """Columns and dtypes depend on the call, never on the rows."""
    empty, full = plot.unanswered(*frames, status="rejected"), plot.unanswered(*frames)

    assert empty.empty
    assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()


def test_a_missing_column_is_named(frames):
    """The message says which frame lacks what."""
    jobs, questions, answers, images = frames

    with pytest.raises(ColumnError, match=r"\['required'\] in questions"):
        plot.unanswered(jobs, questions.drop(columns="required"), answers, images)


def test_the_figures_are_those_of_the_company():
    """Counted from what the sandbox sends, without frames."""
    with sandbox.running(jobs=20) as box:
        details = validocx.load_job_details(progress=False)
        figures = plot.unanswered(details.jobs, details.questions, details.answers, details.images)
        done = [job["id"] for job in box.jobs if job["status"] == "completed"]
        questions = [
            question
            for id_ in done
            for step in box.company.form(id_).steps
            for question in step["questions"]
            if question["required"]
        ]
    unanswered = [q for q in questions if not any(a["value"] is not None or a["images"] for a in q["answers"])]

    assert (figures["jobs"].sum(), figures["required"].sum()) == (len(done), len(questions))
    assert figures["unanswered"].sum() == len(unanswered) > 0


@pytest.mark.parametrize("status", ["completed", "rejected"])
def test_the_chart_shows_the_figures(frames, status):
    """Bars are as long as the shares, named and labelled; the Axes that was given comes back."""
    figures = plot.unanswered(*frames, status=status)
    ax = Figure().subplots()

    assert plot.plot_unanswered(figures, status=status, ax=ax) is ax
    assert [bar.get_width() for bar in ax.patches] == figures["share"].tolist()
    assert [tick.get_text() for tick in ax.get_yticklabels()][: len(figures)] == figures["job_template_name"].tolist()
    assert ax.get_xlabel() == "Required questions without an answer (%)"
    assert status in ax.get_title(loc="left")


def test_importing_it_does_not_import_matplotlib():
    """matplotlib is imported when something is drawn."""
    script = "import sys, docframes.plot; print('matplotlib' in sys.modules)"

    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )


# --- by month -----------------------------------------------------------------------------------------------------


@pytest.fixture
def lines():
    """Three dated lines and one without a date, in decimals; February has none."""
    amounts = [Decimal("0.10"), Decimal("0.20"), Decimal("5"), Decimal("-0.03")]
    return pd.DataFrame(
        {
            "date": pd.to_datetime(["2025-01-31", "2025-03-01", None, "2025-03-31"]).astype("datetime64[us]"),
            "amount": pd.array(amounts, dtype=pd.ArrowDtype(pa.decimal128(38, 6))),
            "who": pd.Series(["b", "a", "a", "b"], dtype="str"),
        }
    )


def test_months_add_up_exactly_and_leave_no_gap(lines):
    """Decimals stay exact, a month without a row has 0, and a row without a date is left out."""
    figures = plot.by_month(lines, amount="amount")

    assert figures["month"].dt.strftime("%Y-%m-%d").tolist() == ["2025-01-01", "2025-02-01", "2025-03-01"]
    assert figures["rows"].tolist() == [1, 0, 2]
    assert figures["total"].tolist() == [Decimal("0.10"), 0, Decimal("0.17")]


def test_months_are_counted_apart(lines):
    """One row per month and value, in order, those without a row among them."""
    figures = plot.by_month(lines, by="who")

    assert figures["who"].tolist() == ["a", "b"] * 3
    assert figures["rows"].tolist() == [0, 1, 0, 0, 1, 1]


@pytest.mark.parametrize("options", [{}, {"amount": "amount"}, {"amount": "amount", "by": "who"}])
def test_no_rows_are_an_empty_frame_of_the_same_months(lines, options):
    """Columns and dtypes depend on the call, never on the rows."""
    full, empty = plot.by_month(lines, **options), plot.by_month(lines.iloc[:0], **options)

    assert empty.empty
    assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()
    assert len(plot.plot_by_month(empty, title="None", value="rows", ax=Figure().subplots()).patches) == 0


def test_a_column_without_a_month_is_named(lines):
    """The message says which is missing, and how to name another."""
    with pytest.raises(ColumnError, match=r"\['posted'\] in frame"):
        plot.by_month(lines, date="posted")


def test_the_months_are_drawn_as_they_are(lines):
    """Bars are as high as the totals, named by month and by value; the Axes that was given comes back."""
    figures = plot.by_month(lines, amount="amount", by="who")
    ax = Figure().subplots()

    assert plot.plot_by_month(figures, title="Posted", unit="GBP", ax=ax) is ax
    assert [bar.get_height() for bar in ax.patches] == pytest.approx([0, 0, 0.2, 0.1, 0, -0.03])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["Jan\n2025", "Feb", "Mar"]
    assert ax.get_ylabel() == "GBP"


def test_more_than_can_be_told_apart_is_refused(lines):
    """Five colours side by side are no chart."""
    many = pd.concat([lines.assign(who=name) for name in "abcde"])

    with pytest.raises(ConfigError, match="at most 4"):
        plot.plot_by_month(plot.by_month(many, by="who"), value="rows", title="Too many", ax=Figure().subplots())
