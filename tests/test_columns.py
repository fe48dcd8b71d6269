"""Values of one column: what is read, what is kept as sent, and that nothing is lost without a word."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docframes.tables.columns import TYPES, convert, mixed_arrays, read_moment, text_array

MOMENT = datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2026-03-02T09:14:05+00:00", MOMENT),
        ("2026-03-02T09:14:05Z", MOMENT),
        ("2026-03-02T10:14:05+01:00", MOMENT),
        ("2026-03-02T10:14:05+0100", MOMENT),
        ("2026-03-02 09:14:05", MOMENT),
        ("2026-03-02T09:14:05", MOMENT),
        (" 2026-03-02T09:14:05Z ", MOMENT),
        ("2026-03-02T09:14:05.120Z", MOMENT.replace(microsecond=120_000)),
        ("2026-03-02T09:14:05.123456789Z", MOMENT.replace(microsecond=123_456)),
        ("2026-03-02T09:14Z", MOMENT.replace(second=0)),
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        (1_772_442_845, MOMENT),
        (1_772_442_845_000, MOMENT),
        (1_772_442_845.5, MOMENT.replace(microsecond=500_000)),
    ],
)
def test_a_moment_is_read_in_each_of_its_forms(sent, moment):
    """ISO 8601 with or without fraction and offset (none means UTC), seconds, milliseconds."""
    assert read_moment(sent) == moment
    assert convert([sent, None], "timestamp").array.to_pylist() == [moment, None]


@pytest.mark.parametrize(
    "sent", ["02/03/2026", "20260302", "yesterday", "2026-13-01", "2026-02-30T10:00:00Z", True, []]
)
def test_what_is_no_moment_is_handed_back(sent):
    """Not guessed: missing in the column, and given back as it came."""
    converted = convert(["2026-03-02T09:14:05Z", sent], "timestamp")

    assert converted.array.to_pylist() == [MOMENT, None]
    assert converted.refused == {1: sent}


@pytest.mark.parametrize("sent", ["", None])
def test_nothing_is_missing_and_no_more(sent):
    """An empty text in a column of moments or numbers is a missing value, not an unreadable one."""
    for kind in ("timestamp", "date", "Int64", "float64", "boolean"):
        converted = convert([sent, sent], kind)

        assert (converted.array.null_count, converted.refused) == (2, {})


@pytest.mark.parametrize(
    ("kind", "sent", "read"),
    [
        ("Int64", "12", 12),
        ("Int64", " -7 ", -7),
        ("Int64", 12.0, 12),
        ("float64", "12.5", 12.5),
        ("float64", 3, 3.0),
        ("boolean", "True", True),
        ("boolean", "no", False),
        ("boolean", 1, True),
        ("boolean", 0, False),
        ("date", "2026-03-02", datetime(2026, 3, 2)),
        ("date", "2026-03-02T00:00:00Z", datetime(2026, 3, 2)),
    ],
)
def test_another_spelling_of_the_same_value_is_read(kind, sent, read):
    """Text for a number, 1 for true, midnight for a day."""
    assert convert([sent], kind).array.to_pylist() == [read]


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("Int64", 1.5),
        ("Int64", "1.5"),
        ("Int64", True),
        ("Int64", "12 pieces"),
        ("Int64", 2**64),
        ("float64", "1,5"),
        ("float64", "NaN"),
        ("float64", True),
        ("float64", [1]),
        ("boolean", 2),
        ("boolean", "perhaps"),
        ("date", "2026-03-02T09:14:05Z"),
    ],
)
@pytest.mark.parametrize("beside", [[], [None]])
def test_what_would_lose_something_is_handed_back(kind, sent, beside):
    """1.5 is no integer, a time of day is no day, true is no number; alone or among missing values."""
    converted = convert([*beside, sent], kind)

    assert converted.array.null_count == len(beside) + 1
    assert converted.refused == {len(beside): sent}


def test_text_is_as_it_is_and_the_rest_as_json_writes_it():
    """Numbers, booleans, lists and objects become text; nothing is dropped."""
    sent = ["as it is", 12, 1.5, True, ["a", 1], {"b": None}, None, ""]

    assert text_array(sent).to_pylist() == ["as it is", "12", "1.5", "true", '["a",1]', '{"b":null}', None, ""]


def test_mixed_answers_stand_beside_their_typed_readings():
    """The text as sent, and what was a number, a boolean, an ISO date."""
    sent = ["2026-03-02T09:14:05Z", "plain", "12", 12, 14.5, True, ["a"], None, "0400"]
    text, number, truth, date = (array.to_pylist() for array in mixed_arrays(sent))

    assert text == ["2026-03-02T09:14:05Z", "plain", "12", "12", "14.5", "true", '["a"]', None, "0400"]
    assert number == [None, None, None, 12.0, 14.5, None, None, None, None]
    assert truth == [None, None, None, None, None, True, None, None, None]
    assert date == [MOMENT, *[None] * 8]


def test_a_number_too_long_for_a_float_keeps_its_digits_as_text():
    """A meter number of 17 digits: the text is exact, the number as near as a float comes."""
    text, number, *_ = (array.to_pylist() for array in mixed_arrays([90071992547409931, 1.5]))

    assert text == ["90071992547409931", "1.5"]
    assert number == [9.007199254740994e16, 1.5]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(["2026-03-02", "2026-03-02T09:14:05Z", "12", "true", "-", "2026-", "1772442845"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.lists(JSON, max_size=8), st.sampled_from(sorted(set(TYPES) - {"str", "json"})))
def test_every_value_is_read_handed_back_or_was_nothing(values, kind):
    """Whatever JSON holds, no value is lost: it is in the array, among the refused, or was null or empty."""
    converted = convert(values, kind)
    array = converted.array.to_pylist()

    assert converted.array.type == TYPES[kind]
    for row, value in enumerate(values):
        kept = (array[row] is not None) + (row in converted.refused) + (value is None or value == "")
        assert kept == 1


@given(st.lists(JSON, max_size=8))
def test_mixed_answers_are_never_refused(values):
    """Whatever JSON holds has a text, except null, and the four arrays are of one length."""
    arrays = mixed_arrays(values)

    assert [array.is_valid().to_pylist() for array in arrays[:1]] == [[value is not None for value in values]]
    assert {len(array) for array in arrays} == {len(values)}
