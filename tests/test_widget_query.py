"""What the browser may ask: read from its messages, refused in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from docframes.errors import ConfigError
from docframes.widgets.query import Filter, Query, check, number, read_query, span
from docframes.widgets.rows import ColumnInfo

COLUMNS = [
    ColumnInfo("text", "text"),
    ColumnInfo("amount", "number"),
    ColumnInfo("date", "date"),
    ColumnInfo("entered_at", "moment", unit="UTC"),
    ColumnInfo("paid", "boolean"),
]


def asked(**message):
    """The query of a message of these parts."""
    return read_query(message, COLUMNS)


def one(kind, column=0, **parts):
    """The one filter of a message with one filter."""
    (found,) = asked(filters=[{"column": column, "kind": kind, **parts}]).filters
    return found


def test_a_message_without_wishes_asks_for_all_rows():
    """Search, filters and sort are all there is to ask, and none has to be there."""
    assert asked() == asked(search=None, filters=None, sort=None) == asked(type="query", nonce="1", start=0) == Query()


def test_a_message_is_read_whole():
    """Each part of it comes into the query as it was sent."""
    made = asked(
        search="rent  Office rent",
        filters=[
            {"column": 0, "kind": "one_of", "values": ["a", None]},
            {"column": 1, "kind": "range", "low": "-1,234.50", "high": "", "text": None},
        ],
        sort=[[1, True], [0, False]],
    )

    assert made.words == ("rent", "Office")
    assert made.filters == (Filter(0, "one_of", values=("a", None)), Filter(1, "range", low="-1,234.50"))
    assert made.sort == ((1, True), (0, False))
    assert hash(made) == hash(asked(search=made.search, filters=_told(made), sort=[[1, True], [0, False]]))


def _told(query):
    return [vars(one) for one in query.filters]


def test_a_filter_that_asks_for_nothing_is_left_out():
    """A box that was cleared is no condition."""
    empty = [{"column": 0, "kind": "contains", "text": "  "}, {"column": 1, "kind": "range", "low": "", "high": " "}]

    assert asked(filters=empty) == Query()


def test_what_a_column_asks_of_itself_can_be_taken_away():
    """Its values are offered among the rows that match the rest."""
    query = Query("rent", (Filter(0, "filled"), Filter(1, "empty"), Filter(0, "contains", "x")), ((1, True),))

    assert query.without(0) == Query("rent", (Filter(1, "empty"),))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234.50", "1234.50"), ("1,234.5", "1234.5"), ("-0.1", "-0.1"), ("+7", "7"), (".5", "0.5"), ("5.", "5"),
        ("9007199254740993", "9007199254740993"), ("\N{MINUS SIGN}3", "-3"), (" 1,234,567 ", "1234567"),
    ],
)  # fmt: skip
def test_numbers_are_read_exactly(text, value):
    """Thousands may be set apart by commas, and no digit goes through a float."""
    assert number(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["12,5", "1.234,56", "1e5", "12.5.1", "-", ".", "ten", "1 000", "nan", "0x10", "12,34,567"]
)
def test_what_could_be_another_number_is_refused(text):
    """A comma that does not stand where thousands end may be a decimal comma; nobody guesses."""
    with pytest.raises(ConfigError, match=r"^amount: from '.*' is no number. Write it like -1234.50.$"):
        one("range", 1, low=text)


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2024", "2024-01-01", "2025-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2025-01-31", "2025-01-31", "2025-02-01"),
        ("2025-01-31 14:30", "2025-01-31T14:30", "2025-01-31T14:31"),
        ("2025-01-31T14:30:05", "2025-01-31T14:30:05", "2025-01-31T14:30:06"),
        ("2025-01-31T14:30:05.25", "2025-01-31T14:30:05.25", "2025-01-31T14:30:05.26"),
        ("9999-12", "9999-12-01", None),
        ("0001-01-01", "0001-01-01", "0001-01-02"),
    ],
)
def test_a_date_means_all_of_what_it_names(text, first, after):
    """From its first nanosecond to its last: the end of a range is included whole."""
    low, high = span(text)

    assert low == _nanoseconds(datetime.fromisoformat(first))
    if after is not None:
        assert high == _nanoseconds(datetime.fromisoformat(after)) - 1


def _nanoseconds(moment):
    return (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize(
    "text", ["2025-13", "2025-02-30", "31.01.2025", "01/02/2025", "2025-1-1", "2025-01-01 25:00", "soon"]
)
def test_what_is_no_date_is_refused(text):
    """With the column, the end, what was typed and how it is written."""
    with pytest.raises(ConfigError) as told:
        one("range", 2, high=text)

    assert str(told.value) == f"date: to {text!r} is no date. Write it like 2025-01-31."


def test_a_moment_with_an_offset_is_refused():
    """Moments are compared as they are shown, in the zone of their column."""
    with pytest.raises(ConfigError, match=r"entered_at: from .* Write it like 2025-01-31 or 2025-01-31 14:30:00"):
        one("range", 3, low="2025-01-31T10:00:00+02:00")


@pytest.mark.parametrize("column", [0, 4])
def test_only_numbers_and_dates_have_a_range(column):
    """A range of text would be one of code points, which nobody means."""
    with pytest.raises(ConfigError, match="from and to are for numbers and dates"):
        one("range", column, low="a")


@pytest.mark.parametrize(
    "message",
    [
        {"search": 5},
        {"search": "half \ud83d"},
        {"filters": {"column": 0}},
        {"filters": [{"column": 0, "kind": "like", "text": "a"}]},
        {"filters": ["amount > 5"]},
        {"filters": [{"column": 5, "kind": "empty"}]},
        {"filters": [{"column": -1, "kind": "empty"}]},
        {"filters": [{"column": True, "kind": "empty"}]},
        {"filters": [{"column": "text", "kind": "empty"}]},
        {"filters": [{"kind": "empty"}]},
        {"filters": [{"column": 0, "kind": "contains", "text": 5}]},
        {"filters": [{"column": 0, "kind": "one_of", "values": "abc"}]},
        {"filters": [{"column": 0, "kind": "one_of", "values": [1]}]},
        {"sort": [0]},
        {"sort": [[0]]},
        {"sort": [[0, "desc"]]},
        {"sort": [[9, True]]},
        {"sort": "amount"},
    ],
    ids=str,
)
def test_a_message_that_cannot_be_is_refused(message):
    """As a mistake in what was asked, with what came."""
    with pytest.raises(ConfigError, match="came"):
        read_query(message, COLUMNS)


def test_a_long_wrong_text_is_not_repeated_whole():
    """The sentence stays a sentence."""
    with pytest.raises(ConfigError) as told:
        one("range", 1, low="x" * 10_000)

    assert len(str(told.value)) < 200


@pytest.mark.parametrize(
    "query",
    [
        Query(sort=((7, False),)),
        Query(filters=(Filter(7, "empty"),)),
        Query(filters=(Filter(0, "like"),)),
        Query(filters=(Filter(2, "range", low="2025-13"),)),
    ],
    ids=str,
)
def test_a_query_made_in_python_is_checked_as_well(query):
    """Whoever makes it."""
    with pytest.raises(ConfigError):
        check(query, COLUMNS)
