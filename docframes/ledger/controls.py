"""Control totals: exact, per currency, added up batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from docframes.ledger.rows import TEXT
from docframes.ledger.signs import difference, is_credit


@dataclass(frozen=True)
class ControlTotals:
    """The whole ledger in a line.  Amounts of several currencies are added as they stand, to compare with a file's own
    totals; they are no sum of money.

    transactions : different ones, None when no column plays the role.  difference : debit - credit.
    first_date, last_date : of the role ``date``, placeholders left out; None without any date.
    """

    lines: int
    transactions: int | None
    debit: Decimal
    credit: Decimal
    difference: Decimal
    first_date: datetime | None
    last_date: datetime | None


@dataclass
class _Sums:
    lines: int = 0
    debit: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, lines: int, debit: Decimal, credit: Decimal, first: datetime | None, last: datetime | None) -> None:
        self.lines += lines
        self.debit += debit
        self.credit += credit
        self.first = min((day for day in (self.first, first) if day), default=None)
        self.last = max((day for day in (self.last, last) if day), default=None)


@dataclass
class Tally:
    """Adds up tables of transactions.

    debit and credit are what the file says of sides: by its debit and credit columns, by its indicator, else by the
    sign.  A negative debit lowers the debits.  Lines whose columns contradict their amount count by its sign, so
    that debit - credit is always the sum of the amounts.
    """

    scale: int = 6
    _sums: dict[str | None, _Sums] = field(default_factory=dict)
    _ids: dict[str | None, list[pa.Array]] = field(default_factory=dict)
    _counts: dict[tuple[str | None, ...], int | None] = field(default_factory=dict)

    def add(self, table: pa.Table) -> None:
        """Add the lines of *table*, whose columns are named by role."""
        self._counts.clear()
        for batch in table.to_batches():
            self._add(batch)

    def _add(self, batch: pa.RecordBatch) -> None:
        debit, credit = sides(batch)
        names = set(batch.schema.names)
        currency = batch["currency"] if "currency" in names else pa.nulls(batch.num_rows, TEXT)
        facts = pa.table({"currency": currency, "debit": debit, "credit": credit, "date": batch["date"]})
        wanted: list[Any] = [
            ("debit", "sum"),
            ("credit", "sum"),
            ("date", "min"),
            ("date", "max"),
            ([], "count_all"),
        ]
        rows = facts.group_by("currency").aggregate(wanted).to_pylist()
        for row in rows:
            key = row["currency"]
            sums = self._sums.setdefault(key, _Sums())
            sums.add(row["count_all"], row["debit_sum"], row["credit_sum"], row["date_min"], row["date_max"])
            if "transaction" in names:
                ids = batch["transaction"]
                if len(rows) > 1:
                    ids = ids.filter(pc.is_null(currency) if key is None else pc.equal(currency, key))
                self._ids.setdefault(key, []).append(ids.unique())

    def frame(self) -> pd.DataFrame:
        """``gl.controls``: one row per currency, in their order, lines without one last; empty without lines."""
        keys = sorted(self._sums, key=lambda key: (key is None, key or ""))
        sums = [self._sums[key] for key in keys]
        money = pd.ArrowDtype(pa.decimal128(38, self.scale))
        return pd.DataFrame(
            {
                "currency": pd.Series(keys, dtype="str"),
                "lines": pd.Series([one.lines for one in sums], dtype="int64"),
                "transactions": pd.Series([self._transactions(key) for key in keys], dtype="Int64"),
                "debit": pd.Series([one.debit for one in sums], dtype=money),
                "credit": pd.Series([one.credit for one in sums], dtype=money),
                "difference": pd.Series([one.debit - one.credit for one in sums], dtype=money),
                "first_date": pd.Series([one.first for one in sums], dtype="datetime64[us]"),
                "last_date": pd.Series([one.last for one in sums], dtype="datetime64[us]"),
            }
        )

    def totals(self) -> ControlTotals:
        """The same over all currencies."""
        whole = _Sums()
        for one in self._sums.values():
            whole.add(one.lines, one.debit, one.credit, one.first, one.last)
        count = self._transactions(*self._sums) if self._sums else 0
        gap = whole.debit - whole.credit
        return ControlTotals(whole.lines, count, whole.debit, whole.credit, gap, whole.first, whole.last)

    def _transactions(self, *keys: str | None) -> int | None:
        """Different transactions with a line in one of the currencies; None when no column plays the role."""
        if keys not in self._counts:
            ids = [some for key in keys for some in self._ids.get(key, [])]
            self._counts[keys] = int(pc.count_distinct(pa.chunked_array(ids)).as_py()) if ids else None
        return self._counts[keys]


def sides(batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
    """Debit and credit of each line, whose difference is its amount; nothing is missing."""
    amount = pc.fill_null(batch["amount"], 0)
    names = set(batch.schema.names)
    zero = pa.scalar(0).cast(amount.type)
    debit = pc.if_else(pc.greater(amount, zero), amount, zero)
    credit = pc.if_else(pc.less(amount, zero), pc.negate(amount), zero)
    if {"debit", "credit"} <= names:
        agrees = pc.equal(pc.fill_null(difference(_pair(batch)), 0), amount)
        debit = pc.if_else(agrees, pc.fill_null(batch["debit"], 0), debit)
        credit = pc.if_else(agrees, pc.fill_null(batch["credit"], 0), credit)
    elif "indicator" in names:
        is_on_credit = pc.fill_null(is_credit(batch["indicator"]), False)
        debit = pc.if_else(is_on_credit, zero, amount)
        credit = pc.if_else(is_on_credit, pc.negate(amount), zero)
    return debit, credit


def _pair(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    names: Sequence[str] = ("debit", "credit")
    return {name: batch[name] for name in names}
