"""Two frames: rows added and removed, cells changed, rows that changed without a word, and nothing lost."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import Says
from hypothesis import given
from hypothesis import strategies as st

import docframes
from docframes import validocx
from docframes.comparison import Differences
from docframes.errors import ColumnError, ConfigError
from docframes.tables.loads import load_record
from tests.rooms.validocx import id_of, sample

D = Decimal
T = pd.Timestamp


def rows(frame):
    """The frame as tuples, missing values as None."""
    return [tuple(None if pd.isna(value) else value for value in row) for row in frame.itertuples(index=False)]


def arrow(values, kind=None):
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, kind)))


def moments(*texts):
    return pd.Series(pd.to_datetime(list(texts), utc=True, format="ISO8601")).dt.as_unit("us")


def jobs(**columns):
    """Four jobs as a loader gives them, with some columns otherwise."""
    usual = {
        "job_id": pd.Series(["a", "b", "c", "d"], dtype="str"),
        "status": pd.Series(["open", "open", None, "done"], dtype="str"),
        "progress": pd.Series([10, None, 0, 100], dtype="Int64"),
        "updated_at": moments("2026-01-01T08:00Z", "2026-01-02T08:00Z", "2026-01-03T08:00Z", None),
    }
    return pd.DataFrame({**usual, **columns})


# --- rows and cells -------------------------------------------------------------------------------------------------


def test_rows_and_cells_are_told():
    """One row gone, one there, two cells changed; rows whole, cells as text, in the order of the new frame."""
    old = jobs()
    new = jobs(
        job_id=pd.Series(["d", "a", "x", "b"], dtype="str"),
        status=pd.Series(["done", "done", "open", "open"], dtype="str"),
        progress=pd.Series([100, 100, 5, None], dtype="Int64"),
        updated_at=moments(None, "2026-02-01T08:00Z", "2026-02-02T08:00Z", "2026-01-02T08:00Z"),
    )

    found = docframes.diff(old, new, "job_id")

    assert rows(found.added) == [("x", "open", 5, T("2026-02-02T08:00Z"))]
    assert rows(found.removed) == [("c", None, 0, T("2026-01-03T08:00Z"))]
    assert rows(found.changed) == [
        ("a", "status", "open", "done"),
        ("a", "progress", "10", "100"),
        ("a", "updated_at", "2026-01-01 08:00:00+00:00", "2026-02-01 08:00:00+00:00"),
    ]
    assert (found.same, found.rows_changed, found.rows_unannounced) == (2, 1, 0)
    assert list(found.added.columns) == list(new.columns)
    assert found.added.dtypes.to_dict() == new.dtypes.to_dict()


def test_equal_frames_have_no_difference():
    """In any order of rows and columns; nothing of the kind is true."""
    found = docframes.diff(jobs(), jobs().iloc[::-1][["status", "updated_at", "job_id", "progress"]], key=["job_id"])

    assert not found
    assert found.same == 4
    assert repr(found) == "Differences: no row differs; 4 rows the same"


def test_dtypes_do_not_depend_on_the_rows():
    """Without a difference the frames have the columns and dtypes that they have with some."""
    none = docframes.diff(jobs(), jobs(), "job_id")
    some = docframes.diff(jobs(), jobs(status=pd.Series(["x"] * 4, dtype="str")).iloc[1:], "job_id")
    names = ("added", "removed", "changed", "unannounced", "unsure", "dtype_changes")

    for name in names:
        assert getattr(none, name).dtypes.to_dict() == getattr(some, name).dtypes.to_dict(), name
    assert none.changed.dtypes.to_dict() == dict.fromkeys(
        ["job_id", "column", "old", "new"], pd.StringDtype(na_value=np.nan)
    )


def test_a_missing_value_is_no_empty_text():
    """From missing to empty, from empty to missing, and missing twice, which is no change."""
    old = pd.DataFrame({"id": [1, 2, 3], "text": pd.Series([None, "", None], dtype="str")})
    new = pd.DataFrame({"id": [1, 2, 3], "text": pd.Series(["", None, np.nan], dtype="object")})

    assert rows(docframes.diff(old, new, "id").changed) == [(1, "text", None, ""), (2, "text", "", None)]


def test_the_record_of_a_load_stays_with_its_rows(client):
    """Rows that were added are still traced to their load; cells are rows of another kind."""
    new = validocx.load_jobs(client=client)
    found = docframes.diff(new.iloc[3:], new)

    assert load_record(found.added) is load_record(new)
    assert found.changed.attrs == {}


# --- values -----------------------------------------------------------------------------------------------------------

BIG = 2**53  # from here on a float has no odd numbers
EXACT = [
    # old, new, which of the values differ
    (pd.Series([BIG, BIG + 1]), pd.Series([float(BIG), float(BIG)]), [False, True]),
    (pd.Series([BIG + 1]), pd.Series([BIG + 2]), [True]),
    (pd.Series([7, None], dtype="Int64"), pd.Series([7.0, np.nan]), [False, False]),
    (pd.Series([7, 8], dtype="int8"), pd.Series([7.5, 8.0]), [True, False]),
    (pd.Series([2**64 - 1], dtype="uint64"), pd.Series([-1]), [True]),
    (pd.Series([0.0, np.inf, -np.inf]), pd.Series([-0.0, np.inf, np.inf]), [False, False, True]),
    (arrow([D("7.00"), D("0.10"), D("0.30")]), pd.Series([7.0, 0.1, 0.1 + 0.2]), [False, False, True]),
    (arrow([D("1.5")], pa.decimal128(36, 6)), arrow([D("1.50")], pa.decimal128(38, 2)), [False]),
    (arrow([D("0.000001")], pa.decimal128(36, 6)), arrow([D("0.00")], pa.decimal128(36, 2)), [True]),
    (arrow([D(10**29), D(10**29)]), arrow([D(10**29), D(10**29 + 1)]), [False, True]),
    (arrow([D("7.00"), D("7.01")]), pd.Series([7, 7]), [False, True]),
    (moments("2026-01-01T08:00:00.000001Z"), moments("2026-01-01T08:00:00Z"), [True]),
    (moments("2026-01-01T08:00Z"), pd.Series([T("2026-01-01T09:00", tz="Europe/Berlin")]), [False]),
    (moments("2026-01-01T08:00Z"), pd.Series([T("2026-01-01T08:00:00.000000001Z")]), [True]),
    (pd.Series([T("2026-01-01")]), moments("2026-01-01"), [True]),
    (pd.Series(np.array(["9999-12-31"], "M8[s]")), pd.Series(np.array(["9999-12-31"], "M8[us]")), [False]),
    (arrow([date(2026, 1, 1)]), pd.Series([T("2026-01-01")]), [False]),
    (pd.Series([True, None], dtype="boolean"), pd.Series([True, False]), [False, True]),
    (pd.Series(["Low", "Hi", None], dtype="category"), pd.Series(["Low", "Low", ""], dtype="str"), [False, True, True]),
    (pd.Series(["7"], dtype="str"), pd.Series([7]), [True]),
    (pd.Series([1]), pd.Series([True]), [True]),
    (pd.Series(["a", None], dtype="object"), pd.Series(["a", None], dtype="str"), [False, False]),
    (pd.Series([1, [1], None], dtype="object"), pd.Series([1.0, [1], pd.NA], dtype="object"), [False, False, False]),
    (pd.Series(["1", 2, [1]], dtype="object"), pd.Series([1, "x", [2]], dtype="object"), [True, True, True]),
    (pd.Series([D("1.50"), None], dtype="object"), pd.Series([1.5, np.nan]), [False, False]),
    (pd.Series([None, None], dtype="object"), pd.Series([None, 0], dtype="Int64"), [False, True]),
    (pd.Series([None], dtype="object"), pd.Series([np.nan], dtype="object"), [False]),
    (pd.Series([2**70], dtype="object"), pd.Series([2**70 + 1], dtype="object"), [True]),
    (pd.Series(pd.to_timedelta([1], unit="s")), pd.Series(pd.to_timedelta([1000], unit="ms")), [False]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "differ"), EXACT)
def test_values_are_compared_exactly_whatever_their_dtype(old, new, differ):
    """Equal values of another dtype are no changed cells, and a digit is one."""
    ids = list(range(len(old)))
    found = docframes.diff(pd.DataFrame({"id": ids, "v": old}), pd.DataFrame({"id": ids, "v": new}), "id")

    assert found.changed["id"].tolist() == [place for place, differs in enumerate(differ) if differs]
    assert len(found.dtype_changes) == (str(old.dtype) != str(new.dtype))


def test_cells_are_told_with_every_digit():
    """Whole numbers, decimals, floats, moments, truths: nothing is rounded on the way to text."""
    old = pd.DataFrame(
        {
            "id": ["x"],
            "whole": pd.Series([BIG + 1], dtype="Int64"),
            "money": arrow([D("-0.000001")], pa.decimal128(36, 6)),
            "float": [0.1 + 0.2],
            "moment": moments("2026-01-01T08:00:00.000001Z"),
            "day": pd.Series([T("2026-01-31")]).dt.as_unit("us"),
            "truth": pd.Series([True], dtype="boolean"),
            "risk": pd.Series(["Low"], dtype="category"),
        }
    )
    new = old.assign(**{name: pd.Series([None], dtype=old[name].dtype) for name in old.columns[1:]})

    assert rows(docframes.diff(old, new, "id").changed) == [
        ("x", "whole", "9007199254740993", None),
        ("x", "money", "-0.000001", None),
        ("x", "float", "0.30000000000000004", None),
        ("x", "moment", "2026-01-01 08:00:00.000001+00:00", None),
        ("x", "day", "2026-01-31 00:00:00", None),
        ("x", "truth", "True", None),
        ("x", "risk", "Low", None),
    ]


def test_columns_and_dtypes_are_told_apart_from_cells():
    """A column more, one less, one of another dtype; ordered categories with their order."""
    risk = pd.CategoricalDtype(["Low", "High"], ordered=True)
    old = pd.DataFrame({"id": [1, 2], "n": [1, 2], "risk": pd.Series(["Low", "High"], dtype=risk), "gone": [1, 1]})
    more = pd.CategoricalDtype(["Low", "Medium", "High"], ordered=True)
    new = pd.DataFrame({"id": [1, 2], "n": [1.0, 2.0], "risk": old["risk"].astype(more), "there": [1, 1]})

    found = docframes.diff(old, new, "id")

    assert rows(found.dtype_changes) == [
        ("n", "int64", "float64"),
        ("risk", "category (Low < High)", "category (Low < Medium < High)"),
    ]
    assert (found.columns_added, found.columns_removed) == (("there",), ("gone",))
    assert (len(found.changed), found.same, bool(found)) == (0, 2, True)
    told = "no row differs; 1 column added (there); 1 column removed (gone); 2 columns of another dtype (n, risk); "
    assert repr(found) == f"Differences: {told}2 rows the same"


def test_another_dtype_alone_is_no_difference():
    """It is told, and the answer to "does anything differ" is no."""
    found = docframes.diff(pd.DataFrame({"id": [1]}), pd.DataFrame({"id": [1.0]}), "id")

    assert len(found.dtype_changes) == 1
    assert not found


def test_what_is_ignored_is_not_compared():
    """Neither its cells nor its dtype."""
    old, new = jobs(), jobs(progress=["1", "2", "3", "4"], status=["x"] * 4)

    assert not docframes.diff(old, new, "job_id", ignore=["progress", "status"])
    assert set(docframes.diff(old, new, "job_id", ignore="progress").changed["column"]) == {"status"}


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_key_of_several_columns():
    """Each part counts, of whatever dtype it is."""
    old = pd.DataFrame({"job": ["a", "a", "b"], "step": [1, 2, 1], "v": [1, 2, 3]})
    new = pd.DataFrame({"job": ["a", "a", "b"], "step": [1.0, 3.0, 1.0], "v": [1, 2, 4]})

    found = docframes.diff(old, new, ["job", "step"])

    assert rows(found.removed) == [("a", 2, 2)]
    assert rows(found.added) == [("a", 3.0, 2)]
    assert rows(found.changed) == [("b", 1.0, "v", "3", "4")]


def test_keys_that_are_repeated_or_missing_are_told_and_nothing_is_merged():
    """Rows of such a key are compared whole: of two equal ones that became one, one is gone."""
    old = pd.DataFrame({"id": ["a", "a", "a", None, None, "z", "q"], "v": [1, 1, 2, 5, 6, 9, 3]})
    new = pd.DataFrame({"id": ["a", "a", None, "z", "z", "q"], "v": [1, 3, 6, 9, 8, 4]})

    found = docframes.diff(old, new, "id")

    # Of "a" one of the two 1s stays; of the rows without a key the 6; of "z", repeated in the new frame only, the 9.
    assert rows(found.removed) == [("a", 1), ("a", 2), (None, 5)]
    assert rows(found.added) == [("a", 3), ("z", 8)]
    assert rows(found.changed) == [("q", "v", "3", "4")]
    assert found.same == 3
    assert rows(found.unsure) == [
        ("a", "old", 0, "repeated"),
        ("a", "old", 1, "repeated"),
        ("a", "old", 2, "repeated"),
        (None, "old", 3, "missing"),
        (None, "old", 4, "missing"),
        ("z", "old", 5, "repeated"),
        ("a", "new", 0, "repeated"),
        ("a", "new", 1, "repeated"),
        (None, "new", 2, "missing"),
        ("z", "new", 3, "repeated"),
        ("z", "new", 4, "repeated"),
    ]
    assert "11 rows without a key of their own, compared whole" in repr(found)


def test_keys_are_compared_by_value_too():
    """Whole numbers that became floats because one was missing, and the two zeros there are then."""
    old = pd.DataFrame({"id": [0, BIG + 1, 3], "v": [1, 2, 3]})
    new = pd.DataFrame({"id": [-0.0, float(BIG), np.nan], "v": [1, 2, 3]})

    found = docframes.diff(old, new, "id")

    assert found.same == 1
    assert found.removed["id"].tolist() == [BIG + 1, 3]
    assert found.added["v"].tolist() == [2, 3]
    assert docframes.diff(new.iloc[:2], new.iloc[:2].assign(id=[0.0, float(BIG)]), "id").same == 2


def test_names_of_ours_give_way_to_the_keys():
    """A data dictionary's key is its ``column``."""
    old = pd.DataFrame({"column": ["x"], "unit": ["EUR"]})

    found = docframes.diff(old, pd.DataFrame({"column": ["x"], "unit": ["USD"]}), "column")

    assert list(found.changed.columns) == ["column", "column_", "old", "new"]
    assert rows(found.changed) == [("x", "unit", "EUR", "USD")]


