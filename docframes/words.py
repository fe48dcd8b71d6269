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
