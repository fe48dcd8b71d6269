"""Balances of a ledger, exact, added up where the lines are: trial balance, activity, periods, open transactions.

Each is written once; ``engine`` says who adds up: ``"duckdb"``, ``"polars"``, ``"dask"`` (on the cluster of the
``dask.distributed.Client`` there is, else on threads) or ``"pandas"``.  None is DuckDB where it is installed, else
Polars, else pandas.  All give the same frame: text ``str``, counts int64, days ``datetime64[us]``, sums Arrow decimals
with the ledger's digits after the point.  Debit and credit are those of the control totals: by the debit and credit
columns, by the indicator, else by the sign of the amount; debit - credit is always the sum of the amounts.  Where
several ledgers were put together, each frame has their ``engagement_id`` first, and a row for each.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from docframes.errors import ConfigError
from docframes.ledger.frames import to_frame
from docframes.ledger.sums import CALENDAR, Engine, Ledger, added_up, money, played, require

_SPAN = ("first_date", "last_date")


def trial_balance(gl: Ledger, *, engine: Engine | None = None) -> pd.DataFrame:
    """One row per account and currency, by account and currency, lines without one last.

    Columns: account, account_name and currency (where they are played), lines, debit, credit, balance (debit -
    credit).  Of several names of an account the first in the alphabet is told.
    Raises : RoleError when no column plays ``account``; ConfigError when the engine is unknown or not installed.
    """
    require(gl, "account", what="A trial balance")
    keys = played(gl, "engagement_id", "account", "currency")
    names = played(gl, "account_name")
    sums = _sorted(added_up(gl, keys, names, engine=engine), keys)
    place = keys.index("account") + 1
    return _frame(sums, [*keys[:place], *names, *keys[place:], "lines", "debit", "credit", "balance"])


def account_activity(gl: Ledger, account: str | Sequence[str], *, engine: Engine | None = None) -> pd.DataFrame:
    """One row per account, currency and period in which there are lines, the periods in the order of their first day.

    account : a code, or several.
    Columns: account, currency and year (where they are played), period (where none is played: the calendar month of
    the date, ``2025-01``), first_date, last_date, lines, debit, credit, movement (debit - credit), balance (the
    movements so far of the account in the currency, which start from nothing).
    Raises : RoleError when no column plays ``account``; ConfigError for codes without a line, or an engine as above.
    """
    require(gl, "account", what="The activity of an account")
    codes = _codes(account)
    sums = _periods(gl, played(gl, "engagement_id", "account", "currency"), engine, accounts=codes)
    missing = set(codes) - set(sums["account"].to_pylist())
    if missing:
        raise _unknown(sorted(missing), added_up(gl, ["account"], engine=engine)["account"].to_pylist())
    return to_frame([sums], amounts="decimal")


def by_period(gl: Ledger, *, engine: Engine | None = None) -> pd.DataFrame:
    """One row per currency and period, the periods in the order of their first day; lines without a period last.

    Columns: as :func:`account_activity` has them, without the account.
    Raises : ConfigError when the engine is unknown or not installed.
    """
    return to_frame([_periods(gl, played(gl, "engagement_id", "currency"), engine)], amounts="decimal")


def unbalanced_transactions(gl: Ledger, *, engine: Engine | None = None) -> pd.DataFrame:
    """One row per transaction and currency whose amounts do not add up to exactly zero, by transaction.

    Lines without a transaction count as one, told last.
    Columns: transaction, currency (where it is played), lines, debit, credit, difference (debit - credit), first_date.
    Raises : RoleError when no column plays ``transaction``; ConfigError when the engine is unknown or not installed.
    """
    require(gl, "transaction", what="A search for unbalanced transactions")
    keys = played(gl, "engagement_id", "transaction", "currency")
    # The first key is the one that lines are looked up by.
    by_id = sorted(keys, key=lambda key: key != "transaction")
    sums = _sorted(added_up(gl, by_id, ["first_date"], engine=engine, unbalanced=True), keys)
    sums = sums.append_column("difference", sums["balance"])
    return _frame(sums, [*keys, "lines", "debit", "credit", "difference", "first_date"])


def _periods(gl: Ledger, keys: list[str], engine: Engine | None, *, accounts: list[str] | None = None) -> pa.Table:
    """The sums by *keys* and period, in order, with running balances."""
    years, named = played(gl, "year"), played(gl, "period")
    sums = added_up(gl, [*keys, *years, *(named or CALENDAR)], _SPAN, engine=engine, accounts=accounts)
    if not named:
        year, month = (sums[name].to_pylist() for name in CALENDAR)
        sums = sums.append_column("period", pa.array(map(_month, year, month), pa.string()))
    sums = _sorted(sums, [*keys, "first_date", *years, "period"])
    sums = sums.append_column("movement", sums["balance"])
    places = sums.column_names.index("balance")
    sums = sums.set_column(places, "balance", pa.array(_running(sums, keys), money(gl)))
    return sums.select([*keys, *years, "period", *_SPAN, "lines", "debit", "credit", "movement", "balance"])


def _month(year: int | None, month: int | None) -> str | None:
    return None if year is None else f"{year:04d}-{month:02d}"


def _running(sums: pa.Table, keys: Sequence[str]) -> list[Decimal]:
    """The movements added up from row to row, anew for each group of *keys*."""
    groups = zip(*(sums[key].to_pylist() for key in keys), strict=True) if keys else [()] * sums.num_rows
    rows = zip(groups, sums["movement"].to_pylist(), strict=True)
    by_group = itertools.groupby(rows, key=lambda row: row[0])
    return [total for _, group in by_group for total in itertools.accumulate(movement for _, movement in group)]


def _sorted(sums: pa.Table, keys: Iterable[str]) -> pa.Table:
    """By *keys*, missing ones last."""
    return sums.take(pc.sort_indices(sums, [(key, "ascending") for key in keys]))


def _frame(sums: pa.Table, columns: Sequence[str]) -> pd.DataFrame:
    return to_frame([sums.select(list(columns))], amounts="decimal")


def _codes(account: Any) -> list[str]:
    codes = [account] if isinstance(account, str) else list(account) if isinstance(account, Iterable) else [account]
    wrong = [code for code in codes if not isinstance(code, str)]
    if wrong:
        raise ConfigError(f"Account codes are text; {wrong[0]!r} was given. Write {str(wrong[0])!r}.")
    return codes


def _unknown(missing: Sequence[str], accounts: Iterable[str | None]) -> ConfigError:
    known = sorted(code for code in accounts if code is not None)
    near = {close: None for code in missing for close in difflib.get_close_matches(code, known, n=3, cutoff=0.5)}
    msg = f"No line is on the account {', '.join(map(repr, missing))}. "
    shown = ", ".join(map(repr, near or known[:10]))
    return ConfigError(
        msg + (f"{'Near it are' if near else 'The first accounts are'} {shown}." if shown else "The ledger has none.")
    )
