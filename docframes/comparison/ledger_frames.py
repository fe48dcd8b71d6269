"""What is told of the lines that differ, asked of the connection where they are paired.

In every query ``e`` is an event, ``o`` and ``n`` what is compared of its line then and now, ``f`` and ``g`` the whole
line in the old and in the new ledger.
"""

# Columns and values are quoted before they become part of a query.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from docframes.comparison.closed import MARK, quoted
from docframes.comparison.columns import KEY
from docframes.comparison.lines import SIDES, Lines
from docframes.ledger.columns import LINE, MEMBER

_EVENTS = "events e LEFT JOIN old_rest o ON o.row = e.o LEFT JOIN new_rest n ON n.row = e.n"
_WHOLE = "LEFT JOIN old_file f ON f.file_row_number = e.o LEFT JOIN new_file g ON g.file_row_number = e.n"
#: What happened to a line that touches a closed period.
_WHAT = """CASE
    WHEN e.kind = 'appeared' THEN 'appeared in a closed period'
    WHEN e.kind = 'vanished' THEN 'vanished from a closed period'
    WHEN e.o_closed AND e.n_closed AND NOT e.elsewhere THEN 'changed in a closed period'
    ELSE concat_ws(' and ',
        CASE WHEN NOT e.n_closed THEN 'moved out of a closed period'
            WHEN NOT e.o_closed THEN 'moved into a closed period'
            ELSE 'moved within closed periods' END,
        CASE WHEN e.kind = 'changed' THEN 'changed' END)
    END"""
_IN_CLOSED = {"in_closed": "e.o_closed OR e.n_closed"}


def ledger_frames(lines: Lines, old: Sequence[str], new: Sequence[str]) -> Mapping[str, pa.Table]:
    """The tables of :class:`.LedgerDifferences`.  old, new : the columns of the two ledgers."""
    return {
        "appeared": lines.table(_told(_own("g", new), {"in_closed": "e.n_closed"}, "appeared", "e.n")),
        "vanished": lines.table(_told(_own("f", old), {"in_closed": "e.o_closed"}, "vanished", "e.o")),
        "moved": lines.table(_told(_own("g", new), _then(lines, old) | _IN_CLOSED, "moved", "e.n")),
        "changed": lines.table(
            _told(_own("g", new), _change(lines) | _then(lines, old) | _IN_CLOSED, "changed", "e.n"),
        ),
        "cells": lines.table(_cells(lines)),
        "closed": lines.table(_closed(lines, old, new)),
        "check": lines.table(_check(lines)),
    }


def counts(lines: Lines) -> tuple[int, int]:
    """Lines that are the same, those numbered anew among them; and the latter."""
    found = dict(lines.rows("SELECT kind, count(*) FROM events GROUP BY kind UNION ALL SELECT '', count(*) FROM same"))
    renumbered = found.get("renumbered", 0)
    return found[""] + found.get("same", 0) + renumbered, renumbered


def _told(own: Mapping[str, str], ours: Mapping[str, str], kind: str, order: str) -> str:
    """The columns *own* of a ledger and *ours* beside them, for events of one kind."""
    return f"SELECT {_chosen(own, ours)} FROM {_EVENTS} {_WHOLE} WHERE e.kind = {quoted(kind)} ORDER BY {order}"


def _own(line: str, names: Iterable[str]) -> dict[str, str]:
    return {name: f"{line}.{quoted(name, MARK)}" for name in names}


def _chosen(own: Mapping[str, str], ours: Mapping[str, str], first: Mapping[str, str] | None = None) -> str:
    """What is selected, *first* before the ledger's *own* columns and *ours* after them.

    A name of ours that the ledger has, in any case, gets an underscore after it.
    """
    taken = {name.casefold() for name in own}

    def named(columns: Mapping[str, str]) -> dict[str, str]:
        return {_free(name, taken): column for name, column in columns.items()}

    chosen = {**named(first or {}), **own, **named(ours)}
    return ", ".join(f"{column} AS {quoted(name, MARK)}" for name, column in chosen.items())


def _free(name: str, taken: set[str]) -> str:
    return _free(f"{name}_", taken) if name.casefold() in taken else name


def _then(lines: Lines, old: Sequence[str]) -> dict[str, str]:
    """Where a line stood in time and in the file."""
    names = [*lines.columns.places, *(name for name in (LINE, MEMBER) if name in old)]
    return {f"old_{name}": column for name, column in _own("f", names).items()}


