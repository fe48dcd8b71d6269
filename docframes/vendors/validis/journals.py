"""Journals as they come into one record a line, with the journal's own fields beside it.  Pure."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from docframes import spelling
from docframes.errors import ShapeError
from docframes.tables.columns import as_text
from docframes.tables.provenance import Made


def take_apart(journals: list[Any], *, lines: str) -> Made:
    """One record a line; a journal without lines gives one whose line is empty.

    lines : key of a journal's lines.  Raises ShapeError where no journal has it: its rows would be lost.
    """
    found = [(journal, _key(journal, lines)) for journal in journals]
    if found and not any(key for _, key in found):
        came = as_text(journals[0]) or ""
        msg = (
            f"validis journals: wanted a list of lines at {lines!r} in each journal, got {came:.200}. Where they stand "
        )
        msg += 'was assumed (A47); say where: Client(assumptions={"A47": {"lines": "..."}}).'
        raise ShapeError(msg, vendor="validis", excerpt=came[:200])
    records = (record for journal, key in found for record in _lines(journal, key))
    return Made(records, (place for journal, key in found for place in _places(journal, key)))


def _key(journal: Any, lines: str) -> str | None:
    if not isinstance(journal, dict):
        msg = f"validis journals: wanted an object for each journal, got {as_text(journal)!r:.200}."
        raise ShapeError(msg, vendor="validis", excerpt=(as_text(journal) or "")[:200])
    return spelling.find(lines, journal)


def _lines(journal: dict[str, Any], key: str | None) -> list[dict[str, Any]]:
    head = {name: value for name, value in journal.items() if name != key}
    lines = journal[key] if key else None
    if isinstance(lines, dict):
        lines = [lines]
    if not lines:
        return [{"journal": head, "line_number": None, "line": {}}]
    return [
        {"journal": head, "line_number": number, "line": _signed(line)} for number, line in enumerate(lines, start=1)
    ]


def _places(journal: dict[str, Any], key: str | None) -> list[tuple[Any, ...]]:
    """Where each line stands; the journal itself where it has none."""
    lines = journal[key] if key else None
    if not lines:
        return [(journal,)]
    return [(journal, key)] if isinstance(lines, dict) else [(journal, key, place) for place in range(len(lines))]


def _signed(line: Any) -> Any:
    """The line, with the value that a pair of debit and credit stands for (A58: debit minus credit)."""
    if not isinstance(line, dict) or any(spelling.find(name, line) for name in ("value", "amount", "baseValue")):
        return line
    sides = [spelling.find(name, line) for name in ("debit", "credit")]
    if not any(sides):
        return line
    debit, credit = (_exact(line[side]) if side else Decimal(0) for side in sides)
    return line if debit is None or credit is None else {**line, "value": float(debit - credit)}


def _exact(value: Any) -> Decimal | None:
    if value is None or value == "":
        return Decimal(0)
    try:
        return None if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return None
