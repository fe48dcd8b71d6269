"""Tables are declared once; dtypes, empty frames and the data dictionary follow."""

from __future__ import annotations

import pandas as pd
import pytest

from docframes import describe
from docframes.errors import ConfigError
from docframes.tables.frames import empty
from docframes.tables.schema import Column, Level, Table
from docframes.vendors.validocx import tables

THINGS = Table(
    "things",
    "one row per thing",
    ("thing_id",),
    (
        Column("thing_id", "str", "id of the thing", source="id"),
        Column("weight", "float64", "how heavy it is", unit="kg"),
        Column("seen_on", "date", "day it was seen"),
        Column("answer", "mixed", "what it says"),
        Column("raw", "json", "the rest"),
    ),
    "invented",
)
TABLES = [
    table if isinstance(table, Table) else table.table
    for name, value in vars(tables).items()
    if isinstance(value, Table | Level)
    for table in ([value] if isinstance(value, Table) else value.walk())
]


def test_a_mixed_column_is_four():
    """The text as sent, and a number, a boolean and a moment beside it."""
    assert THINGS.dtypes() == {
        "thing_id": "str",
        "weight": "float64",
        "seen_on": "datetime64[us]",
        "answer": "str",
        "answer_number": "float64",
        "answer_boolean": "boolean",
        "answer_date": "datetime64[us, UTC]",
        "raw": "str",
    }


@pytest.mark.parametrize("table", [THINGS, *TABLES], ids=lambda table: table.name)
def test_an_empty_frame_has_the_declared_dtypes(table):
    """Columns in order, dtypes to the letter, no row."""
    frame = empty(table)

    assert list(frame.columns) == list(table.dtypes())
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == table.dtypes()
    assert len(frame) == 0


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_says_what_it_means(table):
    """Meaning and source for each; names are told once; the key is among them."""
    told = describe(table)

    assert told["column"].tolist() == list(table.dtypes())
    assert told["column"].is_unique
    assert (told["meaning"].str.len() > 0).all()
    assert (told["source"].str.len() > 0).all()
    assert set(table.key) <= set(table.dtypes())
    assert table.grain.startswith("one row per")


def test_the_dictionary_tells_dtype_unit_and_source():
    """One row per column of the frame."""
    told = describe(THINGS).set_index("column")

    assert told.loc["weight"].tolist() == ["float64", "how heavy it is", "kg", "weight; invented"]
    assert told.loc["thing_id", "source"] == "id; invented"
    assert told.loc["answer_number", "meaning"] == "what it says, where it was sent as a number"


def test_a_column_may_be_read_from_another_key():
    """The changed table reads there; the old one is as it was."""
    changed = THINGS.with_sources({"weight": "mass.kg"})

    assert [column.path for column in changed.columns][1] == "mass.kg"
    assert THINGS.columns[1].path == "weight"


def test_a_column_that_is_not_there_cannot_be_corrected():
    """The message lists those that are."""
    with pytest.raises(ConfigError, match=r"no column 'wieght'; it has .*weight"):
        THINGS.with_sources({"wieght": "mass"})


def test_levels_are_walked_from_the_top():
    """Parents before children."""
    names = [level.table.name for level in tables.JOB_DETAIL.walk()]

    assert names == ["jobs", "steps", "questions", "answers", "images", "documents"]


def test_a_described_frame_is_text():
    """The dictionary itself goes into a workbook as it is."""
    assert set(map(str, describe(THINGS).dtypes)) == {"str"}
    assert isinstance(describe(THINGS), pd.DataFrame)
