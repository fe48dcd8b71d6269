"""What differs between two frames, and how it says so."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from docframes.tables import html
from docframes.words import count


@dataclass(frozen=True, repr=False, eq=False)
class Differences:
    """What :func:`docframes.diff` finds between two frames.  True where a row, a cell or a column differs.

    key : the columns that rows are told apart by.  updated_at : the column that announces changes, None where no such
    column was looked at.
    added : rows of the new frame that the old one lacks, whole.  removed : rows of the old frame, likewise.
    changed : one row per changed cell: the key, ``column``, ``old`` and ``new`` as exact text, missing for a missing
    value; in the order of the new frame.
    unannounced : those of them in rows whose ``updated_at`` is no later than before.
    unsure : one row per row without a key of its own: the key, ``frame`` ("old" or "new"), ``row`` (position from 0),
    ``reason`` ("missing" or "repeated").  Such rows are compared whole, and stand in ``added`` and ``removed`` where
    the other frame has no equal row left.
    dtype_changes : one row per column of another dtype: ``column``, ``old``, ``new``.  Equal values of another dtype
    are no changed cells.
    columns_added, columns_removed : columns of the one frame only, whose cells are not compared.
    same : rows that are equal in both.  rows_changed, rows_unannounced : rows that such cells stand in.
    """

    key: tuple[str, ...]
    updated_at: str | None
    added: pd.DataFrame
    removed: pd.DataFrame
    changed: pd.DataFrame
    unannounced: pd.DataFrame
    unsure: pd.DataFrame
    dtype_changes: pd.DataFrame
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    same: int
    rows_changed: int
    rows_unannounced: int

    def __bool__(self) -> bool:
        rows = len(self.added) + len(self.removed) + len(self.changed)
        return bool(rows or self.columns_added or self.columns_removed)

    def __repr__(self) -> str:
        return f"Differences: {'; '.join(self._facts())}"

    def _repr_html_(self) -> str:
        names = ("added", "removed", "changed", "unannounced", "unsure", "dtype_changes")
        return html.titled("Differences", self._facts()) + html.frames({name: getattr(self, name) for name in names})

    def _facts(self) -> list[str]:
        facts = [self._rows()]
        columns = [
            (self.columns_added, "added"),
            (self.columns_removed, "removed"),
            (tuple(self.dtype_changes["column"]), "of another dtype"),
        ]
        facts += [f"{count(len(names), 'column')} {what} ({', '.join(names)})" for names, what in columns if names]
        if len(self.unsure):
            facts.append(f"{count(len(self.unsure), 'row')} without a key of their own, compared whole")
        return [*facts, f"{count(self.same, 'row')} the same"]

    def _rows(self) -> str:
        told = [
            f"{len(rows):,} {what}" for rows, what in ((self.added, "added"), (self.removed, "removed")) if len(rows)
        ]
        if len(self.changed):
            told.append(f"{count(len(self.changed), 'cell')} changed in {count(self.rows_changed, 'row')}")
        if self.rows_unannounced:
            told.append(f"{self.rows_unannounced:,} of them without {self.updated_at} having moved")
        return ", ".join(told) or "no row differs"
