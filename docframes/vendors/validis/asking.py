"""How arguments become parameters of a query.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import pandas as pd

from docframes.errors import ColumnError, ConfigError

Texts = str | Sequence[str]
Id = str | int
#: Several engagements: their ids, or a frame of :func:`.load_engagements`.
Ids = Sequence[Id] | pd.Series | pd.Index | pd.DataFrame


def given(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the query takes them: whole numbers and texts as they are, booleans in lower case."""
    return {name: word(value) for name, value in filters.items() if value is not None}


def word(value: Any) -> Any:
    """A boolean in lower case; anything else as it is."""
    return str(value).lower() if isinstance(value, bool) else value


def joined(values: Texts | None) -> str | None:
    """A list in one parameter, with commas between."""
    return values if values is None or isinstance(values, str) else ",".join(map(str, values))


def engagement(value: Any) -> str:
    """The id of an engagement as text."""
    # A number with a point comes of a column in which ids are missing: 4711.0 is no id.
    text = str(value).strip() if isinstance(value, str | Integral) else ""
    if not text:
        raise ConfigError(f"engagement_id is {value!r}; it is text or a whole number. load_engagements() gives them.")
    return text


def one_engagement(given: Any) -> bool:
    """Whether *given* is one id, and not several."""
    return isinstance(given, str | Integral)


def engagements(given: Any, loader: str) -> list[str]:
    """Each id once, as text, in the order asked.  Raises ColumnError, ConfigError."""
    if isinstance(given, pd.DataFrame):
        if "engagement_id" not in given.columns:
            msg = f"{loader} needs the column 'engagement_id'; this frame has {list(given.columns)}. "
            raise ColumnError(msg + "Rename yours first: frame.rename(columns={'id': 'engagement_id'}).")
        given = given["engagement_id"]
    if not isinstance(given, Iterable):
        raise ConfigError(
            f"engagement_id is {given!r}; it is an id, several of them, or a frame of load_engagements()."
        )
    return list(dict.fromkeys(engagement(value) for value in given))