TEXTS = st.sampled_from(["", "a", "b", None])
FRAMES = st.lists(st.tuples(st.sampled_from(["k1", "k2", "k3", "k4", None]), TEXTS, TEXTS), max_size=8)


def of_rows(listed):
    columns = zip(*listed, strict=True) if listed else [()] * 3
    return pd.DataFrame({name: pd.Series(list(some), dtype="str") for name, some in zip("kxy", columns, strict=True)})


@given(FRAMES, FRAMES)
def test_the_differences_turn_the_old_frame_into_the_new_one(before, after):
    """Rows removed taken out, cells changed, rows added: as a multiset it is the new frame, row for row."""
    found = docframes.diff(of_rows(before), of_rows(after), "k")

    built = Counter(before) - Counter(rows(found.removed))
    for key, column, old, new in rows(found.changed):
        assert key is not None
        (row,) = [row for row in built if row[0] == key]
        place = "kxy".index(column)
        assert row[place] == old
        built[row] -= 1
        built[(*row[:place], new, *row[place + 1 :])] += 1
        built = +built
    assert built + Counter(rows(found.added)) == Counter(after)
    assert len(before) == found.same + found.rows_changed + len(found.removed)
    assert len(after) == found.same + found.rows_changed + len(found.added)


# --- changes without a word -------------------------------------------------------------------------------------------


