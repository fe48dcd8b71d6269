"""Numbers in words, exact: no amount goes through a float."""

from __future__ import annotations

from decimal import Decimal


def money(amount: Decimal) -> str:
    """Thousands set apart, two digits after the point, more where the amount has more."""
    whole, _, rest = f"{amount:,f}".partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 line``, ``2 lines``, ``3 currencies``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def ago(seconds: float) -> str:
    """How long it is since, rounded down: ``just now``, ``40 seconds ago``, ``3 minutes ago``, ``5 days ago``."""
    # "1 day ago" would hide as much as another day, so days are told from two up.
    for least, length, noun in ((172_800, 86_400, "day"), (3_600, 3_600, "hour"), (60, 60, "minute"), (1, 1, "second")):
        if seconds >= least:
            return f"{count(int(seconds // length), noun)} ago"
    return "just now"


def size(count: int) -> str:
    """Bytes as one says them: ``61 MB``, ``1.2 GB``, ``840 bytes``; a thousand to the next unit."""
    if count < 1000:
        return f"{count} bytes"
    value, units = count / 1000, ["kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.1f} {units[0]}" if value < 9.95 else f"{value:.0f} {units[0]}"