def _change(lines: Lines) -> dict[str, str]:
    tests = (f"CASE WHEN {lines.different([name])} THEN {quoted(name)} END" for name in lines.columns.names)
    amount = lines.value("amount")
    return {
        "columns": f"concat_ws(', ', {', '.join(tests)})",
        "difference": f"coalesce(n.{amount}, 0) - coalesce(o.{amount}, 0)",
    }


def _cells(lines: Lines) -> str:
    """One row for each compared column that differs in a line that has moved or changed."""
    keys = [name for name in KEY if name in lines.columns.names]
    own: dict[str, str] = {name: f"n.{lines.value(name)}" for name in keys}
    sources = {"old_source_line": "f.source_line", "source_line": "g.source_line"}
    parts = []
    for place, name in enumerate(lines.columns.names):
        value = lines.value(name)
        ours = {"column": quoted(name), "old": f"o.{value}::VARCHAR", "new": f"n.{value}::VARCHAR", **sources}
        parts.append(
            f"SELECT {_chosen(own, ours)}, e.n AS e_n, {place} AS place FROM {_EVENTS} {_WHOLE} "
            f"WHERE e.kind IN ('moved', 'changed') AND {lines.different([name])}"
        )
    return f"SELECT * EXCLUDE (e_n, place) FROM ({' UNION ALL '.join(parts)}) ORDER BY e_n, place"


def _closed(lines: Lines, old: Sequence[str], new: Sequence[str]) -> str:
    """One row for each line that touches a closed period, as it is now, or as it was where it has vanished."""
    amount = lines.value("amount")
    effect = "CASE WHEN e.{0}_closed THEN coalesce({0}.{1}, 0) ELSE 0 END"
    first = {"what": _WHAT, "effect": f"{effect.format('n', amount)} - {effect.format('o', amount)}"}
    shared = lines.columns.shared
    own = {
        name: f"CASE WHEN e.n IS NULL THEN {then} ELSE {now} END"
        for (name, then), now in zip(_own("f", shared).items(), _own("g", shared).values(), strict=True)
    }
    here = _own("g", [name for name in (LINE, MEMBER) if name in new])
    chosen = _chosen({**own, **here}, _then(lines, old), first)
    order = "e.n IS NULL, e.n, e.o"
    touched = "(e.o_closed OR e.n_closed) AND e.kind IN ('appeared', 'vanished', 'moved', 'changed')"
    return f"SELECT {chosen} FROM {_EVENTS} {_WHOLE} WHERE {touched} ORDER BY {order}"


def _check(lines: Lines) -> str:
    """Totals of all lines, and what the events explain of their difference, by currency and side."""
    pair = "JOIN {0}_rest {1} ON {1}.row = e.{1} WHERE e.kind {2}"
    alone, both = "= '{}'", "NOT IN ('appeared', 'vanished')"
    parts = [
        _amounts(lines, "o", "old_total", "old_lines o"),
        _amounts(lines, "n", "new_total", "new_lines n"),
        _amounts(lines, "n", "appeared", "events e " + pair.format("new", "n", alone.format("appeared"))),
        _amounts(lines, "o", "vanished", "events e " + pair.format("old", "o", alone.format("vanished"))),
        _amounts(lines, "n", "changed", "events e " + pair.format("new", "n", both)),
        _amounts(lines, "o", "changed", "events e " + pair.format("old", "o", both), sign="-"),
    ]
    sums = (
        f"coalesce(sum(amount) FILTER (what = '{name}'), 0) AS {name}"
        for name in ("old_total", "appeared", "vanished", "changed", "new_total")
    )
    counted = (f"count(*) FILTER (what = '{side}_total') AS {side}_lines" for side in SIDES)
    return (
        "SELECT *, new_total - (old_total + appeared - vanished + changed) AS unexplained FROM ("
        f"SELECT currency, side, {', '.join([*counted, *sums])} FROM ({' UNION ALL '.join(parts)}) "
        "GROUP BY currency, side) ORDER BY currency NULLS LAST, side DESC"
    )


def _amounts(lines: Lines, line: str, what: str, source: str, sign: str = "") -> str:
    amount = f"coalesce({line}.{lines.value('amount')}, 0)"
    currency = f"{line}.{lines.value('currency')}" if "currency" in lines.columns.names else "NULL::VARCHAR"
    side = f"CASE WHEN {amount} > 0 THEN 'debit' ELSE 'credit' END"
    return f"SELECT {currency} AS currency, {side} AS side, '{what}' AS what, {sign}{amount} AS amount FROM {source}"