def test_rows_that_changed_without_their_moment_having_moved_are_flagged():
    """The same moment, none at all, an earlier one, one that is gone: who asks for what is later sees none of them."""
    old = jobs()
    new = jobs(
        status=pd.Series(["x", "x", "x", "x"], dtype="str"),
        updated_at=moments("2026-01-01T08:00Z", "2026-01-01T00:00Z", "2026-01-03T08:00:00.000001Z", None),
    )

    found = docframes.diff(old, new, "job_id")

    assert rows(found.unannounced) == [
        ("a", "status", "open", "x"),
        ("b", "status", "open", "x"),
        ("b", "updated_at", "2026-01-02 08:00:00+00:00", "2026-01-01 00:00:00+00:00"),
        ("d", "status", "done", "x"),
    ]
    assert (found.rows_changed, found.rows_unannounced) == (4, 3)
    told = "6 cells changed in 4 rows, 3 of them without updated_at having moved; 0 rows the same"
    assert repr(found) == f"Differences: {told}"


def test_a_moment_that_is_gone_announces_nothing_and_a_new_one_does():
    """From a moment to none, and from none to a moment."""
    old = pd.DataFrame({"id": [1, 2], "v": ["a", "a"], "updated_at": moments("2026-01-01", None)})
    new = pd.DataFrame({"id": [1, 2], "v": ["b", "b"], "updated_at": moments(None, "2026-01-01")})

    assert set(docframes.diff(old, new, "id").unannounced["id"]) == {1}


