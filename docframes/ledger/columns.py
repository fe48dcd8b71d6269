"""Rows of text -> Arrow tables of a ledger's roles: one signed amount, sure dates, ids as text.

The columns of the table follow from the headers, the roles and the options, never from the rows:

* the roles that are played, in the order of ``ROLES``, under our names;
* every column of the file that a role does not hold unchanged, as text, under the file's own name: columns without a
  role, the parts of a value made of several, and the text of every date, for a placeholder is a text and no day;
* ``source_line``.

A name that is taken, whatever its case, gets ``_source`` after it: the text of a column ``date`` is ``date_source``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from docframes.errors import ValueFormatError
from docframes.ledger.problems import Problems
from docframes.ledger.roles import ROLES, Cast
from docframes.ledger.rows import TEXT, Rows, text_schema
from docframes.ledger.signs import Signs, difference, is_credit
from docframes.ledger.values import (
    MOMENT,
    PLACEHOLDERS,
    AmountForm,
    other_dates,
    parse_amounts,
    parse_moments,
    parse_times,
)

LINE = "source_line"
MEMBER = "source_member"


@dataclass(frozen=True)
class Plan:
    """What becomes of the columns of one member.

    table : its kind.  cast : role -> headers.  amounts, dates : how values are written; dates maps roles to
    declared formats.  signed : whether amounts beside an indicator carry their own sign; None looks.
    """

    member: str
    table: str
    headers: tuple[str, ...]
    cast: Cast
    amounts: AmountForm = field(default_factory=AmountForm)
    dates: Mapping[str, str] = field(default_factory=dict)
    signed: bool | None = None

    @property
    def net(self) -> str:
        """The role of the signed amount, which a debit and a credit make up where no column plays it."""
        return "amount" if self.table == "transactions" else "movement"

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role of the table, the net amount among them, in their order."""
        played = set(self.cast)
        if {"debit", "credit"} <= played:
            played.add(self.net)
        return tuple(name for name in ROLES if name in played)

    @property
    def kept(self) -> dict[str, str]:
        """Columns that stay as text: name in the table -> header."""
        unchanged = {
            parts[0] for role, parts in self.cast.items() if len(parts) == 1 and ROLES[role].kind in ("text", "amount")
        }
        taken = {*self.roles, LINE, MEMBER}
        kept: dict[str, str] = {}
        for header in self.headers:
            if header not in unchanged:
                kept[_free(header, taken)] = header
        return kept

    @property
    def schema(self) -> pa.Schema:
        """The columns of the table, whether there are rows or not."""
        types = {"text": TEXT, "date": MOMENT, "moment": MOMENT, "amount": self.amounts.type}
        roles = [(name, types[ROLES[name].kind]) for name in self.roles]
        return pa.schema([*roles, *((name, TEXT) for name in self.kept), (LINE, pa.int64())])


def _free(header: str, taken: set[str]) -> str:
    name = header
    while name.casefold() in taken:
        name += "_source"
    taken.add(name.casefold())
    return name


