"""A ledger on the screen: its frames, its exact control totals, and what was wrong with its files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd

from docframes.cli.screen import Screen
from docframes.ledger import GeneralLedger
from docframes.words import count, money

#: Rules of problems that are told one by one; the rest are counted together.
_MOST_RULES = 6


def show_ledger(
    screen: Screen, ledger: GeneralLedger, path: Path | None, *, seconds: float, notes: Sequence[str]
) -> None:
    """Name, size, frames, control totals by currency, problems.  notes : warnings met on the way."""
    screen.say()
    if path is None or ledger.name != path.stem:
        screen.paragraph(ledger.name)
    screen.paragraph(f"{_extent(ledger)}; read in {seconds:.2f} s")
    screen.say()
    screen.table(("frame", "rows", "columns"), _frames(ledger), "<>>")
    screen.say()
    screen.table(("currency", "lines", "debit", "credit", "debit - credit"), _controls(ledger), "<>>>>")
    if len(ledger.controls) > 1:
        screen.say()
        screen.paragraph("The line 'all' adds the currencies as they stand, to compare with a file's own totals.")
    _show_problems(screen, ledger, notes)


def _extent(ledger: GeneralLedger) -> str:
    totals = ledger.totals
    lines = count(totals.lines, "line")
    if totals.transactions is not None:
        lines += f" in {count(totals.transactions, 'transaction')}"
    if totals.first_date and totals.last_date:
        lines += f", {_day(totals.first_date)} to {_day(totals.last_date)}"
    return lines


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _frames(ledger: GeneralLedger) -> list[tuple[str, str, str]]:
    frames = {
        "transactions": ledger.transactions,
        "period_balances": ledger.period_balances,
        "period_balances_summarised": ledger.period_balances_summarised,
        "company": ledger.company,
    }
    told = {f".{name}": frame for name, frame in frames.items() if frame.shape[1]}
    told |= {f".others[{name!r}]": frame for name, frame in ledger.others.items()}
    return [(name, f"{len(frame):,}", f"{frame.shape[1]:,}") for name, frame in told.items()]


def _controls(ledger: GeneralLedger) -> list[tuple[str, ...]]:
    rows = [
        (_currency(row["currency"]), *_figures(row["lines"], row["debit"], row["credit"], row["difference"]))
        for row in ledger.controls.to_dict("records")
    ]
    totals = ledger.totals
    if len(rows) != 1:
        rows.append(("all", *_figures(totals.lines, totals.debit, totals.credit, totals.difference)))
    return rows


def _currency(name: object) -> str:
    return name if isinstance(name, str) else "(none)"


def _figures(lines: int, *amounts: Decimal) -> tuple[str, ...]:
    return (f"{lines:,}", *(money(amount) for amount in amounts))


def _show_problems(screen: Screen, ledger: GeneralLedger, notes: Sequence[str]) -> None:
    kept_out = int(ledger.sources["kept_out"].sum())
    told = "none" if ledger.problems.empty else _rules(ledger.problems)
    kept = f"{count(kept_out, 'line')} kept out" if kept_out else "no line kept out"
    screen.say()
    screen.paragraph(f"Problems in its files: {told}; {kept}.")
    if not ledger.problems.empty:
        screen.paragraph("In Python, the ledger's .problems lists them.")
    for note in notes:
        screen.paragraph(f"Note: {note}")


def _rules(problems: pd.DataFrame) -> str:
    counts = problems.groupby("rule")["count"].sum().sort_values(ascending=False)
    told = [f"{rule} ({number:,})" for rule, number in counts.head(_MOST_RULES).items()]
    rest = int(counts.iloc[_MOST_RULES:].sum())
    return ", ".join([*told, f"others ({rest:,})"] if rest else told)
