"""What the front end may ask, checked; and what it is told when something goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docframes.errors import ConfigError, DocframesError
from docframes.widgets.refusals import without_addresses

#: Rows of a page, and positions in a selection, that one message may name.
MOST_ROWS = 1000
MOST_SELECTED = 100_000


def whole_number(message: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """A whole number of *message* from *least* to *most*.  Raises ConfigError in words."""
    value = message.get(name)
    if type(value) is not int or not least <= value <= most:
        raise ConfigError(f"{name} is a whole number from {least:,} to {most:,}; {value!r:.40} came.")
    return value


def positions(message: Mapping[str, Any], total: int) -> list[int]:
    """The positions of *message*, each once and in the order of the rows, all of them of *total* rows."""
    given = message.get("positions")
    if not isinstance(given, list) or len(given) > MOST_SELECTED:
        raise ConfigError(f"positions is a list of up to {MOST_SELECTED:,} rows.")
    for position in given:
        if type(position) is not int or not 0 <= position < total:
            raise ConfigError(f"There is no row {position!r:.40}; there are {total:,}, from 0.")
    return sorted(set(given))


def sentence(error: Exception) -> str:
    """What a reader is told of *error*: no address, no key, no traceback."""
    if isinstance(error, DocframesError):
        return without_addresses(str(error))
    return f"Something went wrong in docframes ({type(error).__name__}); the kernel goes on."


def callback_sentence(error: Exception) -> str:
    """The same for a function that the user gave to ``on_select``: its own words help to mend it."""
    told = without_addresses(f"{type(error).__name__}: {error}").rstrip(". :")
    return f"The function given to on_select failed with {told}. The kernel goes on."
