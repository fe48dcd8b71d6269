"""Lines added up by their keys, written once on Narwhals and run by DuckDB, Polars, Dask or pandas.

What comes back is small and exact: an Arrow table of one row per group, of the same types whoever added up.
"""

from __future__ import annotations

import contextlib
import importlib.util
import warnings
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, get_args

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from docframes.errors import ConfigError, RoleError
from docframes.ledger.engines import database, read, relation, to_dask, to_polars
from docframes.ledger.frames import to_frame
from docframes.ledger.signs import CREDIT
from docframes.ledger.values import MOMENT, PRECISION

Engine = Literal["duckdb", "polars", "dask", "pandas"]
Lines: TypeAlias = "nw.LazyFrame[Any]"

ENGINES: tuple[Engine, ...] = get_args(Engine)
TABLE = "transactions"
#: Keys beside the columns: year and month of a line's date, as numbers.
CALENDAR = ("calendar_year", "calendar_month")
#: What is told of a group besides its sums: the column it is taken from, and how.
FACTS: Mapping[str, tuple[str, nw.Expr]] = {
    # A name is the same for all lines of an account, or else one that every engine finds.
    "account_name": ("account_name", nw.col("account_name").min()),
    "first_date": ("date", nw.col("date").min()),
    "last_date": ("date", nw.col("date").max()),
}

_ZERO = Decimal(0)
#: From here on DuckDB spills to disk; what Python and Arrow need comes on top.
_MEMORY = "1GB"
#: Open sums of all partitions that are put together in one go.
_MOST_SUMS = 4_000_000
#: To look up more ids than these, in every partition, costs more than the lines it leaves out.
_MOST_IDS = 100_000


class _Store(Protocol):
    def path(self, name: str, /) -> Path: ...


