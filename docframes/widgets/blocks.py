"""Rows that come in blocks, searched, sorted, counted and paged: what a frame and a ledger's store have in common."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from docframes.errors import ConfigError
from docframes.widgets.columns import ColumnInfo, Field, Page
from docframes.widgets.formats import Shape, cells, is_json, wholes
from docframes.widgets.matching import Block, Mask, asked, matching
from docframes.widgets.query import Query, check
from docframes.widgets.sorting import WORKERS, argsort, slim

Positions: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Sort: TypeAlias = tuple[tuple[int, bool], ...]

_MANY = 1_000_000  # distinct values of a column from which counts are added up between blocks

A = TypeVar("A")
B = TypeVar("B")


class BlockRows(ABC):
    """The rows of :class:`docframes.widgets.rows.Rows`, for whoever can give columns block by block.

    The rows that match the last query, and their order, are kept as four bytes a row.  Several threads may ask at once:
    one is answered after the other.
    """

    def __init__(self, total: int, infos: Sequence[ColumnInfo], shapes: Sequence[Shape], shown: int) -> None:
        self.columns = list(infos[:shown])
        self.total = total
        self._infos = list(infos)
        self._shapes = list(shapes)
        self._lock = threading.RLock()
        self._matched: tuple[object, Positions | None] = (Query(), None)
        self._ordered: tuple[object, Positions | None] = (Query(), None)

    # --- what a kind of rows has to give ------------------------------------------------------------------------------

    @abstractmethod
    def _blocks(self, columns: Sequence[int]) -> Iterator[tuple[int, Block]]:
        """The number of rows of each block, and the arrays of *columns*, in the order of the rows."""

    @abstractmethod
    def _take(self, columns: Sequence[int], positions: Positions) -> list[pa.Array]:
        """The values of *columns* in a few rows."""

    @abstractmethod
    def _frame(self, positions: Positions | None) -> pd.DataFrame:
        """These rows as a frame; None is all."""

    # --- answers ------------------------------------------------------------------------------------------------------

    def count(self, query: Query) -> int:
        """How many rows match."""
        with self._lock:
            found = self._found(query)
            return self.total if found is None else len(found)

    def page(self, query: Query, start: int, count: int) -> Page:
        """At most *count* rows of the answer, from *start* on; none beyond its end."""
        start, count = max(0, start), max(0, count)
        with self._lock:
            found = self._in_order(query)
            matched = self.total if found is None else len(found)
            places = np.arange(min(start, matched), min(start + count, matched))
            part = places if found is None else found[places]
            arrays = self._take(range(len(self.columns)), part)
            shown = [cells(array, shape) for array, shape in zip(arrays, self._shapes, strict=False)]
        rows = [list(row) for row in zip(*shown, strict=True)] if shown else [[] for _ in part]
        return Page(start, part.tolist(), rows)

    def record(self, position: int) -> list[Field]:
        """Every value of one row, whole: those that are shown, then the columns that are not."""
        with self._lock:
            arrays = self._take(range(len(self._infos)), self._checked([position]))
        found = []
        for info, shape, array in zip(self._infos, self._shapes, arrays, strict=True):
            text = wholes(array, shape)[0]
            found.append(Field(info.name, text, info.kind, shape.kind in ("text", "other") and is_json(text)))
        return found

    def values(self, column: int, query: Query, limit: int = 200) -> tuple[list[tuple[str | None, int]], bool]:
        """The most frequent values of *column*, whole, with their counts, and whether there are more of them.

        Only rows count that match all of *query* but what it asks of this column.  Values that are equally frequent
        stand in the order in which they appear.
        """
        rest = query.without(column)
        with self._lock:
            check(rest, self.columns)
            values, numbers, more = self._most_frequent(column, rest, limit)
        told = wholes(values, self._shapes[column])
        return list(zip(told, numbers.tolist(), strict=True)), more

    def frame(self, positions: Sequence[int] | None = None, query: Query | None = None) -> pd.DataFrame:
        """These rows, or all that match *query* in its order, or all there are; with every column."""
        with self._lock:
            if positions is not None:
                return self._frame(self._checked(positions))
            return self._frame(None if query is None else self._in_order(query))

    def _checked(self, positions: Sequence[int]) -> Positions:
        found = np.asarray(positions, dtype=np.int64)
        if found.size and (found.min() < 0 or found.max() >= self.total):
            wrong = found[(found < 0) | (found >= self.total)][0]
            raise ConfigError(f"There is no row {wrong}; there are {self.total:,}, from 0.")
        return found

    # --- which rows, in which order -----------------------------------------------------------------------------------

    def _found(self, query: Query) -> Positions | None:
        """The rows that match, in the order of the whole; None is all."""
        key = (query.words, query.filters)
        if not query.words and not query.filters:
            return None
        if self._matched[0] != key:
            check(query, self.columns)
            blocks = self._blocks(asked(query, self._shapes))
            masks = side_by_side(lambda block: matching(block[1], block[0], query, self._shapes), blocks)
            self._matched = key, _positions(masks, self.total)
        return self._matched[1]

    def _in_order(self, query: Query) -> Positions | None:
        check(query, self.columns)
        if not query.sort:
            return self._found(query)
        key = (query.words, query.filters, query.sort)
        if self._ordered[0] != key:
            self._ordered = key, self._sorted(self._found(query), query.sort)
        return self._ordered[1]

    def _sorted(self, found: Positions | None, sort: Sort) -> Positions:
        """The rows found, in order: by the last column first, since each sort keeps what the one before has done."""
        (column, descending), *others = reversed(sort)
        order = argsort(self._keys(column, found), descending)
        for column, descending in others:
            order = order[argsort(self._keys(column, found).take(pa.array(order)), descending)]
        return order.astype(_kind(self.total)) if found is None else found[order]

    def _keys(self, column: int, positions: Positions | None) -> pa.Array:
        """What puts these rows in the order of a column."""
        pieces = [slim(piece) for piece in self._pieces(column, positions)]
        if len({piece.type for piece in pieces}) > 1:
            pieces = list(self._pieces(column, positions))
        return joined(pa.chunked_array(pieces)) if pieces else self._take([column], np.zeros(0, np.int64))[0]

    # --- values of a column -------------------------------------------------------------------------------------------

    def _pieces(self, column: int, positions: Positions | None) -> Iterator[pa.Array]:
        """The values of a column in these rows, which are in the order of the whole, block by block; None is all."""
        begin = 0
        for rows, block in self._blocks([column]):
            if positions is None:
                yield block[column]
            else:
                first, last = np.searchsorted(positions, [begin, begin + rows])
                yield block[column].take(pa.array(positions[first:last].astype(np.int64) - begin))
            begin += rows

    def _most_frequent(self, column: int, rest: Query, limit: int) -> tuple[pa.Array, Numbers, bool]:
        counts = _Counts()
        for values in self._left(column, rest):
            counts.add(values)
        values, numbers = counts.result()
        order = np.argsort(-numbers, kind="stable")[:limit]
        return values.take(pa.array(order)), numbers[order], len(numbers) > limit

    def _left(self, column: int, rest: Query) -> Iterator[pa.Array]:
        """The values of *column* in the rows that match, block by block."""
        known = rest == Query() or self._matched[0] == (rest.words, rest.filters)
        if known:
            return self._pieces(column, None if rest == Query() else self._matched[1])
        wanted = asked(rest, self._shapes)

        def left(block: tuple[int, Block]) -> pa.Array:
            rows, arrays = block
            mask = matching({place: arrays[place] for place in wanted}, rows, rest, self._shapes)
            return arrays[column].filter(pa.array(mask))

        return side_by_side(left, self._blocks(sorted({*wanted, column})))


class _Counts:
    """How often each value came, in the order of their first appearance."""

    def __init__(self) -> None:
        self._values: list[pa.Array] = []
        self._numbers: list[Numbers] = []
        self._waiting = 0

    def add(self, values: pa.Array) -> None:
        """Count the values of one block."""
        counted = pc.value_counts(values)
        names = counted.field("values")
        self._values.append(names.dictionary_decode() if pa.types.is_dictionary(names.type) else names)
        self._numbers.append(counted.field("counts").to_numpy())
        self._waiting += len(names)
        if self._waiting > _MANY:
            self._join()

    def _join(self) -> None:
        coded = joined(pa.chunked_array(self._values)).dictionary_encode(null_encoding="encode")
        numbers = np.zeros(len(coded.dictionary), np.int64)
        np.add.at(numbers, coded.indices.to_numpy(), np.concatenate(self._numbers))
        self._values, self._numbers, self._waiting = [coded.dictionary], [numbers], 0

    def result(self) -> tuple[pa.Array, Numbers]:
        """The distinct values, and how often each came."""
        if not self._values:
            return pa.array([], pa.string()), np.zeros(0, np.int64)
        self._join()
        return self._values[0], self._numbers[0]


def joined(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The pieces of a column as one array; without a copy where it is one."""
    if isinstance(values, pa.Array):
        return values
    if values.num_chunks == 1:
        return values.chunk(0)
    if pa.types.is_dictionary(values.type):
        values = values.unify_dictionaries()
    # More than two gigabytes of text need long offsets.
    whole = values.cast(pa.large_string()) if pa.types.is_string(values.type) else values
    made = whole.combine_chunks()
    return made if isinstance(made, pa.Array) else pa.concat_arrays(made.chunks)


def side_by_side(work: Callable[[A], B], things: Iterable[A]) -> Iterator[B]:
    """What *work* makes of each of *things*, in order, on several threads; only a few of them wait at a time."""
    waiting: deque[Future[B]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        for thing in things:
            waiting.append(pool.submit(work, thing))
            if len(waiting) > WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _positions(masks: Iterable[Mask], total: int) -> Positions:
    kind, start = _kind(total), 0
    found = [np.zeros(0, kind)]
    for mask in masks:
        found.append((np.flatnonzero(mask) + start).astype(kind))
        start += len(mask)
    return np.concatenate(found)


def _kind(total: int) -> type[np.unsignedinteger[Any]]:
    return np.uint32 if total < 2**32 else np.uint64
