"""``ledger_browser``: the accounts of a ledger, the lines of the chosen one, the whole transaction of a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from docframes.ledger.balances import trial_balance
from docframes.ledger.frames import to_frame
from docframes.ledger.general_ledger import GeneralLedger
from docframes.ledger.sums import Engine, played
from docframes.widgets.blocks import Positions
from docframes.widgets.helpers import NOTHING, Helper, Part, check_kind, follow, height_of, rows_with, stacked
from docframes.widgets.query import Filter, Query
from docframes.widgets.rows import FrameRows
from docframes.widgets.store_rows import StoreRows
from docframes.words import money

if TYPE_CHECKING:
    from docframes.widgets.grid import Grid

_TITLE = "Accounts with their lines and transactions"
_NAMELESS = "No column of this ledger plays the role of the transaction, so none can be shown"
#: What one looks for in a line comes first; all other columns follow in the order of the store.
_FIRST = (
    "engagement_id", "transaction", "line", "date", "account", "amount", "currency", "account_name", "text",
)  # fmt: skip
_WORDS = {
    "lines": ("lines on the account", ""),
    "debit": ("sum of the debit sides", ""),
    "credit": ("sum of the credit sides", ""),
    "balance": ("debit - credit", ""),
}
_SUMS = {
    "lines": ("lines of the transaction", ""),
    "balance": ("sum of their amounts, debit positive", ""),
    "result": ("whether the amounts add up to zero", ""),
}


@dataclass(frozen=True, repr=False, eq=False)
class LedgerBrowser(Helper):
    """What :func:`ledger_browser` gives: its grids by name.

    ``accounts``; of the chosen ones the ``lines``; of the chosen lines the ``sums`` of their transactions, exact, one
    row per transaction and currency, and the ``transaction``: all lines of it.
    """

    accounts: Grid
    lines: Grid
    sums: Grid
    transaction: Grid


def ledger_browser(gl: GeneralLedger, *, engine: Engine | None = None, height: int | None = None) -> LedgerBrowser:
    """The trial balance to choose an account from; then its lines; then the whole transaction of a line, and its sum.

    Lines are read from the store, as far as they are shown.  Lines without a transaction count as one.
    engine : who adds up the trial balance, as in :func:`.trial_balance`.
    height : of the rows in sight of each grid, in pixels; None is about 8 rows.
    Raises ConfigError for what is no ledger, and for an engine that is not there; RoleError when no column plays
    ``account``.
    """
    from docframes.widgets.grid import Grid

    check_kind(gl, GeneralLedger, "A GeneralLedger, as docframes.read_ledger(path) gives it,")
    high = height_of(height)
    balances = trial_balance(gl, engine=engine)
    whole = StoreRows(gl, _ordered(gl.store.schema("transactions").names))
    names = played(gl, "transaction")
    accounts = Grid(rows_with(balances, list(balances.columns), _WORDS), caption="Accounts", height=high)
    lines = Part(whole, "Lines of the chosen account", high)
    transaction = Part(whole, "All lines of the transaction of the chosen line" if names else _NAMELESS, high)
    keys = played(gl, "engagement_id", "transaction", "currency")
    sums = Grid(_sum_rows(whole, NOTHING, keys), caption="Sum of the transaction of the chosen line", height=high)
    _link(gl, whole, accounts, lines, sums, transaction)
    shown = [sums, transaction.grid] if names else [transaction.grid]
    widget = stacked(_TITLE, accounts, lines.grid, *shown)
    return LedgerBrowser(_TITLE, widget, accounts, lines.grid, sums, transaction.grid)


def _ordered(names: Sequence[str]) -> list[str]:
    first = [name for name in _FIRST if name in names]
    return [*first, *(name for name in names if name not in first)]


def _link(gl: GeneralLedger, whole: StoreRows, accounts: Grid, lines: Part, sums: Grid, transaction: Part) -> None:
    engagement, names = played(gl, "engagement_id"), played(gl, "transaction")
    keys = [*engagement, *names, *played(gl, "currency")]

    def show(places: Positions) -> None:
        sums.show(_sum_rows(whole, places, keys))
        transaction.show(places)

    def choose_accounts(chosen: pd.DataFrame) -> None:
        lines.show(lines_of(whole, chosen, [*engagement, *played(gl, "currency")], "account"))
        show(NOTHING)

    def choose_lines(chosen: pd.DataFrame) -> None:
        show(lines_of(whole, chosen, engagement, names[0]))

    def clear() -> None:
        lines.show(NOTHING)
        show(NOTHING)

    follow(accounts, choose_accounts, clear)
    if names:
        follow(lines.grid, choose_lines, lambda: show(NOTHING))


def lines_of(whole: StoreRows, chosen: pd.DataFrame, alike: Sequence[str], key: str) -> Positions:
    """The places of the lines that agree with a row of *chosen* in *key* and the columns *alike*; missing ones agree.

    The store is asked once for all values of *key* that go with the same values of the others.
    """
    wanted: dict[tuple[str | None, ...], dict[str | None, None]] = defaultdict(dict)
    rows = chosen[[*alike, key]].astype(object)
    for row in rows.where(rows.notna(), None).itertuples(index=False, name=None):
        wanted[row[:-1]][row[-1]] = None
    names = [info.name for info in whole.columns]
    found = [NOTHING]
    for others, values in wanted.items():
        asked = [(name, (value,)) for name, value in zip(alike, others, strict=True)] + [(key, tuple(values))]
        filters = [Filter(names.index(name), "one_of", values=some) for name, some in asked]
        with whole._lock:
            found.append(np.asarray(whole._found(Query(filters=tuple(filters))), np.int64))
    return np.unique(np.concatenate(found))


def sums_of(whole: StoreRows, places: Positions, keys: Sequence[str]) -> pd.DataFrame:
    """One row per *keys* of these lines, in the order in which they appear.

    Columns: the keys, lines, balance (the sum of the amounts, exact) and result, in words.
    """
    names = [info.name for info in whole.columns]
    with whole._lock:
        arrays = whole._take([names.index(name) for name in (*keys, "amount")], places)
    table = pa.table(dict(zip((*keys, "amount"), arrays, strict=True)))
    summed = table.group_by(list(keys), use_threads=False).aggregate([("amount", "sum"), ([], "count_all")])
    balances = [Decimal(0) if value is None else value for value in summed["amount_sum"].to_pylist()]
    columns: dict[str, Any] = {name: summed[name] for name in keys}
    columns["lines"] = summed["count_all"].cast(pa.int64())
    columns["balance"] = pa.array(balances, summed["amount_sum"].type)
    columns["result"] = pa.array(map(result_of, balances), pa.string())
    return to_frame([pa.table(columns)], amounts="decimal")


def result_of(balance: Decimal) -> str:
    """Whether a transaction with this sum balances, in words."""
    return f"out of balance by {money(balance)}" if balance else f"balances to {money(balance)}"


def _sum_rows(whole: StoreRows, places: Positions, keys: Sequence[str]) -> FrameRows:
    frame = sums_of(whole, places, keys)
    return rows_with(frame, list(frame.columns), _SUMS)
