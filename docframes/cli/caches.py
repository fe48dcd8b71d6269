"""``docframes cache``: what vendors answered and docframes has kept."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Any

import pandas as pd

from docframes.cli.screen import INDENT, Screen
from docframes.transport import cache
from docframes.words import count, size

#: Bytes that a database takes which holds nothing any more, with what SQLite puts beside it while it is open.
_EMPTY = 100_000


def tell_location(screen: Screen) -> int:
    """The folder, alone on its line."""
    screen.say(str(cache.location()))
    return 0


def show(screen: Screen) -> int:
    """One line per vendor and account; nothing of what the answers hold."""
    kept = cache.info()
    # A file that was cleared stays, empty, for whoever has it open.
    filled = (kept["answers"] > 0) | (kept["note"] != "") | (kept["bytes"] > _EMPTY)
    if not filled.any():
        screen.say(f"Nothing is kept in {cache.location()}.")
        return 0
    kept = kept[filled | (kept["vendor"] == cache.OTHER)]
    screen.say(f"Kept in {cache.location()}:\n")
    rows = [_row(facts) for facts in kept.to_dict("records")]
    screen.table(("vendor", "account", "answers", "expired", "size", "oldest (UTC)", "newest (UTC)"), rows, "<<>>><<")
    screen.say(f"\n{INDENT}{size(int(kept['bytes'].sum()))} in all")
    for facts in kept[kept["note"] != ""].to_dict("records"):
        screen.paragraph(f"{facts['vendor']} {facts['account']} cannot be read: {facts['note']}")
    return 0


def clear(screen: Screen, *, vendor: str | None, older_than: timedelta | None, dry_run: bool) -> int:
    """Forget answers and say how many, by vendor and account."""
    gone = cache.clear(vendor=vendor, older_than=older_than, dry_run=dry_run)
    if gone.empty:
        screen.say(f"Nothing {f'of {vendor} ' if vendor else ''}is kept in {cache.location()}.")
        return 0
    verb = "Would forget" if dry_run else "Forgot"
    for facts in gone.to_dict("records"):
        answers = count(facts["answers"], "answer")
        screen.say(f"{verb} {answers} of {facts['vendor']}, account {facts['account']}.")
    return 0


def _row(facts: dict[Hashable, Any]) -> tuple[str, ...]:
    return (
        facts["vendor"],
        facts["account"],
        f"{facts['answers']:,}",
        f"{facts['expired']:,}",
        size(facts["bytes"]),
        _moment(facts["oldest"]),
        _moment(facts["newest"]),
    )


def _moment(moment: pd.Timestamp) -> str:
    return "" if pd.isna(moment) else f"{moment:%Y-%m-%d %H:%M}"
