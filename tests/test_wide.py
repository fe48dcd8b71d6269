"""Long answers into one row per job and one column per question."""

from __future__ import annotations

import pandas as pd
import pytest

from docframes import validocx
from docframes.errors import ColumnError
from docframes.tables.columns import mixed_arrays
from docframes.tables.frames import empty
from docframes.vendors.validocx.tables import DETAIL_ANSWERS


def answers(*rows):
    """A frame of answers from (job, step, question, value)."""
    long = pd.DataFrame(rows, columns=["job_id", "step_name", "question_text", "value"])
    text, number, truth, date = mixed_arrays(long["value"].tolist())
    return pd.DataFrame(
        {
            "project_id": [f"p-{job}" for job in long["job_id"]],
            "job_id": long["job_id"],
            "step_name": long["step_name"],
            "question_text": long["question_text"],
            "value": pd.Series(text.to_pylist(), dtype="str"),
            "value_number": pd.Series(number.to_pylist(), dtype="float64"),
            "value_boolean": pd.Series(truth.to_pylist(), dtype="boolean"),
            "value_date": pd.to_datetime(pd.Series(date.to_pylist()), utc=True),
        }
    )


def test_one_row_per_job_and_one_column_per_question():
    """In the order in which they are met; an unanswered question is missing."""
    wide = validocx.answers_wide(
        answers(
            ("j1", "s", "Wet?", True), ("j1", "s", "How wet", 14.5), ("j2", "s", "How wet", 9), ("j2", "s", "Who", "N")
        )
    )

    assert list(wide.columns) == ["project_id", "job_id", "Wet?", "How wet", "Who"]
    assert wide["job_id"].tolist() == ["j1", "j2"]
    assert wide["How wet"].tolist() == [14.5, 9.0]
    assert wide["Who"].isna().tolist() == [True, False]


def test_a_column_has_the_type_that_all_its_answers_have():
    """Numbers, booleans and dates; a mixture is text."""
    wide = validocx.answers_wide(
        answers(
            ("j1", "s", "n", 1), ("j1", "s", "b", False), ("j1", "s", "d", "2026-03-02"), ("j1", "s", "m", 1),
            ("j2", "s", "n", 2.5), ("j2", "s", "b", True), ("j2", "s", "d", "2026-03-03"), ("j2", "s", "m", "two"),
        )
    )  # fmt: skip

    assert {name: str(wide[name].dtype) for name in "nbm"} == {"n": "float64", "b": "boolean", "m": "str"}
    assert str(wide["d"].dtype).startswith("datetime64[")
    assert wide["m"].tolist() == ["1", "two"]


def test_a_question_that_two_steps_ask_is_told_by_its_step():
    """Before and after are two columns."""
    wide = validocx.answers_wide(
        answers(("j1", "Before", "Damp", 14), ("j1", "After", "Damp", 9), ("j1", "After", "Ok", True))
    )

    assert list(wide.columns[2:]) == ["Before: Damp", "After: Damp", "Ok"]
    assert wide.iloc[0, 2:4].tolist() == [14.0, 9.0]


def test_a_second_answer_has_a_column_of_its_own():
    """Nothing is overwritten."""
    wide = validocx.answers_wide(
        answers(("j1", "s", "Photo", "a"), ("j1", "s", "Photo", "b"), ("j2", "s", "Photo", "c"))
    )

    assert list(wide.columns[2:]) == ["Photo", "Photo (2)"]
    assert wide["Photo"].tolist() == ["a", "c"]
    assert wide["Photo (2)"].tolist()[0] == "b"


def test_no_answers_make_no_rows():
    """The columns that tell rows apart remain."""
    wide = validocx.answers_wide(empty(DETAIL_ANSWERS))

    assert list(wide.columns) == ["project_id", "job_id"]
    assert len(wide) == 0


def test_a_question_that_bears_the_name_of_an_id_leaves_the_id_alone():
    """A form may well ask for the job_id."""
    wide = validocx.answers_wide(answers(("j1", "s", "job_id", "as written on the wall")))

    assert wide["job_id"].tolist() == ["j1"]
    assert "as written on the wall" in wide.iloc[0].tolist()


def test_a_question_that_reads_like_a_second_answer_loses_nothing():
    """ "Photo (2)" may be a question of its own."""
    wide = validocx.answers_wide(
        answers(("j1", "s", "Photo", "a"), ("j1", "s", "Photo", "b"), ("j1", "s", "Photo (2)", "c"))
    )

    assert sorted(wide.iloc[0, 2:].tolist()) == ["a", "b", "c"]


def test_a_frame_without_the_columns_is_refused():
    """The message names what is missing and what is there."""
    with pytest.raises(ColumnError, match=r"answers_wide needs the columns \['question_text'\]"):
        validocx.answers_wide(answers(("j1", "s", "q", 1)).drop(columns="question_text"))


def test_the_answers_of_a_load_turn_wide(client):
    """Every answered job is a row; every answer is in it."""
    details = validocx.load_job_details(validocx.load_jobs(client=client), client=client)
    wide = validocx.answers_wide(details.answers)

    assert wide["job_id"].is_unique
    assert set(wide["job_id"]) == set(details.answers["job_id"])
    assert wide.drop(columns=["project_id", "job_id"]).notna().sum().sum() == details.answers["value"].notna().sum()
