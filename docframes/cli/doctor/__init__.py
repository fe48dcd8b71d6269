"""``docframes doctor``: what may keep docframes from working here, and what to do about it.

It sends nothing unless it is told to, and shows no key, no token and no part of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from docframes.cli.doctor import clock, folder, keys, surroundings, versions
from docframes.cli.doctor.lines import Line
from docframes.cli.screen import Screen
from docframes.words import count

_PROBLEM = 1


def examine(screen: Screen, *, online: bool = False) -> int:
    """Print what was looked at, section by section; gives 1 where there is a problem, else 0."""
    told = sections(online=online)
    for title, lines in told.items():
        screen.heading(title)
        for line in lines:
            screen.item(line.mark, line.told)
    problems = sum(line.mark == "problem" for lines in told.values() for line in lines)
    sent = "" if online else " Nothing was sent; --online compares the clock with the vendors'."
    screen.say(f"\n{count(problems, 'problem') if problems else 'No problem'}.{sent}")
    return _PROBLEM if problems else 0


def sections(*, online: bool = False) -> Mapping[str, Sequence[Line]]:
    """What there is to say, by section.  online : ask the vendors' hosts for the time, without any key."""
    settings, wrong = surroundings.settings()
    return {
        "Versions": versions.lines(),
        "Keys": keys.lines(),
        "Cache": folder.lines(settings),
        "Clock": clock.lines(settings, online=online),
        "Proxies and certificates": surroundings.proxies(),
        "Settings": [*wrong, *surroundings.lines(settings)],
    }
