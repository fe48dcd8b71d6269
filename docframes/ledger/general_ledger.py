"""A general ledger: frames and queries on its store, its control totals, and what was wrong with its files."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from docframes.errors import ConfigError
from docframes.ledger import engines
from docframes.ledger.build import OTHERS
from docframes.ledger.controls import ControlTotals, controls_frame, totals_of
from docframes.ledger.frames import Amounts, to_frame
from docframes.ledger.memory import from_pool
from docframes.ledger.problems import problems_frame
from docframes.ledger.roles import ROLES
from docframes.ledger.store import MANIFEST, Store, writing
from docframes.ledger.trail import LineTrail
from docframes.ledger.where import Where
from docframes.tables.certificates import Certificate
from docframes.tables.html import table, titled
from docframes.tables.loads import Load, attach, new_load_id
from docframes.tables.schema import Column, Kind, Table
from docframes.words import count, money, size

if TYPE_CHECKING:
    import dask.dataframe
    import polars


_KINDS: Mapping[str, Kind] = {"text": "str", "date": "date", "moment": "date", "amount": "float64"}
_GRAINS = {
    "transactions": "one row per line of a transaction",
    "period_balances": "one row per account and period",
    "period_balances_summarised": "one row per category, tag and period",
    "company": "the company that made the upload",
}


@dataclass(frozen=True, repr=False, eq=False)
class GeneralLedger:
    """What :func:`.read_ledger` gives: a view on a store, of which only what is asked for comes into memory.

    name : of the company where the ledger says it, else of the file.
    store : the folder of Parquet files behind it.
    controls : exact totals per currency: lines, transactions, debit, credit, difference, first_date, last_date.
    totals : the same of the whole.
    problems : one row per fault: member, line (from 1), column, rule, value, count, reason.
    sources : one row per file: member, table, encoding, delimiter, header_line, lines, kept_out.
    roles : for each table, which columns play which role.
    origin : where it was fetched, in the words of who fetched it, such as ``engagement`` and ``upload``.
    amounts : ``"float"`` for float64 columns in its frames, ``"decimal"`` for exact ones.
    records : the record of each frame's load, where it came from a vendor.
    files : where the files lie that it was read from; None where that is not known.
    """

    name: str
    store: Store
    controls: pd.DataFrame
    totals: ControlTotals
    problems: pd.DataFrame
    sources: pd.DataFrame
    roles: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
    amounts: Amounts = "float"
    records: Mapping[str, Load] = field(default_factory=dict)
    files: Path | Mapping[str, Path] | None = None

    # --- whole frames -------------------------------------------------------------------------------------------------

    @cached_property
    def transactions(self) -> pd.DataFrame:
        """One row per line: roles first (``docframes.ledger.ROLES`` has their meanings), then the file's other columns
        as text, then ``source_line`` and, where several files make up the table, ``source_member``.

        It is read whole when it is first asked for, and then kept; ``select`` and ``sql`` read less.
        """
        return self._frame("transactions")

    @cached_property
    def period_balances(self) -> pd.DataFrame:
        """Likewise, one row per account and period; without columns where the ledger has no such file."""
        return self._frame("period_balances")

    @cached_property
    def period_balances_summarised(self) -> pd.DataFrame:
        """Likewise, one row per category, tag and period."""
        return self._frame("period_balances_summarised")

    @cached_property
    def company(self) -> pd.DataFrame:
        """The file's columns, all text."""
        return self._frame("company")

    @cached_property
    def others(self) -> Mapping[str, pd.DataFrame]:
        """Files that were not recognised, as frames of text, by name; each is read when it is asked for."""
        return _Others(self)

    def _frame(self, table: str) -> pd.DataFrame:
        if not self.store.has(table):
            return pd.DataFrame()
        with from_pool():
            frame = to_frame([engines.read(self.store.path(table))], amounts=self.amounts)
        return self.recorded(frame, table)

    def recorded(self, frame: pd.DataFrame, table: str) -> pd.DataFrame:
        """*frame*, rows of *table*, with its record, so that ``docframes.trace`` finds their lines."""
        if table not in self._loads:
            load = self.records.get(table) or self._load(table)
            archives = self.store.facts.get("archives", {})
            trail = LineTrail(table, archives, self.sources, self.files, load)
            self._loads[table] = dataclasses.replace(load, trail=trail)
        return attach(frame, self._loads[table])

    @cached_property
    def _loads(self) -> dict[str, Load]:
        """The record of each table that was asked for, one however often that is."""
        return {}

    def _load(self, table: str) -> Load:
        """The record of a table that was read from files."""
        rows = self.store.rows(table)
        reason = f"{count(rows, 'row')} of whole files, which declare no total; compare the control totals"
        return Load(
            load_id=new_load_id("ledger", f"{table}-{self.store.facts['key'][:8]}"),
            vendor="ledger",
            loader="read_ledger",
            table=table,
            arguments={"files": ", ".join(self.store.facts.get("archives", {}))},
            calls=0,
            from_cache=0,
            fetched_from=None,
            fetched_to=None,
            rows=rows,
            seconds=0.0,
            certificate=Certificate("CANNOT_PROVE", reason, received=rows, unique=rows),
            declared=self.declared(table),
        )

    def declared(self, table: str) -> Table:
        """What the columns of *table* mean that play a role."""
        casts = self.roles.get(table, {})
        columns = tuple(
            Column(role.name, _KINDS[role.kind], role.meaning, source=" + ".join(casts[role.name]))
            for role in ROLES.values()
            if role.name in casts
        )
        return Table(table, _GRAINS.get(table, "one row per line of the file"), (), columns, "the ledger's own files")

    # --- less, or elsewhere -------------------------------------------------------------------------------------------

    def select(
        self,
        columns: Sequence[str] | None = None,
        where: Where | None = None,
        *,
        table: str = "transactions",
        amounts: Amounts | None = None,
    ) -> pd.DataFrame:
        """Only these columns of only these rows, in the order of the source.

        where : conditions that all hold, ``[("account", "==", "4000"), ("date", ">=", "2025-03-01")]``, with ==, !=, <,
        <=, >, >=, in, not in; or an expression of pyarrow.compute.  A missing value is ``None``, and differs from all.
        amounts : None is the ledger's own.
        Raises ColumnError for a column that is not there.
        """
        found = engines.read(self.store.path(table), columns, where)
        return self.recorded(to_frame([found], amounts=self.amounts if amounts is None else amounts), table)

    def sql(self, query: str) -> pd.DataFrame:
        """What a query of DuckDB over the tables gives, amounts exact: ``select account, sum(amount) from transactions
        group by account``.

        The tables are ``transactions`` and what else the ledger has; nothing can be changed by a query.
        Raises ConfigError where DuckDB is not installed, or refuses the query.
        """
        tables = {table: self.store.path(table) for table in self.store.tables if not table.startswith(OTHERS)}
        return engines.to_pandas(engines.sql(tables, query))

    def to_polars(self, table: str = "transactions") -> polars.LazyFrame:
        """A lazy frame of Polars over the store, amounts exact."""
        return engines.to_polars(self.store.path(table))

    def to_dask(self, table: str = "transactions", *, amounts: Amounts | None = None) -> dask.dataframe.DataFrame:
        """A Dask DataFrame over the store, a partition for each half million lines, of the dtypes of ``transactions``.

        Workers of a cluster read the store themselves, so its folder has to be theirs too: ``gl.save(folder)`` puts it
        where they see it.  amounts : None is the ledger's own.
        """
        return engines.to_dask(self.store.path(table), self.amounts if amounts is None else amounts)

    def save(self, folder: str | Path) -> Path:
        """Copy the store to *folder*, new or empty, for ``docframes.open_ledger``; gives its path.

        Raises ConfigError where something else is there, StoreError where the disk is full.
        """
        target = Path(folder)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            msg = f"{str(target)!r} is there already and not empty; a new folder was wanted. "
            raise ConfigError(msg + "Name another, or delete it first.")
        names = [told["file"] for told in self.store.facts["tables"].values()]
        try:
            with writing(target):
                target.mkdir(parents=True, exist_ok=True)
                # The manifest comes last: a folder without it is no ledger.
                for name in (*names, MANIFEST):
                    shutil.copyfile(self.store.folder / name, target / name)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise
        return target

    # --- what it says of itself ---------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"GeneralLedger {self.name}, {', '.join(self._facts())}"

    def _repr_html_(self) -> str:
        shapes = {name: (self.store.rows(name), len(self.store.schema(name))) for name in self.store.tables}
        shapes["problems"] = self.problems.shape
        rows = [(_called(name), lines, columns) for name, (lines, columns) in shapes.items()]
        return titled(f"GeneralLedger {self.name}", self._facts()) + table(("frame", "rows", "columns"), rows)

    def _facts(self) -> list[str]:
        totals = self.totals
        lines = count(totals.lines, "line")
        if totals.transactions is not None:
            lines += f" in {count(totals.transactions, 'transaction')}"
        facts = [f"{name} {_short(value)}" for name, value in self.origin.items()]
        facts.append(lines)
        if totals.first_date and totals.last_date:
            facts.append(f"{totals.first_date:%Y-%m-%d} to {totals.last_date:%Y-%m-%d}")
        facts.append(self._balance())
        kept_out = int(self.sources["kept_out"].sum())
        if kept_out:
            facts.append(f"{count(kept_out, 'line')} kept out (see .problems)")
        return [*facts, f"store {size(self.store.size)}"]

    def _balance(self) -> str:
        gaps = [
            f"{money(gap)} {currency}" if isinstance(currency, str) else money(gap)
            for currency, gap in zip(self.controls["currency"], self.controls["difference"], strict=True)
            if gap
        ]
        return f"out of balance by {' and '.join(gaps)}" if gaps else "balanced to 0.00"


