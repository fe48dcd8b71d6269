"""What a load found otherwise than the one it continues, and the two as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Changes:
    """What a load with ``updated_after="last"`` found otherwise than the load that it continues.

    Keys are what the Table tells rows apart by: plain values, or tuples where it takes several columns.
    ``frame[frame["job_id"].isin(changes.changed)]`` shows the rows.
    """

    since: datetime | None  #: by the vendor's clock; None where the older load had no moment to go on from
    added: tuple[Any, ...]  #: keys of rows that were not there
    changed: tuple[Any, ...]  #: keys of rows of which at least one value is another
    unchanged: int  #: rows that are as they were, whether or not they came again
    removed: tuple[Any, ...] = ()  #: keys of rows that are gone; known only where every row was loaded again

    def __str__(self) -> str:
        counts = {"added": self.added, "changed": self.changed, "removed": self.removed}
        told = ", ".join(f"{len(keys):,} {what}" for what, keys in counts.items() if keys) or "nothing changed"
        return f"{told} since {f'{self.since:%Y-%m-%d %H:%M} UTC' if self.since else 'the load before'}"

    def __repr__(self) -> str:
        return f"Changes {self}"

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any] | None) -> Changes | None:
        """Changes from their plain values, as JSON has them."""
        if facts is None:
            return None
        # JSON has lists where keys of several columns are tuples.
        keys = {
            name: tuple(tuple(key) if isinstance(key, list) else key for key in facts[name])
            for name in ("added", "changed", "removed")
        }
        since = facts["since"] if facts["since"] is None else datetime.fromisoformat(facts["since"])
        return cls(**{**facts, **keys, "since": since})


def has_keys(table: pa.Table, key: Sequence[str]) -> bool:
    """Whether each row can be told from the others: none lacks its key.  That none stands twice is the caller's."""
    return all(table[name].null_count == 0 for name in key)


def merged(old: pa.Table, new: pa.Table, key: Sequence[str]) -> pa.Table:
    """*old* with the rows of *new*: in the place of their older copy, or after all others.  Columns of either stay."""
    places = _places(old, new, key)
    known = np.flatnonzero(places >= 0)
    rows = np.arange(old.num_rows)
    rows[places[known]] = old.num_rows + known
    rows = np.concatenate([rows, old.num_rows + np.flatnonzero(places < 0)])
    return _both(old, new).take(pa.array(rows))


def compare(old: pa.Table, new: pa.Table, key: Sequence[str], since: datetime | None, *, whole: bool) -> Changes:
    """What *new* has otherwise than *old*, value by value; *whole*: it has every row, so that what it lacks is gone.

    A column that one of them lacks counts as empty there.
    """
    places = _places(old, new, key)
    known = np.flatnonzero(places >= 0)
    both = _both(old, new)
    other = _differ(both.take(pa.array(places[known])), both.take(pa.array(old.num_rows + known)))
    added, changed = np.flatnonzero(places < 0), known[other]
    gone = np.setdiff1d(np.arange(old.num_rows), places[known]) if whole else np.array([], np.int64)
    return Changes(
        since,
        added=_keys(new, key, added),
        changed=_keys(new, key, changed),
        unchanged=old.num_rows - len(gone) - len(changed),
        removed=_keys(old, key, gone),
    )


def _places(old: pa.Table, new: pa.Table, key: Sequence[str]) -> np.ndarray:
    """The row of *old* that has the key of each row of *new*; -1 where none has."""
    index = pd.MultiIndex.from_frame(old.select(key).to_pandas())
    return np.asarray(index.get_indexer(pd.MultiIndex.from_frame(new.select(key).to_pandas())))


def _both(old: pa.Table, new: pa.Table) -> pa.Table:
    """One below the other; columns of *old*, then those of *new* alone, and values as sent last, as in any frame."""
    both = pa.concat_tables([old, new], promote_options="default")
    as_sent = [name for name in both.column_names if name.endswith("_as_sent")]
    return both.select([name for name in both.column_names if name not in as_sent] + as_sent).combine_chunks()


def _differ(old: pa.Table, new: pa.Table) -> np.ndarray:
    """For each row, whether any value is another."""
    differ = np.zeros(old.num_rows, bool)
    for before, after in zip(old.columns, new.columns, strict=True):
        other = pc.or_(
            pc.fill_null(pc.not_equal(before, after), False),
            pc.xor(pc.is_null(before), pc.is_null(after)),
        )
        differ |= other.to_numpy()
    return differ


def _keys(table: pa.Table, key: Sequence[str], rows: np.ndarray) -> tuple[Any, ...]:
    columns = [table[name].take(pa.array(rows)).to_pylist() for name in key]
    return tuple(columns[0]) if len(columns) == 1 else tuple(zip(*columns, strict=True))
