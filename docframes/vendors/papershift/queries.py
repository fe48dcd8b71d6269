"""Filters, order, includes and metadata as the query parameters that Pulse reads."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

from docframes.errors import ConfigError
from docframes.transport.api import Api
from docframes.vendors.papershift.api import OPERATORS

#: One test of an attribute: ``("eq", "active")``, ``("in", ["a", "b"])``, ``("blank", True)``; a bare value means eq.
Test = tuple[Any, ...] | str | int | float | bool | datetime | date
#: Tests by attribute, all of which must hold; several of one attribute stand in a list.
Filters = Mapping[str, Test | Sequence[Test]]

_PRESENCE = ("blank", "present")
_SETS = ("in", "!in")


def filter_parameters(filters: Filters | None, api: Api, association: str = "") -> dict[str, list[str]]:
    """``{"status": ("eq", "active")}`` as ``filter[status]=eq:active``.

    association : the included set whose attributes are meant.  An attribute may name its own: ``"users.name"``.
    Raises ConfigError for an operator that there is not, and for a value that no filter can hold.
    """
    params: dict[str, list[str]] = {}
    for attribute, tests in (filters or {}).items():
        for test in tests if isinstance(tests, list) else [tests]:
            name, value = _parameter(attribute, test, api)
            path = [*([association] if association else []), *name.split(".")]
            params.setdefault("filter" + "".join(f"[{part}]" for part in path), []).append(value)
    return params


def _parameter(attribute: str, test: Any, api: Api) -> tuple[str, str]:
    operator, *values = test if isinstance(test, tuple) else ("eq", test)
    if operator not in OPERATORS:
        near = difflib.get_close_matches(str(operator), OPERATORS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{attribute}: there is no operator {operator!r}.{hint} There are {', '.join(OPERATORS)}.")
    if operator in _PRESENCE:
        if values not in ([], [True]):
            other = _PRESENCE[1 - _PRESENCE.index(operator)]
            raise ConfigError(f"{attribute}: {operator} takes True only; for the contrary write ({other!r}, True).")
        return f"{attribute}_{operator}", "1"
    if len(values) != 1:
        raise ConfigError(f"{attribute}: write ({operator!r}, value); this has {len(values)} values.")
    return attribute, f"{operator}:{_value(attribute, operator, values[0], api.value('separator'))}"


def _value(attribute: str, operator: str, value: Any, separator: str) -> str:
    if operator not in _SETS:
        return _text(attribute, value)
    if isinstance(value, str) or not isinstance(value, Sequence | set | frozenset | pd.Series):
        raise ConfigError(f"{attribute}: {operator} takes a list of values, got {value!r}.")
    texts = [_text(attribute, item) for item in value]
    if not texts:
        raise ConfigError(f"{attribute}: {operator} takes at least one value.")
    if any(separator in text for text in texts):
        raise ConfigError(f"{attribute}: a value of {operator} cannot hold {separator!r}, which stands between values.")
    return separator.join(texts)


def _text(attribute: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or not isinstance(value, str | int | float):
        raise ConfigError(f"{attribute}: a filter cannot hold {value!r}; for missing values write ('blank', True).")
    return str(value)


def sort_parameter(sort: str | Sequence[str] | None, api: Api) -> dict[str, str]:
    """``"-created_at"`` as ``sort=-created_at``; nothing for None."""
    if not sort:
        return {}
    return {api.value("sort_parameter"): _joined(sort, api)}


def include_parameter(include: str | Sequence[str], api: Api) -> dict[str, str]:
    """``["parent_team"]`` as ``include=parent_team``."""
    return {"include": _joined(include, api)} if include else {}


def metadata_parameters(names: Sequence[str], api: Api) -> dict[str, str]:
    """``["actions"]`` as ``meta[actions]=true``."""
    return {api.value("metadata_parameter").format(name=name): "true" for name in names}


def _joined(names: str | Sequence[str], api: Api) -> str:
    return names if isinstance(names, str) else str(api.value("separator")).join(names)
