"""Lines of two ledgers paired in DuckDB, where both are; only what differs leaves it.

A line pairs with one line of the other ledger at most, in this order: the same in every column; the same but for its
number, as where a program numbers lines anew; the same but for its place in time, with its number or without; and what
is left by its key, where that is one line's on both sides.  Each step pairs lines that stand more than once as often as
they stand on both sides, so nothing is counted twice and nothing is lost.
"""

# Columns and values are quoted before they become part of a query.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from docframes.comparison.closed import Closed
from docframes.comparison.columns import MARKS, Compared
from docframes.ledger.engines import relation

SIDES = ("old", "new")
HASH = "hash({})"


class Lines:
    """The lines of both ledgers within one connection.

    Its views and tables: ``old_file`` and ``new_file``, the lines as they are, with ``file_row_number``; ``old_lines``
    and ``new_lines``, with ``row``, ``closed`` and what is compared, as ``v0``, ``v1`` ...; ``old_rest`` and
    ``new_rest``, those of them that are not the same in every column; ``same`` and ``pairs`` (``o``, ``n``), the rows
    of lines side by side; and ``events``, one row for each of the rest: ``o`` and ``n``, the rows, missing where there
    is none, ``kind`` (appeared, vanished, moved, changed, renumbered, same), ``elsewhere``, whether it stands elsewhere
    in time, ``o_closed`` and ``n_closed``, whether it stood and stands in a closed period.
    """

    def __init__(self, connection: Any, paths: Sequence[Path]) -> None:
        self._connection = connection
        self._run = connection.execute
        self.columns = Compared((), None, ())
        self._values: dict[str, str] = {}
        self._run("SET preserve_insertion_order = false")
        for side, path in zip(SIDES, paths, strict=True):
            relation(connection, path, numbered=True).create_view(f"{side}_file")

    def table(self, query: str) -> pa.Table:
        """What a query answers."""
        return self._connection.sql(query).to_arrow_table()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The same as tuples."""
        found: list[tuple[Any, ...]] = self._connection.sql(query).fetchall()
        return found

    def pair(self, columns: Compared, closed: Closed) -> None:
        """Pair the lines by *columns*; see above."""
        self.columns = columns
        self._values = {name: f"v{number}" for number, name in enumerate(columns.names)}
        for side in SIDES:
            self._view(side, closed)
        for pairs in ("same", "pairs"):
            self._run(f"CREATE TEMP TABLE {pairs} (o BIGINT, n BIGINT)")
        self._pair_equal("same", columns.names, [f"{side}_lines" for side in SIDES])
        for side, row in zip(SIDES, "on", strict=True):
            rest = f"SELECT l.* FROM {side}_lines l ANTI JOIN same ON same.{row} = l.row"
            self._run(f"CREATE TEMP TABLE {side}_rest AS {rest}")
        for names in self._steps():
            self._pair_equal("pairs", names, [f"{side}_rest" for side in SIDES])
        if columns.key:
            self._run(f"INSERT INTO pairs {self._of_one_key()}")
        self._run(f"CREATE TEMP TABLE events AS {self._events()}")

    def value(self, name: str) -> str:
        """The name that a compared column has in ``old_lines``, ``new_lines``, ``old_rest`` and ``new_rest``."""
        return self._values[name]

    def different(self, names: Iterable[str]) -> str:
        """Whether one of the compared columns differs between ``o`` and ``n``."""
        tests = [f"o.{self.value(name)} IS DISTINCT FROM n.{self.value(name)}" for name in names]
        return f"({' OR '.join(tests) or 'false'})"

    def _view(self, side: str, closed: Closed) -> None:
        values = ", ".join(f"{self.columns.sql(name)} AS {value}" for name, value in self._values.items())
        told = f"file_row_number AS row, coalesce({closed.sql}, false) AS closed"
        self._run(f"CREATE VIEW {side}_lines AS SELECT {told}, {values} FROM {side}_file")

    def _steps(self) -> list[tuple[str, ...]]:
        """The columns that are the same in a pair, step by step."""
        columns, when = self.columns, (*self.columns.places, *MARKS)
        if columns.line is None:
            return [columns.without(*when)]
        return [columns.without("line"), columns.without(*when), columns.without("line", *when)]

    def _pair_equal(self, into: str, names: Sequence[str], tables: Sequence[str]) -> None:
        """Pair lines of *tables* that are equal in *names* and have no pair in the table *into* yet.

        They are looked up by a hash of these columns, which is narrow, and then compared by value.  Where different
        values share a hash, what is left is looked up by the values themselves, which takes longer.
        """
        values = ", ".join(self.value(name) for name in names)
        self._run(f"CREATE OR REPLACE TEMP TABLE near AS {self._near(HASH.format(values), tables, into)}")
        found = self._run(
            f"INSERT INTO {into} SELECT near.o, near.n FROM near JOIN {tables[0]} o ON o.row = near.o "
            f"JOIN {tables[1]} n ON n.row = near.n WHERE NOT {self.different(names)}"
        ).fetchone()[0]
        if found < self.rows("SELECT count(*) FROM near")[0][0]:
            self._run(f"INSERT INTO {into} {self._near(f'row({values})', tables, into)}")

    def _near(self, by: str, tables: Sequence[str], into: str) -> str:
        """Lines without a pair that have the same value of *by*, the first beside the first, the second beside the
        second."""
        old, new = (
            f"SELECT row, h, row_number() OVER (PARTITION BY h ORDER BY row) AS k FROM "
            f"(SELECT l.row, {by} AS h FROM {table} l ANTI JOIN {into} p ON p.{row} = l.row)"
            for table, row in zip(tables, "on", strict=True)
        )
        return f"SELECT o.row AS o, n.row AS n FROM ({old}) o JOIN ({new}) n USING (h, k)"

    def _of_one_key(self) -> str:
        keys = [self.value(name) for name in self.columns.key]
        there = " AND ".join(f"r.{key} IS NOT NULL" for key in keys)
        listed = ", ".join(keys)
        left = (
            f"SELECT row, {listed} FROM {{0}}_rest r ANTI JOIN pairs ON pairs.{{1}} = r.row WHERE {there} "
            f"QUALIFY count(*) OVER (PARTITION BY {listed}) = 1"
        )
        old, new = (left.format(side, row) for side, row in zip(SIDES, "on", strict=True))
        return f"SELECT o.row, n.row FROM ({old}) o JOIN ({new}) n USING ({listed})"

    def _events(self) -> str:
        """What became of every line that is not the same in every column.

        To have moved is no more than to stand elsewhere in time; where who moved it and when is written beside, that
        goes with it.
        """
        moved = self.different(self.columns.places)
        marked = self.different(name for name in MARKS if name in self.columns.names)
        content = self.different(self.columns.without("line", *self.columns.places, *MARKS))
        anew = self.different(["line"] if self.columns.line else [])
        kind = (
            "CASE WHEN n.row IS NULL THEN 'vanished' WHEN o.row IS NULL THEN 'appeared' "
            f"WHEN {content} THEN 'changed' WHEN {moved} THEN 'moved' WHEN {marked} THEN 'changed' "
            f"WHEN {anew} THEN 'renumbered' ELSE 'same' END"
        )
        return (
            f"SELECT o.row AS o, n.row AS n, {kind} AS kind, {moved} AS elsewhere, "
            "coalesce(o.closed, false) AS o_closed, coalesce(n.closed, false) AS n_closed "
            "FROM old_rest o LEFT JOIN pairs p ON p.o = o.row FULL JOIN new_rest n ON n.row = p.n"
        )
