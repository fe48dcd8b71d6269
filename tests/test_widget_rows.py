"""The rows of a frame: every dtype shown exactly, and every row found, in plain Python's order."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docframes.errors import ColumnError, ConfigError
from docframes.tables.certificates import Certificate
from docframes.tables.flatten import Flattener
from docframes.tables.frames import to_frame
from docframes.tables.loads import Load, attach
from docframes.tables.schema import Column, Level, Table
from docframes.widgets import blocks, matching, rows, sorting
from docframes.widgets.query import Filter, Query
from docframes.widgets.rows import ColumnInfo, FrameRows, Rows, rows_of
from docframes.words import money
from tests import plain_rows
from tests.plain_rows import LETTERS, Plain

D = Decimal


def shown(values, dtype=object):
    """Kind and cells of a column of these values."""
    made = FrameRows(pd.DataFrame({"a": pd.Series(values, dtype=dtype)}))
    return made.columns[0].kind, [row[0] for row in made.page(Query(), 0, 1000).cells]


def positions(made, **query):
    """Which rows a query gives, in its order."""
    return made.page(Query(**query), 0, 10**6).positions


def arrow(values, kind):
    """A column of an Arrow type."""
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(values, kind)])))


# --- how values are shown ---------------------------------------------------------------------------------------------


DTYPES = [
    (["a", None, "", "é"], "str", "text", ["a", None, "", "é"]),
    ([1, -1234567, 2**63 - 1], "int64", "number", ["1", "-1234567", "9223372036854775807"]),
    ([2**64 - 1, 0], "uint64", "number", ["18446744073709551615", "0"]),
    ([2024, None], "Int64", "number", ["2024", None]),
    ([True, False], "bool", "boolean", ["true", "false"]),
    ([True, None], "boolean", "boolean", ["true", None]),
    ([0.1, 1234.5, float("nan"), 3.0], "float64", "number", ["0.10", "1,234.50", None, "3.00"]),
    ([1e16, 1.5e-7, 1e300, 2.0**-1074], "float64", "number",
     ["10,000,000,000,000,000.00", "0.00000015", "1e+300", "5e-324"]),
    ([0.30000000000000004, 123456789.12, float("-inf")], "float64", "number",
     ["0.30000000000000004", "123,456,789.12", "-inf"]),
    ([0.1, 16777216.0], "float32", "number", ["0.10", "16,777,216.00"]),
    ([1.5, None, -0.0], "Float64", "number", ["1.50", None, "0.00"]),
    (["2025-01-31", None], "datetime64[us]", "date", ["2025-01-31", None]),
    (["2025-01-31", "2025-01-31 14:05:09"], "datetime64[s]", "moment",
     ["2025-01-31 00:00:00", "2025-01-31 14:05:09"]),
    (["2025-01-31 14:05:09.12", "2025-01-31 14:05:10"], "datetime64[us]", "moment",
     ["2025-01-31 14:05:09.120", "2025-01-31 14:05:10"]),
    (["2025-01-31 14:05:09.000000007"], "datetime64[ns]", "moment", ["2025-01-31 14:05:09.000000007"]),
    (["2025-07-01 10:00", "2025-12-01 10:00"], "datetime64[us, Europe/Berlin]", "moment",
     ["2025-07-01 10:00:00", "2025-12-01 10:00:00"]),
    ([timedelta(days=1, seconds=2), None], "timedelta64[us]", "other", ["1 days 00:00:02", None]),
    ([None, None], "str", "text", [None, None]),
    ([None, None], object, "text", [None, None]),
    ([1 + 2j], "complex128", "other", ["(1+2j)"]),
]  # fmt: skip


@pytest.mark.parametrize(("values", "dtype", "kind", "cells"), DTYPES, ids=str)
def test_each_dtype_is_shown_with_all_its_digits(values, dtype, kind, cells):
    """Amounts with thousands set apart, whole numbers without, days without a time, missing as None."""
    assert shown(values, dtype) == (kind, cells)


ARROW = [
    ([D("1234.5"), None, D("-0.000001")], pa.decimal128(36, 6), ["1,234.50", None, "-0.000001"]),
    ([D("12345678901234567890123456789012.123456")], pa.decimal128(38, 6),
     ["12,345,678,901,234,567,890,123,456,789,012.123456"]),
    ([D("0.0000000001"), D("0")], pa.decimal128(20, 10), ["0.0000000001", "0.00"]),
    ([D("12")], pa.decimal128(20, 0), ["12"]),
    ([D("1E+40")], pa.decimal256(60, 2), ["10,000,000,000,000,000,000,000,000,000,000,000,000,000.00"]),
    ([date(2025, 1, 31)], pa.date32(), ["2025-01-31"]),
    ([{"a": 1}, None], pa.struct({"a": pa.int64()}), ['{"a":1}', None]),
    ([[1, 2], []], pa.list_(pa.int64()), ["[1,2]", "[]"]),
    (["a", "b", "a"], pa.dictionary(pa.int32(), pa.string()), ["a", "b", "a"]),
]  # fmt: skip


@pytest.mark.parametrize(("values", "kind", "cells"), ARROW, ids=str)
def test_arrow_types_are_shown_likewise(values, kind, cells):
    """Decimals with at least two digits after the point and no more than they have."""
    made = FrameRows(pd.DataFrame({"a": arrow(values, kind)}))

    assert [row[0] for row in made.page(Query(), 0, 10).cells] == cells


OBJECTS = [
    ([D("1234.5"), D("2"), None], "number", ["1,234.50", "2.00", None]),
    ([D("1.5"), 2, 0.1], "number", ["1.50", "2.00", "0.10"]),
    ([D("Infinity"), D("NaN"), D("1")], "number", ["Infinity", None, "1.00"]),
    ([10**30, 5], "number", ["1000000000000000000000000000000", "5"]),
    ([1, 2], "number", ["1", "2"]),
    ([date(2025, 1, 31), None], "date", ["2025-01-31", None]),
    ([datetime(2025, 1, 31, 5), None], "moment", ["2025-01-31 05:00:00", None]),
    ([True, None], "boolean", ["true", None]),
    (["a", 1, 2.5, True, D("3"), None], "text", ["a", "1", "2.50", "true", "3", None]),
    ([{"b": [1, "é"]}, [], (1, None)], "other", ['{"b":[1,"é"]}', "[]", "[1,null]"]),
    ([{2, 1}, {"n": 10**20}, np.array([1, 2])], "other", ["[1,2]", '{"n": 100000000000000000000}', "[1,2]"]),
    ([b"\xff", "half \ud83d"], "text", ["b'\\xff'", "half \\ud83d"]),
    (["\ud83d"], "text", ["\\ud83d"]),
]  # fmt: skip


@pytest.mark.parametrize(("values", "kind", "cells"), OBJECTS, ids=repr)
def test_objects_are_what_they_hold(values, kind, cells):
    """Numbers, dates and truths as such; lists and objects as JSON; what cannot be sent as an escape."""
    assert shown(values) == (kind, cells)


EVERY = [
    *(pd.Series(values, dtype=dtype) for values, dtype, _, _ in DTYPES),
    *(arrow(values, kind) for values, kind, _ in ARROW),
    *(pd.Series(values, dtype=object) for values, _, _ in OBJECTS),
    *(arrow(values, kind) for values, kind in (([time(14, 5), None], pa.time64("us")), ([None], pa.null()))),
    pd.Series(["2025-01", None], dtype="period[M]"),
    pd.Series([0.0, 1.5, 0.0], dtype="Sparse[float64]"),
    pd.Series(pd.interval_range(0, 2)),
    pd.Series(["a", None, "a"], dtype="category"),
    pd.Series([timedelta(days=1), None, timedelta(1)], dtype=object),
]


@pytest.mark.parametrize("column", EVERY, ids=lambda one: f"{one.dtype} {one.tolist()!r:.40}")
def test_each_dtype_can_be_asked_everything(column):
    """Sorted, filtered by what a cell shows, by its values and by what is missing, and counted."""
    made = FrameRows(pd.DataFrame({"a": column}))
    cells = [row[0] for row in made.page(Query(), 0, 100).cells]
    gone = [row for row, cell in enumerate(cells) if cell is None]
    blank = [row for row, cell in enumerate(cells) if not cell]

    assert [cell is None for cell in cells] == column.isna().tolist()
    for down in (False, True):
        order = positions(made, sort=((0, down),))
        assert sorted(order) == list(range(len(cells)))
        assert order[len(order) - len(gone) :] == gone
    assert positions(made, filters=(Filter(0, "empty"),)) == blank
    for cell in {*cells}:
        same = [row for row, other in enumerate(cells) if other == cell]
        assert positions(made, filters=(Filter(0, "one_of", values=(cell,)),)) == same
        assert cell is None or set(positions(made, filters=(Filter(0, "contains", cell.upper()),))) >= set(same)
    assert dict(made.values(0, Query())[0]) == {cell: cells.count(cell) for cell in cells}
    assert [field.text for field in made.record(0)] == cells[:1]


def test_a_zone_is_told_once():
    """In the unit of its column; the moments are those of its clocks."""
    made = FrameRows(pd.DataFrame({"at": pd.to_datetime(["2025-07-01 22:30"], utc=True).tz_convert("Europe/Berlin")}))

    assert made.columns == [ColumnInfo("at", "moment", unit="Europe/Berlin")]
    assert made.page(Query(), 0, 1).cells == [["2025-07-02 00:30:00"]]
    assert positions(made, filters=(Filter(0, "range", low="2025-07-02", high="2025-07-02"),)) == [0]


def test_clocks_that_go_back_do_not_hide_a_row():
    """Two moments with the same text, an hour apart, are both found by it, in the order of time."""
    twice = [datetime(2025, 10, 26, 1, 30, tzinfo=UTC), datetime(2025, 10, 26, 0, 30, tzinfo=UTC)]
    made = FrameRows(pd.DataFrame({"at": pd.Series(twice).dt.tz_convert(ZoneInfo("Europe/Berlin"))}))

    assert made.page(Query(), 0, 2).cells == [["2025-10-26 02:30:00"]] * 2
    assert positions(made, filters=(Filter(0, "contains", "02:30"),), sort=((0, False),)) == [1, 0]


def test_one_moment_that_is_no_midnight_gives_all_of_them_a_time():
    """Also where it comes late; a missing one counts neither way."""
    days = pd.Series(pd.to_datetime(["2025-01-01", None] + ["2025-01-02"] * 3000))
    made = FrameRows(pd.DataFrame({"days": days, "moments": [*days[:-1], pd.Timestamp("2025-01-02 00:00:01")]}))

    assert [info.kind for info in made.columns] == ["date", "moment"]


def test_a_long_text_is_cut_in_its_cell_and_whole_in_the_details():
    """200 characters and an ellipsis."""
    text = "x" * 199 + "éy" + "z" * 100
    made = FrameRows(pd.DataFrame({"a": [text, "x" * 200]}))

    assert [row[0] for row in made.page(Query(), 0, 2).cells] == [text[:200] + "…", "x" * 200]
    assert made.record(0)[0].text == text


def test_details_say_what_is_json():
    """Lists, objects, and texts that are one; a text that only begins like one is none."""
    values = [{"a": [1]}, '[{"b": 2}]', "[see note]", 5]
    made = FrameRows(pd.DataFrame({"a": values, "n": [1, 2, 3, 4]}))

    assert [(made.record(row)[0].text, made.record(row)[0].json) for row in range(4)] == [
        ('{"a":[1]}', True),
        ('[{"b": 2}]', True),
        ("[see note]", False),
        ("5", False),
    ]
    assert [field.name for field in made.record(3)] == ["a", "n"]


# --- columns ----------------------------------------------------------------------------------------------------------


def test_columns_of_one_name_and_names_that_are_no_text_are_told_apart_by_their_place():
    """A filter and a sort of one of two alike is not one of the other."""
    frame = pd.DataFrame([["a", "z", 1], ["b", "y", 2]], columns=["n", "n", 5])
    made = FrameRows(frame)

    assert [info.name for info in made.columns] == ["n", "n", "5"]
    assert positions(made, sort=((1, False),)) == [1, 0]
    assert positions(made, filters=(Filter(1, "contains", "z"),)) == [0]
    pd.testing.assert_frame_equal(made.frame([1]), frame.iloc[[1]])


def test_an_index_that_says_something_comes_first_as_keys():
    """Levels of a MultiIndex, a named index, or one of other than whole numbers; row numbers are none."""
    frame = pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", None]))
    named = frame.reset_index(drop=True).rename_axis("row")
    dates = frame.set_index(pd.to_datetime(["2025-01-01", "2025-01-02"]))

    assert [(one.name, one.key) for one in FrameRows(frame).columns] == [("k", True), ("level 1", True), ("v", False)]
    assert FrameRows(frame).page(Query("Y"), 0, 5).cells == [["y", "2", "2"]]
    assert [one.name for one in FrameRows(named).columns] == ["row", "v"]
    assert FrameRows(dates).columns[0] == ColumnInfo("index", "date", key=True)
    assert [one.name for one in FrameRows(frame.reset_index(drop=True)[::-1]).columns] == ["v"]
    assert FrameRows(frame.T).columns[1] == ColumnInfo("x / 1", "number")


def test_chosen_columns_are_shown_and_searched_and_details_have_all():
    """In the order of the choice; the frame that comes back is whole."""
    frame = pd.DataFrame({"a": ["x"], "b": ["y"], "c": ["z"]})
    made = rows_of(frame, columns=["c", "a"])

    assert [one.name for one in made.columns] == ["c", "a"]
    assert (made.count(Query("z x")), made.count(Query("y"))) == (1, 0)
    assert [field.text for field in made.record(0)] == ["z", "x", "y"]
    assert list(made.frame().columns) == ["a", "b", "c"]
    with pytest.raises(ColumnError, match=r"There is no column 'd'. The columns are: a, b, c."):
        rows_of(frame, columns=["d"])
    with pytest.raises(ConfigError, match=r"columns=\['a'\]"):
        rows_of(frame, columns="a")


def test_what_is_known_of_a_loaded_frame_is_told():
    """Meaning, unit and keys of its Table; a whole number with a unit is counted in thousands."""
    columns = (
        Column("id", "str", "the vendor's id"),
        Column("bytes", "Int64", "size of the file", unit="bytes"),
        Column("year", "Int64", "financial year"),
        Column("status", "ordered", "how far it is", categories=("open", "done")),
    )
    table = Table("files", "one row per file", ("id",), columns, "test")
    records = [{"id": "f1", "bytes": 1234567, "year": 2024, "status": "done", "more": "x"}]
    flattener = Flattener(Level(table))
    flattener.add(records)
    frame = to_frame(flattener.finish()["files"].arrow())
    load = Load("t-1", "v", "load", "files", {}, 1, 0, None, None, 1, 0.0, Certificate("PASS", ""), declared=table)
    made = FrameRows(attach(frame, load))

    assert made.columns == [
        ColumnInfo("id", "text", key=True, meaning="the vendor's id"),
        ColumnInfo("bytes", "number", meaning="size of the file", unit="bytes"),
        ColumnInfo("year", "number", meaning="financial year"),
        ColumnInfo("status", "text", meaning="how far it is", unit="open < done"),
        ColumnInfo("more", "text", meaning="not declared; sent by the vendor, kept as text"),
    ]
    assert made.page(Query(), 0, 1).cells == [["f1", "1,234,567", "2024", "done", "x"]]
    assert made.frame([0]).attrs == frame.attrs


@pytest.mark.parametrize("data", [[1], None, pd.Series([1])], ids=lambda one: type(one).__name__)
def test_what_has_no_rows_is_refused(data):
    """With what came, and what to do."""
    with pytest.raises(ConfigError, match=f"{type(data).__name__} came"):
        rows_of(data)


# --- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"a": []}), pd.DataFrame({"a": ["x"]})[:0]], ids=len)
def test_a_frame_without_rows_answers_all_the_same(frame):
    """Nothing matches, nothing is shown, nothing breaks."""
    made: Rows = FrameRows(frame)
    query = Query("x", tuple(Filter(0, "empty") for _ in made.columns), tuple((0, True) for _ in made.columns))

    assert (made.total, made.count(query), made.page(query, 0, 50).cells) == (0, 0, [])
    assert [made.values(place, query) for place, _ in enumerate(made.columns)] == [([], False) for _ in made.columns]
    pd.testing.assert_frame_equal(made.frame(query=query), frame)
    with pytest.raises(ConfigError, match="There is no row 0"):
        made.record(0)


def test_a_value_in_the_last_row_is_found():
    """All rows are searched, whatever page is shown; so are those behind a block."""
    frame = pd.DataFrame({"a": ["invoice"] * 600_000, "n": range(600_000)})
    frame.loc[599_999, "a"] = "Needle, in hay"
    made = FrameRows(frame)

    assert positions(made, search="HAY needle") == [599_999]
    assert made.page(Query(sort=((1, True),)), 0, 1).cells == [["Needle, in hay", "599999"]]
    assert made.page(Query(), 599_999, 50).positions == [599_999]
    assert made.values(0, Query()) == ([("invoice", 599_999), ("Needle, in hay", 1)], False)


def test_pages_beyond_the_end_are_empty():
    """A page is as long as there are rows for it."""
    made = FrameRows(pd.DataFrame({"a": list("abc")}))

    assert made.page(Query(), 2, 5).positions == [2]
    assert made.page(Query(), 3, 5).positions == made.page(Query(), -1, 0).positions == []


def test_large_numbers_are_told_apart():
    """2**53 and the one after it, and decimals that are the same float."""
    frame = pd.DataFrame(
        {"n": [2**53, 2**53 + 1], "d": arrow([D("0.1000000000000000001"), D("0.1")], pa.decimal128(30, 19))}
    )
    made = FrameRows(frame)

    assert positions(made, filters=(Filter(0, "range", low=str(2**53 + 1)),)) == [1]
    assert positions(made, filters=(Filter(1, "range", high="0.10000000000000000005"),)) == [1]
    assert positions(made, filters=(Filter(1, "range", low="0.10000000000000000005"),)) == [0]
    assert positions(made, sort=((1, False),)) == [1, 0]
    assert positions(made, filters=(Filter(0, "range", low="-1" + "0" * 40, high="1" + "0" * 40),)) == [0, 1]
    assert positions(made, filters=(Filter(1, "range", low="1" + "0" * 40),)) == []


def test_a_float_is_the_number_that_is_shown():
    """0.1 is a tenth: from 0.1 includes it, from a little more does not."""
    made = FrameRows(pd.DataFrame({"a": [0.1, 0.2, 0.30000000000000004], "b": np.array([0.1, 0.2, 0.3], "float32")}))

    for column in (0, 1):
        assert positions(made, filters=(Filter(column, "range", low="0.1", high="0.2"),)) == [0, 1]
        assert positions(made, filters=(Filter(column, "range", low="0.10000000000000001"),)) == [1, 2]
    assert positions(made, filters=(Filter(0, "range", high="0.3"),)) == [0, 1]
    assert positions(made, filters=(Filter(0, "range", high="1" + "0" * 400),)) == [0, 1, 2]
    assert positions(made, filters=(Filter(0, "range", high="0.0999999999999999999999"),)) == []


def test_decimals_of_more_than_64_bits_are_in_order():
    """On both sides of nought, and where only the upper half differs."""
    values = [D(2**64), D(-1), D(2**70), D(0), D(-(2**70)), D(2**64 - 1), D(-(2**64))]
    made = FrameRows(pd.DataFrame({"a": arrow(values, pa.decimal128(30, 0))}))

    assert positions(made, sort=((0, False),)) == [4, 6, 1, 3, 5, 0, 2]
    assert positions(made, sort=((0, True),)) == [2, 0, 5, 3, 1, 6, 4]


def test_categories_are_in_their_own_order():
    """Ordered ones by their order, others by their values; both are searched as text."""
    steps = pd.Categorical(["mid", "low", None, "high", "low"], ["low", "mid", "high"], ordered=True)
    plain = pd.Categorical(["b", "a", "c", None, "a"], ["c", "a", "b"])
    made = FrameRows(pd.DataFrame({"s": steps, "p": plain, "y": pd.Categorical([2, 10, 2, None, 1])}))

    assert positions(made, sort=((0, True),)) == [3, 0, 1, 4, 2]
    assert positions(made, sort=((1, False),)) == [1, 4, 0, 2, 3]
    assert positions(made, sort=((2, False),)) == [4, 0, 2, 1, 3]
    assert positions(made, search="hi") == [3]
    assert positions(made, filters=(Filter(2, "range", low="2"),)) == [0, 1, 2]
    assert made.values(0, Query()) == ([("low", 2), ("mid", 1), (None, 1), ("high", 1)], False)


def test_mixed_objects_have_an_order():
    """Numbers by their value, then the rest by its text, then what is missing."""
    made = FrameRows(pd.DataFrame({"a": ["b", 10, None, D("9.5"), {"k": 1}, 2.5, "10"]}))

    assert positions(made, sort=((0, False),)) == [5, 3, 1, 6, 0, 4, 2]
    assert positions(made, filters=(Filter(0, "contains", "1"),)) == [1, 4, 6]


def test_decimal_objects_are_compared_as_decimals():
    """Also those that no type of Arrow holds."""
    values = [D("10.20"), D("9.1"), None, D("100"), D("1E+60"), D("-Infinity"), D("9.10")]
    made = FrameRows(pd.DataFrame({"a": values}))

    assert positions(made, sort=((0, False),)) == [5, 1, 6, 0, 3, 4, 2]
    assert positions(made, sort=((0, True),)) == [4, 3, 0, 1, 6, 5, 2]
    assert positions(made, filters=(Filter(0, "range", low="9.1", high="100"),)) == [0, 1, 3, 6]


def test_a_query_that_cannot_be_is_refused():
    """A column that is not there, a bound that is no number."""
    made = FrameRows(pd.DataFrame({"a": [1]}))

    for query in (Query(sort=((1, True),)), Query(filters=(Filter(0, "range", low="x"),))):
        with pytest.raises(ConfigError):
            made.count(query) and made.page(query, 0, 1)
    with pytest.raises(ConfigError, match="There is no row 1; there are 1, from 0"):
        made.frame([0, 1])


def test_changes_to_the_frame_do_not_show():
    """The rows are those that there were when they were asked for the first time."""
    frame = pd.DataFrame({"a": ["x", "y"]})
    made = FrameRows(frame)
    frame["b"], frame.loc[0, "a"] = 1, "changed"

    assert made.page(Query(), 0, 5).cells == [["x"], ["y"]]
    pd.testing.assert_frame_equal(made.frame(), pd.DataFrame({"a": ["x", "y"]}))


def test_the_next_page_costs_nothing(monkeypatch):
    """What was found for one page, and its order, is there for the others."""
    made, done = FrameRows(pd.DataFrame({"a": ["x1", "y", "x2", "x3"]})), []
    for module, name in ((blocks, "matching"), (blocks, "argsort")):
        work = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, name=name, work=work: (done.append(name), work(*given))[1])
    query = Query("x", sort=((0, True),))

    assert [made.page(query, start, 1).positions for start in range(4)] == [[3], [2], [0], []]
    assert (made.count(query), made.page(Query("x"), 0, 1).positions) == (3, [0])
    assert made.values(0, Query("x"), 1) == ([("x1", 1)], True)
    assert done == ["matching", "argsort"]


def test_a_text_of_blanks_is_empty():
    """To a reader it is; so is a text without a character."""
    made = FrameRows(pd.DataFrame({"a": ["", " \t", None, "x"]}))

    assert positions(made, filters=(Filter(0, "empty"),)) == [0, 1, 2]
    assert positions(made, filters=(Filter(0, "filled"),)) == [3]
    assert positions(made, sort=((0, True),)) == [3, 1, 0, 2]


def test_a_part_of_a_second_lies_between_two_seconds():
    """Moments that hold whole seconds are after it or before it."""
    made = FrameRows(pd.DataFrame({"a": pd.to_datetime(["2025-01-01 10:00:05", "2025-01-01 10:00:06"]).as_unit("s")}))

    assert positions(made, filters=(Filter(0, "range", low="2025-01-01 10:00:05.5"),)) == [1]
    assert positions(made, filters=(Filter(0, "range", high="2025-01-01 10:00:05.5"),)) == [0]


def test_threads_get_each_their_own_answer():
    """A notebook asks from several at once."""
    made = FrameRows(pd.DataFrame({"a": [f"word{number % 8}" for number in range(2000)]}))
    wrong = []

    def ask(number):
        for _ in range(20):
            found = made.page(Query(f"word{number}", sort=((0, True),)), 0, 2000).positions
            wrong.extend([number] if found != list(range(number, 2000, 8)) else [])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


# --- anything, beside plain Python ------------------------------------------------------------------------------------


def some(strategy):
    """Sometimes missing."""
    return st.one_of(st.none(), strategy)


ROW = st.fixed_dictionaries(
    {
        "text": some(st.text(LETTERS, max_size=4)),
        "amount": some(st.decimals(-2000, 2000, places=3)),
        "float": some(st.floats(-1e7, 1e7, allow_nan=False).map(lambda value: round(value, 3))),
        "count": some(st.integers(-5, 5) | st.integers(2**53, 2**53 + 3)),
        "day": some(st.dates(date(2024, 12, 30), date(2025, 2, 2))),
        "moment": some(st.datetimes(datetime(2024, 12, 31, 23, 59), datetime(2025, 1, 1, 0, 1))),
        "truth": some(st.booleans()),
        "step": some(st.sampled_from(["low", "Mid", "high"])),
        "object": some(st.sampled_from(["a", "B", "é1"])),
    }
)
STEPS = ["low", "Mid", "high"]
TEXTS = {
    "amount": money,
    "float": lambda value: money(D(repr(value + 0.0))),
    "day": date.isoformat,
    "moment": lambda value: value.isoformat(
        " ", "microseconds" if value.microsecond % 1000 else "milliseconds" if value.microsecond else "seconds"
    ),
    "truth": lambda value: "true" if value else "false",
}
KINDS = {
    "text": "text", "amount": "number", "float": "number", "count": "number", "day": "date", "moment": "moment",
    "truth": "boolean", "step": "text", "object": "text",
}  # fmt: skip


def frame_of(records):
    """The records as a frame of as many dtypes."""
    lists = {name: [record[name] for record in records] for name in KINDS}
    return pd.DataFrame(
        {
            "text": pd.Series(lists["text"], dtype="str"),
            "amount": arrow(lists["amount"], pa.decimal128(36, 6)),
            "float": pd.Series(lists["float"], dtype="float64"),
            "count": pd.Series(lists["count"], dtype="Int64"),
            "day": pd.Series(lists["day"], dtype="datetime64[us]"),
            "moment": pd.Series(lists["moment"], dtype="datetime64[us]"),
            "truth": pd.Series(lists["truth"], dtype="boolean"),
            "step": pd.Categorical(lists["step"], STEPS, ordered=True),
            "object": pd.Series(lists["object"], dtype=object),
        }
    )


def plain_of(records, kinds):
    """The same in plain Python."""
    made = []
    for name, kind in KINDS.items():
        values = [record[name] for record in records]
        texts = [None if value is None else TEXTS.get(name, str)(value) for value in values]
        if name == "moment" and kinds[name] == "date":
            texts = [text and text[:10] for text in texts]
        if name == "step":
            values = [None if value is None else STEPS.index(value) for value in values]
        made.append(Plain(name, kinds.get(name, kind), values, texts, searched=kind == "text"))
    return made


@settings(max_examples=150)
@given(st.lists(ROW, min_size=1, max_size=12), st.data())
def test_every_query_gives_what_plain_python_gives(records, data):
    """Which rows, in which order, with which texts; how often each value comes; and the frame of them."""
    frame = frame_of(records)
    made = FrameRows(frame)
    kinds = {info.name: info.kind for info in made.columns}
    columns = plain_of(records, kinds)
    query = data.draw(plain_rows.queries(columns))
    wanted = plain_rows.expected(columns, query)
    pages = [made.page(query, start, 3) for start in range(0, len(records), 3)]

    assert made.count(query) == len(wanted)
    assert [position for page in pages for position in page.positions] == wanted
    assert [row for page in pages for row in page.cells] == [[one.texts[row] for one in columns] for row in wanted]
    pd.testing.assert_frame_equal(made.frame(query=query), frame.iloc[wanted])
    place = data.draw(st.integers(0, len(columns) - 1))
    assert made.values(place, query, 3) == plain_rows.frequent(columns, place, query, 3)


@pytest.fixture
def small_steps(monkeypatch):
    """What is done for many rows alone is done for few."""
    monkeypatch.setattr(rows, "_BLOCK", 7)
    monkeypatch.setattr(rows, "_FIRST", 2)
    monkeypatch.setattr(blocks, "_MANY", 3)
    monkeypatch.setattr(matching, "_SAMPLE", 4)
    for name, value in (("_LARGE", 10), ("_SAMPLE", 20), ("_REPEATED", 3)):
        monkeypatch.setattr(sorting, name, value)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("size", [1, 7, 30, 200])
@pytest.mark.parametrize("distinct", [3, 1000])
def test_many_rows_are_answered_like_few(size, distinct):
    """In blocks, by distinct values, and sorted in pieces."""
    generator = np.random.default_rng(size)
    texts = [
        None if number % 11 == 0 else f"{LETTERS[number % 13]}{number}"
        for number in generator.integers(0, distinct, size).tolist()
    ]
    numbers = generator.integers(-3, 3, size).tolist()
    made = FrameRows(pd.DataFrame({"t": pd.Series(texts, dtype="str"), "n": numbers}))
    columns = [Plain("t", "text", texts, texts, True), Plain("n", "number", numbers, [str(one) for one in numbers])]

    for query in (
        Query(),
        Query("1"),
        Query("é 1", sort=((1, False),)),
        *(Query(sort=((0, down), (1, not down))) for down in (False, True)),
        *(Query(sort=((1, down), (0, down))) for down in (False, True)),
        Query("2", (Filter(1, "range", low="0"),), ((0, True),)),
    ):
        assert made.page(query, 0, size).positions == plain_rows.expected(columns, query)
        assert made.values(0, query, 5) == plain_rows.frequent(columns, 0, query, 5)
