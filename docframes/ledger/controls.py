"""Control totals: exact, per currency, added up batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from docframes.ledger.distinct import Distinct
from docframes.ledger.rows import TEXT
from docframes.ledger.signs import difference, is_credit
from docframes.ledger.values import PRECISION


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
    transactions: int | None = None
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

    def told(self) -> dict[str, Any]:
        return {
            "lines": self.lines, "transactions": self.transactions,
            "debit": str(self.debit), "credit": str(self.credit),
            "first": self.first and self.first.isoformat(), "last": self.last and self.last.isoformat(),
        }  # fmt: skip


@dataclass
class Tally:
    """Adds up tables of transactions.

    debit and credit are what a line says of its side: by its debit and credit, by its indicator, else by the sign.
    A negative debit lowers the debits.  Lines whose columns contradict their amount count by its sign, so that
    debit - credit is always the sum of the amounts.
    """

    scale: int = 6
    _sums: dict[str | None, _Sums] = field(default_factory=dict)
    _ids: Distinct = field(default_factory=Distinct)
    _whole: int | None = 0

    def add(self, table: pa.Table) -> None:
        """Add the lines of *table*, whose columns are named by role."""
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
        for row in facts.group_by("currency").aggregate(wanted).to_pylist():
            sums = self._sums.setdefault(row["currency"], _Sums())
            sums.add(row["count_all"], row["debit_sum"], row["credit_sum"], row["date_min"], row["date_max"])
        if "transaction" in names:
            self._ids.add(currency, batch["transaction"])
        else:
            self._whole = None

    def finish(self, path: Path) -> None:
        """Count the different transactions of the finished file at *path*."""
        if self._whole is None:
            return
        counts, self._whole = self._ids.count(path)
        for key, sums in self._sums.items():
            sums.transactions = counts[key]

    def rows(self) -> list[dict[str, Any]]:
        """One row per currency, in their order, lines without one last, as texts and numbers."""
        keys = sorted(self._sums, key=lambda key: (key is None, key or ""))
        return [{"currency": key, **self._sums[key].told()} for key in keys]

    def total_row(self) -> dict[str, Any]:
        """The same over all currencies."""
        whole = _Sums(transactions=self._whole)
        for one in self._sums.values():
            whole.add(one.lines, one.debit, one.credit, one.first, one.last)
        return whole.told()


def controls_frame(rows: Sequence[Mapping[str, Any]], scale: int) -> pd.DataFrame:
    """``gl.controls``, of what :meth:`Tally.rows` gave; empty without lines."""
    money = pd.ArrowDtype(pa.decimal128(PRECISION, scale))
    types: dict[str, Any] = {
        "currency": "str", "lines": "int64", "transactions": "Int64", "debit": money, "credit": money,
        "difference": money, "first_date": "datetime64[us]", "last_date": "datetime64[us]",
    }  # fmt: skip
    totals = [vars(totals_of(row)) | {"currency": row["currency"]} for row in rows]
    return pd.DataFrame({name: pd.Series([one[name] for one in totals], dtype=kind) for name, kind in types.items()})


def totals_of(row: Mapping[str, Any]) -> ControlTotals:
    """The totals that a row tells."""
    debit, credit = Decimal(row["debit"]), Decimal(row["credit"])
    first, last = (None if row[name] is None else datetime.fromisoformat(row[name]) for name in ("first", "last"))
    return ControlTotals(row["lines"], row["transactions"], debit, credit, debit - credit, first, last)


def sides(batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
    """Debit and credit of each line, whose difference is its amount; nothing is missing."""
    amount = pc.fill_null(batch["amount"], 0)
    names = set(batch.schema.names)
    zero = pa.scalar(0).cast(amount.type)
    debit = by_sign = pc.if_else(pc.greater(amount, zero), amount, zero)
    if "indicator" in names:
        on_credit = is_credit(batch["indicator"])
        by_word = pc.if_else(pc.fill_null(on_credit, False), zero, amount)
        debit = pc.if_else(pc.is_null(on_credit), by_sign, by_word)
    if {"debit", "credit"} <= names:
        told = pc.or_(pc.is_valid(batch["debit"]), pc.is_valid(batch["credit"]))
        agrees = pc.and_(told, pc.equal(pc.fill_null(difference(_pair(batch)), 0), amount))
        by_columns = pc.if_else(agrees, pc.fill_null(batch["debit"], 0), by_sign)
        debit = pc.if_else(told, by_columns, debit)
    return debit, pc.cast(pc.subtract(debit, amount), amount.type)


def _pair(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    names: Sequence[str] = ("debit", "credit")
    return {name: batch[name] for name in names}
