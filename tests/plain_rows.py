"""Rows in plain Python, slow and simple: what a query must give, worked out from lists of values and of their texts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from docframes.widgets.query import Filter, Query

#: Letters of several scripts, in both cases, with what is special to a pattern.
LETTERS = "abABéÉσΣß1.%_ "
RANGED = ("number", "date", "moment")


@dataclass(frozen=True)
class Plain:
    """A column: its kind, its values (None is missing, and they can be compared) and their texts as shown, whole."""

    name: str
    kind: str
    values: list[Any]
    texts: list[str | None]
    searched: bool = False


def expected(columns: list[Plain], query: Query) -> list[int]:
    """The positions of the rows that match, in order."""
    rows = range(len(columns[0].values)) if columns else range(0)
    found = [row for row in rows if matches(columns, query, row)]
    for column, descending in reversed(query.sort):
        values = columns[column].values
        there = [row for row in found if values[row] is not None]
        # Python's own sort is stable in both directions.
        there.sort(key=values.__getitem__, reverse=descending)
        found = there + [row for row in found if values[row] is None]
    return found


def matches(columns: list[Plain], query: Query, row: int) -> bool:
    """Whether one row matches."""
    texts = [column.texts[row] or "" for column in columns if column.searched]
    words = all(any(holds(text, word) for text in texts) for word in query.search.split())
    return words and all(passes(columns[one.column], one, row) for one in query.filters)


def holds(text: str, part: str) -> bool:
    """Whether *text* has *part* in it, in any case."""
    return re.search(re.escape(part), text, re.IGNORECASE) is not None


def passes(column: Plain, one: Filter, row: int) -> bool:
    """Whether one row passes a filter of *column*."""
    text = column.texts[row]
    blank = text is None or (column.kind == "text" and not text.strip())
    if one.kind in ("empty", "filled"):
        return blank == (one.kind == "empty")
    if one.kind == "one_of":
        return text in one.values
    if text is None:
        return False
    if one.kind == "range":
        return between(column, one, text)
    if column.kind == "number":
        return holds(text.replace(",", ""), one.text.replace(",", ""))
    return holds(text, one.text)


def between(column: Plain, one: Filter, text: str) -> bool:
    """Numbers by their value; dates by their text, which is in the order of time and as long as what it names."""
    if column.kind == "number":
        value = Decimal(text.replace(",", ""))
        return (not one.low or value >= Decimal(one.low)) and (not one.high or value <= Decimal(one.high))
    return (not one.low or text >= one.low) and (not one.high or text[: len(one.high)] <= one.high)


def frequent(columns: list[Plain], column: int, query: Query, limit: int) -> tuple[list[tuple[str | None, int]], bool]:
    """The most frequent values of a column, those that come first before others that are as frequent."""
    rest = Query(query.search, tuple(one for one in query.filters if one.column != column))
    counts = Counter(columns[column].texts[row] for row in expected(columns, rest))
    return counts.most_common(limit), len(counts) > limit


# --- queries to try ---------------------------------------------------------------------------------------------------


@st.composite
def queries(draw: Any, columns: list[Plain]) -> Query:
    """Queries of which many find something: their texts are parts of what is there."""
    search = " ".join(draw(st.lists(parts(draw, columns), max_size=2)))
    filters = tuple(draw(st.lists(filters_of(draw, columns), max_size=2)))
    places = st.integers(0, len(columns) - 1)
    sort = draw(st.lists(st.tuples(places, st.booleans()), max_size=3, unique_by=lambda one: one[0]))
    return Query(search, filters, tuple(sort))


def parts(draw: Any, columns: list[Plain]) -> st.SearchStrategy[str]:
    """Words, many of them out of the texts."""
    some = [text for column in columns if column.searched for text in column.texts if text]
    word = st.text(LETTERS.replace(" ", ""), min_size=1, max_size=2)
    return st.one_of(word, st.sampled_from(some).map(lambda text: text[:3].swapcase())) if some else word


def filters_of(draw: Any, columns: list[Plain]) -> st.SearchStrategy[Filter]:
    """Filters of any column, of the kinds that it takes."""

    @st.composite
    def made(draw: Any) -> Filter:
        place = draw(st.integers(0, len(columns) - 1))
        column = columns[place]
        some = [text for text in column.texts if text] or ["1" if column.kind == "number" else "2025-01-01"]
        kinds = ["contains", "empty", "filled", "one_of", *(["range"] if column.kind in RANGED else [])]
        kind = draw(st.sampled_from(kinds))
        if kind == "contains":
            text = draw(st.sampled_from(some))
            start = draw(st.integers(0, max(0, len(text) - 1)))
            return Filter(place, kind, text=text[start : start + draw(st.integers(1, 4))])
        if kind == "one_of":
            return Filter(place, kind, values=tuple(draw(st.lists(st.sampled_from([*some, None]), max_size=3))))
        if kind == "range":
            return Filter(place, kind, low=draw(ends(column, some)), high=draw(ends(column, some)))
        return Filter(place, kind)

    return made()


def ends(column: Plain, some: list[str]) -> st.SearchStrategy[str]:
    """Ends of a range, some of them open, some between what is there."""
    values = st.sampled_from(some)
    if column.kind == "number":
        exact = values.map(lambda text: text.replace(",", ""))
        return st.one_of(st.just(""), exact, exact.map(lambda text: f"{Decimal(text) + Decimal('0.0000001'):f}"))
    cut = st.sampled_from([4, 7, 10, 16, 19, 26])
    return st.one_of(st.just(""), st.tuples(values, cut).map(lambda pair: pair[0][: pair[1]]))