class Ledger(Protocol):
    """What of a :class:`.GeneralLedger` is needed to add up its lines."""

    @property
    def store(self) -> _Store:
        """The files, by table."""

    @property
    def roles(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """Who plays what, by table."""


def added_up(
    gl: Ledger,
    keys: Sequence[str],
    facts: Sequence[str] = (),
    *,
    engine: str | None = None,
    accounts: Sequence[str] | None = None,
    unbalanced: bool = False,
) -> pa.Table:
    """One row per group of lines, in no order: keys, ``lines``, ``debit``, ``credit``, ``balance``, and *facts*.

    Debit and credit follow the rule of :class:`.Tally`; balance is the sum of the amounts.
    keys : text columns, or CALENDAR; lines where a key is missing are a group like any other.
    facts : names of FACTS.  accounts : only their lines; None is all.
    unbalanced : only groups whose amounts do not add up to zero.
    """
    name = chosen(engine)
    sides = played(gl, "debit", "credit", "indicator")
    with _opened(gl.store.path(TABLE), _columns(keys, facts, sides, accounts), name) as lines:
        if accounts is not None:
            lines = lines.filter(nw.col("account").is_in(accounts))
        if unbalanced and name == "dask":
            lines = _narrowed(lines, keys)
        grouped = _grouped(_with_calendar(lines, keys).with_columns(debit_side=_debit(sides)), keys, facts)
        if unbalanced and name != "dask":
            grouped = grouped.filter(nw.col("balance") != 0)
        table = _typed(grouped.collect("pyarrow").to_native(), keys, facts, money(gl))
    # On a cluster, Dask asks for the filter before it has put the partitions' sums together.
    return table.filter(pc.not_equal(table["balance"], _ZERO)) if unbalanced else table


def played(gl: Ledger, *names: str) -> list[str]:
    """Those of the roles *names* that a column of the transactions plays."""
    cast = gl.roles.get(TABLE, {})
    return [name for name in names if name in cast]


def require(gl: Ledger, role: str, *, what: str) -> None:
    """Refuse when no column plays *role*."""
    if not played(gl, role):
        cast = ", ".join(gl.roles.get(TABLE, {}))
        msg = f"{what} needs a column that plays the role {role!r}; in this ledger there are {cast}. Name the column: "
        raise RoleError(msg + f"read_ledger(..., roles={{{role!r}: '...'}}).")


def money(gl: Ledger) -> pa.DataType:
    """The type of every sum: two digits fewer than Arrow's most, so that the difference of two still fits."""
    return pa.decimal128(PRECISION, pq.read_schema(gl.store.path(TABLE)).field("amount").type.scale)


def chosen(engine: str | None) -> Engine:
    """The engine of that name; None is DuckDB where it is installed, else Polars, else pandas."""
    if engine is None:
        there: list[Engine] = [name for name in ENGINES[:2] if importlib.util.find_spec(name)]
        return there[0] if there else "pandas"
    for name in ENGINES:
        if engine == name:
            return name
    raise ConfigError(f"The engines are {', '.join(ENGINES)}, or None to choose; {engine!r} was given.")


def _columns(
    keys: Sequence[str], facts: Sequence[str], sides: Sequence[str], accounts: Sequence[str] | None
) -> list[str]:
    names = ["date" if key in CALENDAR else key for key in keys]
    names += [FACTS[fact][0] for fact in facts]
    names += ["account"] if accounts is not None else []
    return list(dict.fromkeys([*names, *sides, "amount"]))


@contextlib.contextmanager
def _opened(path: Path, columns: Sequence[str], engine: Engine) -> Iterator[Lines]:
    """These columns of the lines, lazy, as the engine sees them."""
    if engine == "duckdb":
        with database(_MEMORY) as connection:
            yield _lazy(relation(connection, path)).select(*columns)
    elif engine == "polars":
        yield _lazy(to_polars(path)).select(*columns)
    elif engine == "dask":
        yield _lazy(to_dask(path, "decimal", columns))
    else:
        yield _lazy(to_frame([read(path, columns)], amounts="decimal"))


def _lazy(native: Any) -> Lines:
    with warnings.catch_warnings():
        # Narwhals announces a package of its own for Dask, which is no news for those who add up a ledger.
        warnings.filterwarnings("ignore", r"Dask support is moving out of Narwhals", FutureWarning)
        lines: Lines = nw.from_native(native).lazy()
        return lines


def _with_calendar(lines: Lines, keys: Sequence[str]) -> Lines:
    if CALENDAR[0] not in keys:
        return lines
    year, month = CALENDAR
    return lines.with_columns(nw.col("date").dt.year().alias(year), nw.col("date").dt.month().alias(month))


def _debit(sides: Sequence[str]) -> nw.Expr:
    """The debit side of a line, missing for nothing: by its columns, by its indicator, else by the sign.

    The credit side is what is left to the amount, so nobody has to add it up.
    """
    amount = nw.col("amount")
    by_sign = nw.when(amount > 0).then(amount)
    side: nw.Expr = by_sign
    if "indicator" in sides:
        word = nw.col("indicator").str.to_uppercase().str.strip_chars(" \t\r\n\u00a0.")
        by_word = nw.when(~word.is_in(sorted(CREDIT))).then(amount)
        side = nw.when(nw.col("indicator").is_null()).then(by_sign).otherwise(by_word)
    if {"debit", "credit"} <= set(sides):
        told = ~(nw.col("debit").is_null() & nw.col("credit").is_null())
        debit, credit = (nw.col(name).fill_null(_ZERO) for name in ("debit", "credit"))
        agrees = told & ((debit - credit) == amount.fill_null(_ZERO))
        side = nw.when(agrees).then(debit).otherwise(nw.when(told).then(by_sign).otherwise(side))
    return side


def _grouped(lines: Lines, keys: Sequence[str], facts: Sequence[str]) -> Lines:
    return lines.group_by(*keys, drop_null_keys=False).agg(
        lines=nw.len(),
        debit=nw.col("debit_side").sum(),
        balance=nw.col("amount").sum(),
        **{fact: FACTS[fact][1] for fact in facts},
    )


def _narrowed(lines: Lines, keys: Sequence[str]) -> Lines:
    """Of Dask's lines those whose first key, the transaction, may belong to a group that is out of balance."""
    native = lines.to_native()[[*keys, "amount"]]
    shares = _shares(native, list(keys))
    ids: set[str | None] = set()
    for share in range(shares):
        partitions = _mapped(native, list(keys), share, shares).compute()
        sums = _nonzero(_lazy(partitions), keys).collect("pyarrow").to_native()
        ids.update(sums[keys[0]].to_pylist())
    if len(ids) > _MOST_IDS:
        return lines
    wanted = nw.col(keys[0]).is_in(sorted(ids - {None}))
    return lines.filter(wanted | nw.col(keys[0]).is_null() if None in ids else wanted)


def _shares(native: Any, keys: list[str]) -> int:
    """In how many goes the sums are put together, judged by the first partition.

    Where the lines of a transaction lie together, next to none of its sums are open.  In a ledger in the order of
    accounts all of them are, in every partition, and together they would be more than a worker holds.
    """
    if native.npartitions == 1:
        return 1
    found: int = len(_mapped(native.partitions[0], keys, 0, 1).compute())
    partitions: int = native.npartitions
    return 1 + found * partitions // _MOST_SUMS


def _mapped(native: Any, keys: list[str], share: int, shares: int) -> Any:
    meta = open_sums(native._meta, keys, 0, 1)
    return native.map_partitions(open_sums, keys, share, shares, meta=meta)


def open_sums(lines: pd.DataFrame, keys: list[str], share: int, shares: int) -> pd.DataFrame:
    """The sums of one partition that are not zero, of one of so many shares of the transactions.

    What is in balance within a partition is left out before partitions are put together: most transactions.
    """
    if shares > 1:
        lines = lines[pd.util.hash_array(lines[keys[0]].array, categorize=False) % shares == share]
    frame: pd.DataFrame = _nonzero(_lazy(lines), keys).collect().to_native()
    return frame


def _nonzero(lines: Lines, keys: Sequence[str]) -> Lines:
    return lines.group_by(*keys, drop_null_keys=False).agg(nw.col("amount").sum()).filter(nw.col("amount") != 0)


def _typed(found: pa.Table, keys: Sequence[str], facts: Sequence[str], money: pa.DataType) -> pa.Table:
    """The engines' answers in one set of types, and the credits."""
    types = {key: pa.int64() if key in CALENDAR else pa.string() for key in keys}
    types |= {"lines": pa.int64(), "debit": money, "balance": money}
    types |= {fact: MOMENT if FACTS[fact][0] == "date" else pa.string() for fact in facts}
    table = pa.table({name: found[name].cast(kind) for name, kind in types.items()})
    credit = pc.subtract(table["debit"], table["balance"]).cast(money)
    return table.add_column(table.column_names.index("balance"), "credit", credit)
