"""What is tried again, and how long to wait first.  Pure: no clock, no sleep."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime

#: Answers worth another try: too many calls, and the faults of servers and gateways between.
RETRY_STATUSES = frozenset({429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 546})

#: Too many calls, or not now: the request was not carried out, so any method may be sent again.
REFUSED_STATUSES = frozenset({429})

#: Methods that may be sent twice without doing a thing twice (RFC 9110, 9.2.2).
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})

FIRST_WAIT = 0.5
LONGEST_BACKOFF = 30.0


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that ``Retry-After`` asks for: a number, or an HTTP date; never below 0, None when it says nothing."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text)) if text.replace(".", "", 1).isdigit() else _until(text, now)
    except (TypeError, ValueError):
        return None


def _until(text: str, now: datetime) -> float:
    when = email.utils.parsedate_to_datetime(text)
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())


def backoff(attempt: int) -> float:
    """Seconds to wait after the *attempt*-th try, counted from 1, when the vendor does not say: 0.5, 1, 2, 4, ..."""
    return min(LONGEST_BACKOFF, FIRST_WAIT * 2.0 ** (attempt - 1))
