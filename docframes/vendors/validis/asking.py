"""How arguments become parameters of a query.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from docframes.errors import ConfigError

Texts = str | Sequence[str]
Id = str | int


def given(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the query takes them: whole numbers and texts as they are, booleans in lower case."""
    return {name: word(value) for name, value in filters.items() if value is not None}


def word(value: Any) -> Any:
    """A boolean in lower case; anything else as it is."""
    return str(value).lower() if isinstance(value, bool) else value


def joined(values: Texts | None) -> str | None:
    """A list in one parameter, with commas between."""
    return values if values is None or isinstance(values, str) else ",".join(map(str, values))


def engagement(value: Id) -> str:
    """The id of an engagement as text."""
    text = str(value).strip()
    if not text:
        raise ConfigError("engagement_id is empty; load_engagements() gives them.")
    return text