def test_another_column_may_announce_changes_or_none():
    """A number that rises, a text that is another; with None nothing is looked at."""
    old = pd.DataFrame({"id": [1, 2], "v": ["a", "a"], "version": [1, 1], "etag": ["p", "p"]})
    new = pd.DataFrame({"id": [1, 2], "v": ["b", "b"], "version": [2, 1], "etag": ["o", "p"]})

    assert set(docframes.diff(old, new, "id", updated_at="version").unannounced["id"]) == {2}
    assert set(docframes.diff(old, new, "id", updated_at="etag").unannounced["id"]) == {2}
    assert len(docframes.diff(old, new, "id", updated_at=None).unannounced) == 0
    assert docframes.diff(old, new, "id").updated_at is None


def test_a_vendor_that_edits_history_is_found_out(scripted_client):
    """Two loads of one list: the second has a status changed under the same updated_at.  The key is the Table's."""
    listed = [sample(number) for number in range(3)]

    def answer(asked):
        return Says({"data": listed, "pagination": {"page": 1, "limit": 100, "total": 3, "total_pages": 1}})

    client = scripted_client(answer, cached=False)
    old = validocx.load_jobs(client=client)
    listed[1] = {**listed[1], "status": "open"}
    new = validocx.load_jobs(client=client, refresh=True)

    found = docframes.diff(old, new)

    assert found.key == ("job_id",)
    assert rows(found.unannounced) == [(id_of(1), "status", "completed", "open")]
    assert found.same == 2


