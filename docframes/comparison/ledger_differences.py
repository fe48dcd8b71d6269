"""What differs between two ledgers, and how it says so."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from docframes.tables import html
from docframes.words import count, money

_FRAMES = ("appeared", "vanished", "moved", "changed", "cells", "closed", "check", "everywhere")


@dataclass(frozen=True, repr=False, eq=False)
class LedgerDifferences:
    """What :func:`docframes.diff` finds between two ledgers.  True where a line or a column differs.

    A line is in one of ``appeared``, ``vanished``, ``moved`` and ``changed`` at most.  These have the ledger's own
    columns, ``source_line`` among them, then ours, ``in_closed`` last: whether a closed period is touched.  A name of
    ours that the ledger has too gets an underscore after it.  Dtypes are those that ``gl.sql`` gives; amounts are exact
    decimals.

    appeared, vanished : lines of the new ledger that the old one lacks, and the other way round.
    moved : lines of which no more than date, period or year differ (and when and by whom that was done): as they are
    now, then ``old_date``, ``old_period``, ``old_year`` (where they are played) and ``old_source_line``.
    changed : lines, paired by their number, of which anything else differs: as they are now, then ``columns`` (those
    that differ), ``difference`` (amount now - then), and what ``moved`` has.
    cells : one row per column of a moved or changed line that differs: what it was paired by, ``column``, ``old`` and
    ``new`` as exact text, ``old_source_line``, ``source_line``.
    closed : one row per line that touches a closed period: ``what`` happened, in words, ``effect`` (what it adds to the
    sum of closed periods, exact), then the columns of both ledgers: as they are now, of a line that vanished as they
    were; then what ``moved`` has.
    check : one row per currency and side (amounts above zero are debit): ``old_lines``, ``new_lines``, ``old_total``,
    ``appeared``, ``vanished``, ``changed``, ``new_total``, and ``unexplained``, new_total - (old_total + appeared -
    vanished + changed), which is zero.  Totals are added up over all lines, apart from the differences.
    everywhere : columns, of no role, that have one value in all of the old ledger and another in all of the new one:
    ``column``, ``old``, ``new``.  They are no difference of a line.
    columns_added, columns_removed : columns of one ledger only, or of another kind in each; they are not compared.
    same : lines that are the same.  renumbered : those of them whose number alone is another.
    """

    name: str
    appeared: pd.DataFrame
    vanished: pd.DataFrame
    moved: pd.DataFrame
    changed: pd.DataFrame
    cells: pd.DataFrame
    closed: pd.DataFrame
    check: pd.DataFrame
    everywhere: pd.DataFrame
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    same: int
    renumbered: int
    #: Whether a period was said to be closed.
    any_closed: bool

    def __bool__(self) -> bool:
        lines = len(self.appeared) + len(self.vanished) + len(self.moved) + len(self.changed)
        return bool(lines or self.columns_added or self.columns_removed)

    def __repr__(self) -> str:
        return f"LedgerDifferences {self.name}: {'; '.join(self._facts())}"

    def _repr_html_(self) -> str:
        title = html.titled(f"LedgerDifferences {self.name}", self._facts())
        return title + html.frames({name: getattr(self, name) for name in _FRAMES})

    def _facts(self) -> list[str]:
        frames = {name: len(getattr(self, name)) for name in ("appeared", "vanished", "moved", "changed")}
        told = [f"{lines:,} {what}" for what, lines in frames.items() if lines]
        facts = [", ".join(told) or "no line differs"]
        if self.any_closed:
            facts.append(f"{len(self.closed):,} of them in closed periods" if told else "closed periods as they were")
        same = f"{count(self.same, 'line')} the same"
        facts.append(f"{same}, {self.renumbered:,} of them numbered anew" if self.renumbered else same)
        for names, what in ((self.columns_added, "added"), (self.columns_removed, "removed")):
            if names:
                facts.append(f"{count(len(names), 'column')} {what} ({', '.join(names)})")
        return [*facts, self._explained()]

    def _explained(self) -> str:
        gaps = [abs(gap) for gap in self.check["unexplained"] if gap]
        return f"NOT explained by {money(sum(gaps, Decimal(0)))}" if gaps else "totals explained to 0.00"
