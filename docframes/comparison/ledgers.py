"""Two ledgers, line by line: what appeared, vanished, moved and changed, and what of it touches a closed period."""

# Columns and values are quoted before they become part of a query.
# ruff: noqa: S608

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pyarrow as pa

from docframes.comparison.closed import Closed, ClosedPeriods, closed_rule, unknown_periods
from docframes.comparison.columns import TABLE, Compared, compared_columns, played
from docframes.comparison.ledger_differences import LedgerDifferences
from docframes.comparison.ledger_frames import counts, ledger_frames
from docframes.comparison.lines import SIDES, Lines
from docframes.errors import ConfigError
from docframes.ledger import ROLES, GeneralLedger
from docframes.ledger.engines import database, to_pandas

#: From here on DuckDB spills to disk; what Python and Arrow need comes on top.
_MEMORY = "1GB"


def diff_ledgers(
    old: GeneralLedger, new: GeneralLedger, *, closed: ClosedPeriods, ignore: Sequence[str]
) -> LedgerDifferences:
    """What :func:`docframes.diff` promises of two ledgers."""
    columns = compared_columns(old, new, ignore)
    rule = closed_rule(closed, [played(old), played(new)])
    _check_ignored(rule, ignore)
    paths = [gl.store.path(TABLE) for gl in (old, new)]
    with database(_MEMORY) as connection:
        import duckdb

        try:
            lines = Lines(connection, paths)
            _check_periods(lines, rule)
            everywhere = _everywhere(lines, columns)
            columns = dataclasses.replace(columns, names=columns.without(*everywhere["column"].to_pylist()))
            lines.pair(columns, rule)
            tables = ledger_frames(lines, *(gl.store.schema(TABLE).names for gl in (old, new)))
            same, renumbered = counts(lines)
        except duckdb.Error as error:
            raise ConfigError(f"DuckDB cannot compare the two ledgers: {error}") from error
    return LedgerDifferences(
        name=new.name,
        **{name: to_pandas(table) for name, table in tables.items()},
        everywhere=to_pandas(everywhere),
        columns_added=columns.added,
        columns_removed=columns.removed,
        same=same,
        renumbered=renumbered,
        any_closed=closed is not None,
    )


def _check_ignored(rule: Closed, ignore: Sequence[str]) -> None:
    both = sorted(rule.columns & set(ignore))
    if both:
        raise ConfigError(f"ignore names {both[0]!r}, which tells what closed= closes. Leave it out of one of them.")


def _check_periods(lines: Lines, rule: Closed) -> None:
    if rule.listed:
        told = ", ".join(rule.known)
        there = " UNION ".join(f"SELECT DISTINCT {told} FROM {side}_file" for side in SIDES)
        error = unknown_periods(rule, lines.rows(there))
        if error is not None:
            raise error


def _everywhere(lines: Lines, columns: Compared) -> pa.Table:
    """Columns, of no role, of one value in each ledger, the two of them different: they tell of the upload."""
    own = [name for name in columns.names if name not in ROLES and name not in columns.key]
    told = {side: _only_values(lines, side, columns, own) for side in SIDES}
    both = [name for name in own if name in told["old"] and name in told["new"]]
    found = [(name, told["old"][name], told["new"][name]) for name in both if told["old"][name] != told["new"][name]]
    names = ("column", "old", "new")
    return pa.table({name: pa.array([row[place] for row in found], pa.string()) for place, name in enumerate(names)})


def _only_values(lines: Lines, side: str, columns: Compared, names: Sequence[str]) -> dict[str, str | None]:
    """The one value of each column that has no more, for one that is missing everywhere None."""
    asked = [part.format(columns.sql(name)) for name in names for part in ("min({})", "max({})", "count({})")]
    total, *found = lines.rows(f"SELECT {', '.join(['count(*)', *asked])} FROM {side}_file")[0]
    by_column = zip(names, found[::3], found[1::3], found[2::3], strict=True)
    return {name: least for name, least, most, there in by_column if total and least == most and there in (0, total)}
