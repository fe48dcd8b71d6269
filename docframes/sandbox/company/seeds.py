"""Repeatable chance: every part of the company draws from its own named stream."""

from __future__ import annotations

import random
from datetime import UTC, datetime

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000  #: in milliseconds


def stream(*names: object) -> random.Random:
    """A generator that depends on *names* alone, so that one job can be invented without the others."""
    return random.Random(":".join(str(name) for name in names))


def new_id(rng: random.Random) -> str:
    """A version 4 UUID in lower case."""
    text = f"{rng.getrandbits(128):032x}"
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def moment(text: str) -> int:
    """ISO 8601 text in UTC as milliseconds since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def stamp(milliseconds: int) -> str:
    """Milliseconds since 1970 as ``2026-03-02T09:14:05.120+00:00``; whole seconds carry no fraction."""
    fraction = milliseconds % SECOND
    when = datetime.fromtimestamp(milliseconds // SECOND, UTC)
    if fraction:
        when = when.replace(microsecond=fraction * 1_000)
        return when.isoformat(timespec="milliseconds")
    return when.isoformat()


def working_hour(rng: random.Random, day: int) -> int:
    """A moment between 08:00 and 18:00 on the day that starts at *day*."""
    return day + 8 * HOUR + rng.randrange(10 * 3_600) * SECOND


def on_weekday(milliseconds: int) -> int:
    """The same time of day, moved on to Monday when it falls on a weekend."""
    # 1 January 1970 was a Thursday, so day 2 was a Saturday.
    late = {2: 2, 3: 1}.get(milliseconds // DAY % 7, 0)
    return milliseconds + late * DAY