# --- how it says so ---------------------------------------------------------------------------------------------------


def test_it_is_told_in_a_line():
    """As one says it."""
    old, new = jobs(), jobs(status=pd.Series(["x", "open", None, "done"], dtype="str"))

    found = docframes.diff(old, pd.concat([new.iloc[:3], new.iloc[[0]].assign(job_id="y")]), "job_id")

    told = "1 added, 1 removed, 1 cell changed in 1 row, 1 of them without updated_at having moved; 2 rows the same"
    assert repr(found) == f"Differences: {told}"
    assert isinstance(found, Differences)


def test_what_a_notebook_shows_is_escaped():
    """Names of columns come from vendors."""
    evil = "<script>alert(1)</script>"
    shown = docframes.diff(pd.DataFrame({"id": [1]}), pd.DataFrame({"id": [1], evil: [1]}), "id")._repr_html_()

    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown
    assert "<td" in shown


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_without_a_key_the_frames_have_to_say_it():
    """Frames from elsewhere do not know theirs."""
    with pytest.raises(ConfigError, match="Name the columns that tell rows apart"):
        docframes.diff(jobs(), jobs())


def test_frames_of_different_tables_have_no_key_together(client):
    """Jobs and projects are told apart by different columns."""
    loaded = validocx.load_jobs(client=client, limit=3), validocx.load_projects(client=client, limit=3)

    with pytest.raises(ConfigError, match=r"job_id.*project_id"):
        docframes.diff(*loaded)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"key": "nr"}, ColumnError, "nr"),
        ({"key": []}, ConfigError, "one column at least"),
        ({"key": 5}, ConfigError, "key is a column"),
        ({"key": "job_id", "ignore": "statsu"}, ColumnError, "statsu"),
        ({"key": "job_id", "ignore": ["job_id"]}, ConfigError, "none of ignore"),
        ({"key": "job_id", "updated_at": "changed_at"}, ColumnError, "changed_at"),
        ({"key": "job_id", "closed": "2025-01-31"}, ConfigError, "closed= is for two ledgers"),
    ],
)
def test_what_cannot_be_is_refused(options, error, words):
    """With the name of it."""
    with pytest.raises(error, match=words):
        docframes.diff(jobs(), jobs(), **options)


def test_a_column_that_stands_twice_is_refused():
    """Which of the two would be compared is not for us to guess."""
    twice = pd.concat([jobs(), jobs()[["status"]]], axis=1)

    with pytest.raises(ConfigError, match="several columns status"):
        docframes.diff(jobs(), twice, "job_id")


def test_two_of_a_kind_are_wanted():
    """A frame and something else are not compared."""
    with pytest.raises(ConfigError, match="DataFrame and dict came"):
        docframes.diff(jobs(), {}, "job_id")


def test_moments_as_python_objects_are_moments():
    """A column of datetimes that pandas keeps as objects."""
    old = pd.DataFrame({"id": [1, 2], "at": pd.Series([datetime(2026, 1, 1), None], dtype="object")})
    new = pd.DataFrame({"id": [1, 2], "at": pd.Series([T("2026-01-01"), T("2026-01-02")])})

    assert rows(docframes.diff(old, new, "id").changed) == [(2, "at", None, "2026-01-02 00:00:00")]
