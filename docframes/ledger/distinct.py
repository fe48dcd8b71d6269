"""How many different transactions there are: exact, and in bounded memory."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from docframes.ledger.rows import TEXT

#: Ids of one kind that are held while the ledger is read.
HELD = 1_000_000
#: Ids that are counted at once, where the finished file has to be read again for them.
AT_ONCE = 4_000_000

Counts = tuple[Counter[str | None], int]
_Ids = dict[str | None, list[pa.Array]]


class Distinct:
    """Counts transactions, by currency and in all.  A line without an id belongs to none."""

    def __init__(self) -> None:
        self._kinds: dict[str | None, _Kind] = defaultdict(_Kind)
        self._all = _Kind()

    def add(self, currency: pa.Array, ids: pa.Array) -> None:
        """Take some lines."""
        different = _unique(ids)
        self._all.add(different)
        for key, of_kind in _by_kind(currency, ids):
            self._kinds[key].add(different if len(of_kind) == len(ids) else _unique(of_kind))

    def count(self, path: Path) -> Counts:
        """Different ids of each currency, and of all.  path : the finished file of the same lines."""
        counts = {key: kind.count() for key, kind in self._kinds.items()}
        total = self._all.count()
        if total is not None and all(count is not None for count in counts.values()):
            return Counter({key: count for key, count in counts.items() if count is not None}), total
        return _count_again(path, math.ceil(self._all.seen / AT_ONCE))


class _Kind:
    """The ids of one kind, as they come: counted on the way where they come in order, as most ledgers have them.

    Ids are in order where each piece begins with the last id before it or a higher one, a longer one being higher; then
    none can come again.  Otherwise they are held, up to a limit.
    """

    def __init__(self) -> None:
        self.seen = 0
        self._last = (0, "")
        self._in_order = True
        self._again = 0
        self._held: list[pa.Array] | None = []

    def add(self, ids: pa.Array) -> None:
        """Take some ids, each once."""
        if not len(ids):
            return
        first, last = _ends(ids)
        self._again += first == self._last
        self._in_order = self._in_order and first >= self._last
        self._last = max(last, self._last)
        self.seen += len(ids)
        if self._held is not None:
            self._held.append(ids)
            if self.seen > HELD:
                self._held = None

    def count(self) -> int | None:
        """How many different ones; None where that is not known."""
        if self._in_order:
            return self.seen - self._again
        return None if self._held is None else _number(self._held)


def _ends(ids: pa.Array) -> tuple[tuple[int, str], tuple[int, str]]:
    """The lowest and the highest id: the shortest, the first among these; the longest, the last among these."""
    lengths = pc.binary_length(ids)
    found = []
    for at, least in ((pc.min(lengths), True), (pc.max(lengths), False)):
        texts = pc.min_max(ids.filter(pc.equal(lengths, at)))
        found.append((at.as_py(), texts["min" if least else "max"].as_py()))
    return found[0], found[1]


def _unique(ids: pa.Array) -> pa.Array:
    return ids.unique().drop_null().cast(TEXT)


def _by_kind(currency: pa.Array, ids: pa.Array) -> Iterator[tuple[str | None, pa.Array]]:
    kinds = currency.unique()
    for kind in kinds:
        of_kind = pc.is_null(currency) if kind.as_py() is None else pc.equal(currency, kind)
        yield kind.as_py(), ids if len(kinds) == 1 else ids.filter(of_kind)


def _number(ids: list[pa.Array]) -> int:
    return int(pc.count_distinct(pa.chunked_array(ids, TEXT)).as_py())


def _count_again(path: Path, parts: int) -> Counts:
    """Counted from the finished file, in so many parts; an id is in one part only, so the counts add up."""
    by_currency: Counter[str | None] = Counter()
    total = 0
    for part in range(parts):
        held = _read_again(path, part, parts)
        counts = Counter({key: _number(ids) for key, ids in held.items()})
        by_currency += counts
        total += counts.total() if len(held) < 2 else _number([some for ids in held.values() for some in ids])
    return by_currency, total


def _read_again(path: Path, part: int, parts: int) -> _Ids:
    """The ids of one part."""
    from pyarrow import parquet

    held: _Ids = defaultdict(list)
    with parquet.ParquetFile(path) as file:
        wanted = [name for name in ("currency", "transaction") if name in file.schema_arrow.names]
        for number in range(file.num_row_groups):
            some = file.read_row_group(number, wanted)
            currency = _whole(some["currency"]) if "currency" in wanted else pa.nulls(some.num_rows, TEXT)
            for key, of_kind in _by_kind(currency, _whole(some["transaction"])):
                ids = _unique(of_kind)
                held[key].append(ids.filter(pa.array(_part(ids, parts) == part)))
    return held


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.cast(TEXT).chunks or [pa.array([], TEXT)])


def _part(ids: pa.Array, parts: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A number below *parts* for each id, from its last bytes, which differ most."""
    offsets = np.frombuffer(ids.buffers()[1], np.int64)[ids.offset :][: len(ids) + 1]
    data = np.frombuffer(ids.buffers()[2] or b"\0", np.uint8)
    number = np.zeros(len(ids), np.int64)
    for back in range(1, 5):
        place = offsets[1:] - back
        inside = place >= offsets[:-1]
        number = number * 31 + np.where(inside, data[np.where(inside, place, 0)], 0)
    return number % parts