def of_store(store: Store, *, amounts: Amounts) -> GeneralLedger:
    """The ledger that *store* holds."""
    facts: Mapping[str, Any] = store.facts
    uploads = facts["uploads"]
    return GeneralLedger(
        name=facts["name"],
        store=store,
        controls=controls_frame(facts["controls"], facts["scale"]),
        totals=totals_of(facts["totals"]),
        problems=problems_frame(facts["problems"]),
        sources=_sources_frame(facts["sources"]),
        roles={table: {role: tuple(parts) for role, parts in cast.items()} for table, cast in facts["roles"].items()},
        origin={"upload": ", ".join(uploads)} if uploads else {},
        amounts=amounts,
    )


class _Others(Mapping[str, pd.DataFrame]):
    """Frames that are read when they are asked for, and then kept."""

    def __init__(self, ledger: GeneralLedger) -> None:
        self._ledger = ledger
        self._names = [table.removeprefix(OTHERS) for table in ledger.store.tables if table.startswith(OTHERS)]
        self._frames: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._frames:
            self._frames[name] = self._ledger._frame(OTHERS + name)
        return self._frames[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"frames of {self._names}"


def _sources_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    types = {
        "member": "str", "table": "str", "encoding": "str", "delimiter": "str", "header_line": "int64",
        "lines": "int64", "kept_out": "int64",
    }  # fmt: skip
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in types.items()})


def _called(table: str) -> str:
    return f"others[{table.removeprefix(OTHERS)!r}]" if table.startswith(OTHERS) else table


def _short(value: str) -> str:
    """An id as one shows it: the first part of a long one."""
    return f"{value[:8]}..." if len(value) > 20 and ", " not in value else value
