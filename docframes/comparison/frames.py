"""Two frames, row by row and cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from docframes.comparison.differences import Differences
from docframes.comparison.keys import Matched, matched
from docframes.comparison.values import alike, differ, texts
from docframes.errors import ColumnError, ConfigError
from docframes.tables.loads import load_record

UPDATED_AT = "updated_at"


def diff_frames(
    old: pd.DataFrame, new: pd.DataFrame, key: Sequence[str], *, ignore: Sequence[str], updated_at: str | None
) -> Differences:
    """What :func:`docframes.diff` promises of two frames."""
    _check(old, new, key, ignore, updated_at)
    before, after = ([name for name in frame.columns if name not in ignore] for frame in (old, new))
    compared = [name for name in after if name in before]
    rows = matched(old, new, key, compared)
    cells = _cells(old, new, rows, [name for name in compared if name not in key])
    changed = _changed_frame(old, new, key, rows, cells)
    in_row = _in_order(cells)[0]
    watched = updated_at if updated_at in old.columns and updated_at in new.columns else None
    silent = _silent(old, new, rows, watched)[in_row]
    return Differences(
        key=tuple(key),
        updated_at=watched,
        added=new.iloc[rows.added],
        removed=old.iloc[rows.removed],
        changed=changed,
        unannounced=changed[silent].reset_index(drop=True),
        unsure=_unsure_frame(old, new, key, rows),
        dtype_changes=_dtype_changes(old, new, compared),
        columns_added=tuple(str(name) for name in after if name not in before),
        columns_removed=tuple(str(name) for name in before if name not in after),
        same=len(rows.new) - len(np.unique(in_row)) + rows.equal,
        rows_changed=len(np.unique(in_row)),
        rows_unannounced=len(np.unique(in_row[silent])),
    )


def declared_key(old: pd.DataFrame, new: pd.DataFrame) -> tuple[str, ...]:
    """The key that the Table of both loads declares.  Raises ConfigError where they declare none, or not the same."""
    try:
        tables = [load_record(frame).declared for frame in (old, new)]
    except ConfigError as error:
        msg = "key=None takes the key that both frames were loaded with, and one of them does not say how it was loaded"
        raise ConfigError(f"{msg}. Name the columns that tell rows apart: diff(old, new, 'id').") from error
    keys = [table.key if table is not None else () for table in tables]
    if not keys[0] or keys[0] != keys[1]:
        told = " and ".join(str(list(key)) for key in keys)
        raise ConfigError(f"The frames declare the keys {told}. Name the columns that tell rows apart: key=[...].")
    return keys[0]


def _check(
    old: pd.DataFrame, new: pd.DataFrame, key: Sequence[str], ignore: Sequence[str], updated_at: str | None
) -> None:
    for name, frame in (("old", old), ("new", new)):
        twice = sorted({str(column) for column in frame.columns[frame.columns.duplicated()]})
        if twice:
            raise ConfigError(f"The {name} frame has several columns {', '.join(twice)}. Rename them to compare them.")
        missing = [column for column in key if column not in frame.columns]
        if missing:
            msg = f"The key {list(key)} is wanted in both frames; the {name} one has {list(map(str, frame.columns))}. "
            raise ColumnError(msg + "Name others with key=, or make an index a column with reset_index().")
    wanted = [*ignore, *([updated_at] if updated_at not in (None, UPDATED_AT) else [])]
    unknown = [name for name in wanted if name not in old.columns and name not in new.columns]
    if unknown:
        msg = f"Neither frame has the column {', '.join(map(repr, unknown))} of ignore or updated_at. "
        raise ColumnError(msg + f"The columns are: {', '.join(map(str, new.columns))}.")
    if not key or set(key) & set(ignore):
        raise ConfigError(f"key names one column at least, and none of ignore; {list(key)} and {list(ignore)} came.")


#: For one column: its name, and the places in ``Matched.new`` where it differs.
Cells = list[tuple[str, np.ndarray]]


def _cells(old: pd.DataFrame, new: pd.DataFrame, rows: Matched, columns: Sequence[str]) -> Cells:
    found = ((name, np.flatnonzero(differ(*_beside(old, new, rows, name)))) for name in columns)
    return [(name, places) for name, places in found if len(places)]


def _beside(old: pd.DataFrame, new: pd.DataFrame, rows: Matched, name: str) -> tuple[pa.Array, pa.Array]:
    left, right = alike(old[name], new[name])
    return _taken(left, rows.old), _taken(right, rows.new)


def _taken(array: pa.Array, rows: np.ndarray) -> pa.Array:
    if len(rows) == len(array) and np.array_equal(rows, np.arange(len(rows))):
        return array
    return array.take(pa.array(rows))


def _in_order(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """The places of all cells, row by row, and the order that makes them so."""
    places = np.concatenate([np.zeros(0, np.int64), *(some for _, some in cells)])
    order = np.argsort(places, kind="stable")
    return places[order], order


def _changed_frame(
    old: pd.DataFrame, new: pd.DataFrame, key: Sequence[str], rows: Matched, cells: Cells
) -> pd.DataFrame:
    places, order = _in_order(cells)
    told: dict[str, list[str | None]] = {
        "column": [str(name) for name, some in cells for _ in range(len(some))],
        "old": [text for name, some in cells for text in texts(old[name].iloc[rows.old[some]])],
        "new": [text for name, some in cells for text in texts(new[name].iloc[rows.new[some]])],
    }
    arrays = {name: _text_array(values).take(order) for name, values in told.items()}
    return _beside_key(new, key, rows.new[places], arrays)


def _text_array(values: Sequence[str | None]) -> Any:
    return pd.array(values, dtype="str")


def _beside_key(frame: pd.DataFrame, key: Sequence[str], rows: np.ndarray, told: dict[str, Any]) -> pd.DataFrame:
    """The key of these rows, and what is told of them.  A name that the key has too gets an underscore after it."""
    beside = frame[list(key)].iloc[rows].reset_index(drop=True)
    # A load's record tells of the frame that was loaded, and of no other.
    beside.attrs = {}
    for name, values in told.items():
        beside[_free(name, key)] = values
    return beside


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _silent(old: pd.DataFrame, new: pd.DataFrame, rows: Matched, updated_at: str | None) -> np.ndarray:
    """For each pair of rows, whether nothing announces a change of it.

    A moment or number that is no later than before announces nothing, for who asks for what is later will not see it.
    """
    if updated_at is None:
        return np.zeros(len(rows.new), bool)
    left, right = _beside(old, new, rows, updated_at)
    moved = differ(left, right)
    if pa.types.is_large_string(left.type):
        return ~moved
    earlier = pc.or_(pc.fill_null(pc.less(right, left), False), pc.is_null(right))
    return np.asarray(~moved | earlier.to_numpy(zero_copy_only=False))


def _unsure_frame(old: pd.DataFrame, new: pd.DataFrame, key: Sequence[str], rows: Matched) -> pd.DataFrame:
    parts = []
    for side, frame, (places, reasons) in zip(("old", "new"), (old, new), rows.unsure, strict=True):
        told = {"frame": _text_array([side] * len(places)), "row": places, "reason": _text_array(list(reasons))}
        parts.append(_beside_key(frame, key, places, told))
    return pd.concat(parts, ignore_index=True)


def _dtype_changes(old: pd.DataFrame, new: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    found = [(str(name), _called(old[name]), _called(new[name])) for name in columns]
    return pd.DataFrame([row for row in found if row[1] != row[2]], columns=["column", "old", "new"], dtype="str")


def _called(column: pd.Series[Any]) -> str:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        return f"category ({' < '.join(map(str, dtype.categories))})"
    return str(dtype)