class Converter:
    """Turns the rows of one member into tables, batch by batch, and remembers what only all rows can tell."""

    def __init__(self, plan: Plan, problems: Problems) -> None:
        self.plan = plan
        self._problems = problems
        self._kept = plan.kept
        self._schema = plan.schema
        self._signs = Signs(plan.member, plan.signed)
        self._read: dict[str, bool] = {}
        self._unread: dict[str, list[str]] = {}
        self._out = np.zeros(0, bool)

    def convert(self, rows: Rows) -> pa.Table:
        """The rows as a table of the plan's schema, without those whose amount cannot be read."""
        self._out = np.zeros(rows.batch.num_rows, bool)
        columns: dict[str, pa.Array] = {}
        for name in self.plan.cast:
            columns[name] = self._role(name, rows)
        self._net(columns, rows)
        for name, header in self._kept.items():
            columns[name] = rows.batch[header]
        columns[LINE] = pa.array(rows.lines)
        table = pa.Table.from_arrays([columns[name] for name in self._schema.names], schema=self._schema)
        return table.filter(pa.array(~self._out)) if self._out.any() else table

    def finish(self) -> None:
        """Refuse a column of which nothing could be read, and amounts whose signs contradict their indicator.

        Raises : ValueFormatError.
        """
        for name, examples in self._unread.items():
            if not self._read.get(name):
                where = self._where(name)
                if ROLES[name].kind == "amount":
                    raise ValueFormatError(f"No amount of {where} can be read, for instance {examples[:3]}.")
                raise other_dates(examples, self.plan.dates.get(name), where)
        self._signs.finish()

    def _where(self, role: str) -> str:
        return f"{self.plan.member!r}, column {' and '.join(map(repr, self.plan.cast[role]))} (the role {role}),"

    def _role(self, name: str, rows: Rows) -> pa.Array:
        parts = [rows.batch[header] for header in self.plan.cast[name]]
        kind = ROLES[name].kind
        if kind == "text":
            return joined(parts)
        if kind == "amount":
            return self._amount(name, parts[0], rows)
        return self._moment(name, parts, rows)

    def _amount(self, name: str, texts: pa.Array, rows: Rows) -> pa.Array:
        amounts, unreadable = parse_amounts(texts, self.plan.amounts, where=self._where(name))
        bad = self._note(name, texts, amounts, unreadable)
        if self.plan.table == "transactions" and name in ("amount", "debit", "credit"):
            for index in bad.tolist():
                self._keep_out("unreadable amount", index, rows, name, texts[index].as_py())
        else:
            reason = "not an amount; the line stays, without it"
            self._list_values("unreadable figure", name, 0, texts, bad, rows, reason)
        return amounts

    def _keep_out(self, rule: str, index: int, rows: Rows, role: str, value: str) -> None:
        if not self._out[index]:
            column = self.plan.cast[role][0]
            self._problems.line(rule, int(rows.lines[index]), column=column, value=value, reason="kept out")
        self._out[index] = True

    def _moment(self, name: str, parts: Sequence[pa.Array], rows: Rows) -> pa.Array:
        texts = parts[0]
        # A ledger has few different days, so each is read once; times of day make nearly every value its own.
        few = ROLES[name].kind == "date" or len(parts) > 1
        encoded = texts.dictionary_encode() if few else None
        values = encoded.dictionary if encoded is not None else texts
        found, unreadable = parse_moments(values, self.plan.dates.get(name), where=self._where(name))
        if encoded is not None:
            found, unreadable = (
                found.take(encoded.indices),
                pc.fill_null(unreadable.take(encoded.indices), False),
            )
        bad = self._note(name, texts, found, unreadable)
        self._list_values("unreadable date", name, 0, texts, bad, rows, "not a date; the line stays, without it")
        found = self._without_placeholders(name, texts, found, rows)
        if ROLES[name].kind == "date":
            return pc.floor_temporal(found, unit="day")
        return found if len(parts) == 1 else self._with_time(name, found, parts[1], rows)

    def _with_time(self, name: str, days: pa.Array, texts: pa.Array, rows: Rows) -> pa.Array:
        spans, unreadable = parse_times(texts)
        bad = np.flatnonzero(unreadable.to_numpy(zero_copy_only=False))
        reason = "not a time of day; the line stays, with the day alone"
        self._list_values("unreadable time", name, 1, texts, bad, rows, reason)
        return pc.cast(pc.add(pc.cast(days, pa.int64()), pc.fill_null(spans, 0)), MOMENT)

    def _without_placeholders(self, name: str, texts: pa.Array, found: pa.Array, rows: Rows) -> pa.Array:
        placeholders = pa.array([np.datetime64(day, "us") for day in PLACEHOLDERS], MOMENT)
        hit = pc.is_in(found, value_set=placeholders)
        if not pc.any(hit, min_count=0).as_py():
            return found
        where = np.flatnonzero(hit.to_numpy(zero_copy_only=False))
        reason = "stands for no date, so the date is missing; its text is beside it"
        self._list_values("placeholder date", name, 0, texts, where, rows, reason)
        return pc.if_else(hit, pa.scalar(None, MOMENT), found)

    def _list_values(
        self, rule: str, role: str, part: int, texts: pa.Array, where: Any, rows: Rows, reason: str
    ) -> None:
        column = self.plan.cast[role][part]
        firsts: dict[str, tuple[int, int]] = {}
        for index, value in zip(where.tolist(), texts.take(pa.array(where)).to_pylist(), strict=True):
            first, count = firsts.get(value, (index, 0))
            firsts[value] = (first, count + 1)
        for value, (first, count) in firsts.items():
            line = int(rows.lines[first])
            self._problems.value(rule, line, column=column, value=value, count=count, reason=reason)

    def _note(self, name: str, texts: pa.Array, found: pa.Array, unreadable: pa.Array) -> Any:
        """Positions of the unreadable texts; remembers whether the column has anything readable."""
        self._read[name] = self._read.get(name, False) or found.null_count < len(found)
        bad = np.flatnonzero(unreadable.to_numpy(zero_copy_only=False))
        if len(bad):
            self._unread.setdefault(name, texts.take(pa.array(bad[:3])).to_pylist())
        return bad

    def _net(self, columns: dict[str, pa.Array], rows: Rows) -> None:
        """The one signed amount, from a debit and a credit, from an amount and an indicator, or as it is."""
        pair = difference(columns) if {"debit", "credit"} <= set(columns) else None
        if pair is not None and self.plan.net not in columns:
            columns[self.plan.net] = pc.cast(pair, self.plan.amounts.type)
        elif pair is not None:
            self._compare(columns[self.plan.net], pair, rows)
        elif "indicator" in columns and "amount" in columns:
            columns["amount"] = self._signed(columns["amount"], columns["indicator"], rows)
        if self.plan.table == "transactions" and columns["amount"].null_count:
            empty = columns["amount"].is_null().to_numpy(zero_copy_only=False) & ~self._out
            if empty.any():
                reason = "no amount on the line; it stays, and adds nothing"
                self._problems.value("missing amount", int(rows.lines[empty][0]), count=int(empty.sum()), reason=reason)

    def _compare(self, net: pa.Array, pair: pa.Array, rows: Rows) -> None:
        differs = pc.fill_null(pc.not_equal(pc.fill_null(net, 0), pc.fill_null(pair, 0)), False)
        for index in np.flatnonzero(differs.to_numpy(zero_copy_only=False)).tolist():
            reason = f"debit - credit is {pair[index].as_py()}; the {self.plan.net} was used"
            value = rows.batch[self.plan.cast[self.plan.net][0]][index].as_py() or ""
            self._problems.line("amount differs", int(rows.lines[index]), value=value, reason=reason)

    def _signed(self, amounts: pa.Array, indicators: pa.Array, rows: Rows) -> pa.Array:
        credit = is_credit(indicators, where=self._where("indicator"))
        texts = rows.batch[self.plan.cast["amount"][0]]
        nobody = pc.and_(pc.is_null(credit), pc.not_equal(amounts, pa.scalar(0).cast(amounts.type)))
        for index in np.flatnonzero(pc.fill_null(nobody, False).to_numpy(zero_copy_only=False)).tolist():
            self._keep_out("no indicator", index, rows, "amount", texts[index].as_py())
        credit = pc.fill_null(credit, False)
        if self._signs.carried(amounts, credit):
            return amounts
        return pc.if_else(credit, pc.negate(amounts), amounts)


def joined(parts: Sequence[pa.Array]) -> pa.Array:
    r"""Several texts as one, by a blank: ``A`` and ``1`` are ``A 1``.

    Different parts never give the same text, since a blank inside a part is written ``\ `` (and ``\`` is ``\\``).
    Missing only where every part is.
    """
    if len(parts) == 1:
        return parts[0]
    filled = []
    for part in parts:
        for mark in ("\\", " "):
            if pc.any(pc.match_substring(part, mark), min_count=0).as_py():
                part = pc.replace_substring(part, mark, "\\" + mark)
        filled.append(pc.fill_null(part, ""))
    text = pc.binary_join_element_wise(*filled, pa.scalar(" ", TEXT))
    nothing = " " * (len(parts) - 1)
    return pc.if_else(pc.equal(text, nothing), pa.scalar(None, TEXT), text)


def text_table(headers: tuple[str, ...], batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """A table of the file's own columns, all text."""
    return pa.Table.from_batches(batches, text_schema(headers))
