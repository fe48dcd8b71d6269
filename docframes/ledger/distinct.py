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

#: Ids that are held at once.  Beyond it the finished file is read again, once for each so many.
BUDGET = 4_000_000

Counts = tuple[Counter[str | None], int]
_Ids = dict[str | None, list[pa.Array]]


class Distinct:
    """Counts transactions, by currency and in all.  A line without an id belongs to none."""

    def __init__(self) -> None:
        self._held: _Ids | None = defaultdict(list)
        self._seen = 0

    def add(self, currency: pa.Array, ids: pa.Array) -> None:
        """Take some lines."""
        for key, different in _different(currency, ids):
            self._seen += len(different)
            if self._held is not None:
                self._held[key].append(different)
        if self._seen > BUDGET:
            self._held = None

    def count(self, path: Path) -> Counts:
        """Different ids of each currency, and of all.  path : the finished file of the same lines."""
        if self._held is not None:
            return _count(self._held)
        parts = math.ceil(self._seen / BUDGET)
        by_currency: Counter[str | None] = Counter()
        total = 0
        for part in range(parts):
            # An id is in one part only, so the counts add up.
            some, of_all = _count(_again(path, part, parts))
            by_currency += some
            total += of_all
        return by_currency, total


def _different(currency: pa.Array, ids: pa.Array) -> Iterator[tuple[str | None, pa.Array]]:
    """Each currency with the different ids on its lines."""
    kinds = currency.unique()
    for kind in kinds:
        key = kind.as_py()
        of_kind = pc.is_null(currency) if key is None else pc.equal(currency, kind)
        yield key, (ids if len(kinds) == 1 else ids.filter(of_kind)).unique().drop_null().cast(TEXT)


def _count(held: _Ids) -> Counts:
    by_currency = Counter({key: _number(ids) for key, ids in held.items()})
    together = [some for ids in held.values() for some in ids]
    return by_currency, by_currency.total() if len(held) < 2 else _number(together)


def _number(ids: list[pa.Array]) -> int:
    return int(pc.count_distinct(pa.chunked_array(ids, TEXT)).as_py())


def _again(path: Path, part: int, parts: int) -> _Ids:
    """The ids of the finished file that belong to one part."""
    from pyarrow import parquet

    held: _Ids = defaultdict(list)
    with parquet.ParquetFile(path) as file:
        wanted = [name for name in ("currency", "transaction") if name in file.schema_arrow.names]
        for number in range(file.num_row_groups):
            for some in file.read_row_group(number, wanted).to_batches():
                currency = some["currency"] if "currency" in wanted else pa.nulls(some.num_rows, TEXT)
                for key, ids in _different(currency, some["transaction"]):
                    held[key].append(ids.filter(pa.array(_part(ids, parts) == part)))
    return held


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
