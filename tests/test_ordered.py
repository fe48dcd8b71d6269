"""Columns of ordered categories, lists of bare values, places in a list, values that stand in one place or another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from docframes import describe
from docframes.tables import kept
from docframes.tables.columns import convert
from docframes.tables.flatten import flatten
from docframes.tables.frames import empty, to_frame
from docframes.tables.schema import Column, Level, Table

SIZES = ("small", "medium", "large")
NOTES = Table(
    "notes",
    "one row per note of a box",
    ("box_id", "note_number"),
    (
        Column("box_id", "str", "id of the box", inherited=True),
        Column("size", "ordered", "how large the box is", categories=SIZES, inherited=True),
        Column("note_number", "Int64", "place of the note, from 1", counted=True),
        Column("note", "str", "the note"),
    ),
    "invented",
)
BOXES = Table(
    "boxes",
    "one row per box",
    ("box_id",),
    (
        Column("box_id", "str", "id of the box", source="id"),
        Column("size", "ordered", "how large it is", categories=SIZES),
        Column("tags", "json", "what is said of it", elsewhere=("inside.tags", "inside.deep.tags"), optional=True),
    ),
    "invented",
    secret=("signed_url",),
)
LEVEL = Level(BOXES, children=(Level(NOTES, items="inside.notes", plain="note"),))
DTYPE = pd.CategoricalDtype(SIZES, ordered=True)


def frames(records):
    return {name: to_frame(flat.arrow()) for name, flat in flatten(records, LEVEL).items()}


def box(number, size, **more):
    return {"id": str(number), "size": size, **more}


def test_values_are_read_in_any_case_and_compare_in_order():
    """small is less than large, however it is written; nothing is missing and no more."""
    boxes = frames([box(1, "LARGE"), box(2, " small "), box(3, None), box(4, "")])["boxes"]

    assert boxes["size"].tolist()[:2] == ["large", "small"]
    assert boxes["size"].isna().tolist() == [False, False, True, True]
    assert boxes["size"].max() == "large"
    assert (boxes["size"] > "small").tolist() == [True, False, False, False]


@pytest.mark.parametrize("sent", ["huge", 3, True, ["small"], {"size": "small"}])
def test_a_value_outside_is_kept_as_text(sent):
    """It is missing in the column, stands in ..._as_sent and counts as drift."""
    flat = flatten([box(1, "small"), box(2, sent)], LEVEL)["boxes"]
    boxes = to_frame(flat.arrow())

    assert boxes["size"].isna().tolist() == [False, True]
    assert boxes["size_as_sent"].isna().tolist() == [True, False]
    assert flat.drift.unreadable == {"size": 1}
    assert convert([sent], "ordered", SIZES).refused == {0: sent}


def test_the_dtype_depends_on_the_declaration_alone():
    """Empty, full, joined from many batches, all missing: equal dtypes, above and below."""
    many = frames([box(number, "small", inside={"notes": ["a"]}) for number in range(100)])
    none = frames([])
    missing = frames([box(1, None)])

    for table in (NOTES, BOXES):
        dtypes = [tables[table.name]["size"].dtype for tables in (many, none, missing)]
        assert [*dtypes, empty(table)["size"].dtype] == [DTYPE] * 4
    assert many["notes"]["size"].tolist() == ["small"] * 100


@pytest.mark.parametrize("records", [[], [box(1, "medium", inside={"notes": ["a", "b"]})]])
def test_kept_frames_open_with_the_same_dtypes(tmp_path, records):
    """What is kept on disk and opened again is equal, with rows or without."""
    arrows = {name: flat.arrow() for name, flat in flatten(records, LEVEL).items()}
    kept.keep(tmp_path, "k", arrows, {}, b"[]", datetime.now(UTC) + timedelta(hours=1))
    found = kept.find(tmp_path, "k", ["boxes", "notes"])

    for name, arrow in arrows.items():
        pd.testing.assert_frame_equal(to_frame(found.tables[name]), to_frame(arrow))
        assert to_frame(found.tables[name])["size"].dtype == DTYPE


def test_bare_values_become_rows_with_their_place():
    """Texts in a nested list are records of one key, counted from 1 for each parent; objects among them stay."""
    records = [box(1, "small", inside={"notes": ["a", "b"]}), box(2, "small", inside=None)]
    records.append(box(3, "small", inside={"notes": [None, {"note": "c", "by": "x"}, 7]}))
    notes = frames(records)["notes"]

    assert notes["box_id"].tolist() == ["1", "1", "3", "3"]
    assert notes["note_number"].tolist() == [1, 2, 1, 2]
    assert notes["note"].tolist() == ["a", "b", "c", "7"]
    assert notes["by"].tolist()[2] == "x"


def test_a_list_below_other_objects_is_no_column_too():
    """Its own rows are its only place, in whatever spelling it came; the keys beside it stay columns."""
    boxes = frames([box(1, "small", inside={"Notes": ["a"], "colour": "red"})])

    assert boxes["notes"]["note"].tolist() == ["a"]
    assert [name for name in boxes["boxes"].columns if "otes" in name] == []
    assert boxes["boxes"]["inside.colour"].tolist() == ["red"]


def test_the_first_place_with_a_value_counts_and_the_others_are_kept():
    """Row by row; where two places differ the second becomes a column of its own."""
    records = [
        box(1, "small", tags=["a"]),
        box(2, "small", inside={"tags": ["b"]}),
        box(3, "small", inside={"deep": {"tags": ["c"]}}),
        box(4, "small", tags=["d"], inside={"tags": ["e"]}),
        box(5, "small", tags=["f"], inside={"tags": ["f"]}),
        box(6, "small"),
    ]
    boxes = frames(records)["boxes"]

    assert boxes["tags"].tolist()[:5] == ['["a"]', '["b"]', '["c"]', '["d"]', '["f"]']
    assert boxes["tags"].isna().tolist() == [False] * 5 + [True]
    assert boxes["inside.tags"].dropna().tolist() == ['["e"]']


def test_a_secret_key_is_left_out_in_every_spelling():
    """A signed link under a camel-case key is no column either."""
    boxes = frames([box(1, "small", signed_url="u"), box(2, "small", signedUrl="u", inside={"SignedURL": "u"})])

    assert not [name for name in boxes["boxes"].columns if "igned" in name]


def test_the_dictionary_tells_the_order():
    """describe() names the dtype and the categories, lowest first, and says what was counted."""
    told = describe(BOXES).set_index("column")

    assert told.loc["size", "dtype"] == BOXES.dtypes()["size"] == "category"
    assert told.loc["size", "unit"] == "small < medium < large"
    assert describe(NOTES).set_index("column").loc["note_number", "source"] == "counted, from 1; invented"


def test_a_counted_column_needs_a_level_above():
    """At the top there is no list to count in: the declaration is wrong, and it says so."""
    table = Table("odd", "one row", ("n",), (Column("n", "Int64", "place", counted=True),), "invented")

    with pytest.raises(ValueError, match="counted"):
        flatten([{}], Level(table))
