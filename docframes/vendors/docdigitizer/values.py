"""One value as sent into its row: text, and beside it what was a number, a truth or a day.  Nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from docframes import spelling
from docframes.tables.columns import as_text
from docframes.vendors.docdigitizer.api import DATE_FORMAT_V1, DATE_FORMAT_V3

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
#: Days in the form of each version, and no other.
_DAYS = {"v1": (re.compile(r"\d{1,2}/\d{1,2}/\d{4}"), DATE_FORMAT_V1), "v3": (re.compile(r"\d{4}-\d{2}-\d{2}"),
         DATE_FORMAT_V3)}  # fmt: skip
_KINDS = {type(None): "null", str: "text", bool: "boolean", int: "number", float: "number", list: "list"}
#: Members of an object that stands for one value, besides the value itself, and the columns they go to.
_ABOUT = {"confidence": "field_confidence", "page": "field_page", "bounding_box": "bounding_box"}
_ABOUT_ALIASES = {"page": ("page_number",), "bounding_box": ("box", "bbox")}


@dataclass(frozen=True)
class Reading:
    """How texts are read: which fields hold numbers, and how those are written."""

    number_words: frozenset[str]
    identifier_words: frozenset[str]
    number: re.Pattern[str]
    decimal_mark: str
    group_mark: str

    @classmethod
    def of(cls, assumptions: Mapping[str, Any]) -> Reading:
        """As the assumptions have it."""
        decimal, group = str(assumptions["decimal_mark"]), str(assumptions["group_mark"])
        return cls(
            frozenset(_lower(assumptions["number_words"])),
            frozenset(_lower(assumptions["identifier_words"])),
            _number_pattern(decimal, group),
            decimal,
            group,
        )

    def holds_numbers(self, field: str) -> bool:
        """Whether the name of a field says that its text is a number, and nothing in it says otherwise."""
        words = words_of(field)
        return bool(words & self.number_words) and not words & self.identifier_words

    def number_of(self, text: str) -> float | None:
        """A number written as the assumptions say; None for anything else."""
        text = text.strip()
        if not self.number.fullmatch(text):
            return None
        plain = text.replace(self.group_mark, "") if self.group_mark else text
        return float(plain.replace(self.decimal_mark, "."))

    def day_of(self, field: str, text: str, version: str) -> str | None:
        """A day as ISO text, where *text* has the form of its version; None for anything else.

        An invoice may bear the number 01/02/2024, so identifiers are never days.
        """
        pattern, form = _DAYS[version]
        words = words_of(field)
        if not pattern.fullmatch(text.strip()) or ("date" not in words and words & self.identifier_words):
            return None
        try:
            return datetime.strptime(text.strip(), form).date().isoformat()
        except ValueError:
            return None


def _lower(words: Iterable[str]) -> list[str]:
    return [str(word).lower() for word in words]


@lru_cache(maxsize=10_000)
def words_of(field: str) -> frozenset[str]:
    """The words a field's name is made of, in lower case: ``vendorTaxId`` is vendor, tax, id."""
    return frozenset(word.lower() for word in _WORDS.findall(field))


def _number_pattern(decimal: str, group: str) -> re.Pattern[str]:
    whole = r"\d+" if not group else rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+|\d+"
    return re.compile(rf"[+-]?(?:{whole})(?:{re.escape(decimal)}\d+)?")


def row(field: str, raw_key: str, value: Any, version: str, reading: Reading) -> dict[str, Any]:
    """The row of one value; an object that stands for one value is opened."""
    about: dict[str, Any] = {}
    if is_value_object(value):
        about = _about(value)
        value = value[spelling.find("value", value)]
    text = value if isinstance(value, str) else None
    return {
        "field": field,
        "raw_key": raw_key,
        "value": as_text(value),
        "value_number": _number(field, value, reading),
        "value_boolean": value if isinstance(value, bool) else None,
        "value_date": None if text is None else reading.day_of(field, text, version),
        "is_empty": value in (None, [], {}) or (text is not None and not text.strip()),
        "sent_as": _KINDS.get(type(value), "object"),
        **about,
    }


def is_value_object(value: Any) -> bool:
    """Whether *value* is an object with a ``value`` in it."""
    return isinstance(value, dict) and spelling.find("value", value) is not None and not _holds_table(value)


def _holds_table(value: Mapping[str, Any]) -> bool:
    # An object of columns may have one that is called value.
    return all(isinstance(member, list) for member in value.values())


def _about(value: dict[str, Any]) -> dict[str, Any]:
    left = dict(value)
    left.pop(spelling.find("value", value) or "", None)
    found: dict[str, Any] = {}
    for key, column in _ABOUT.items():
        name = spelling.find(key, left, _ABOUT_ALIASES.get(key, ()))
        if name is not None:
            found[column] = left.pop(name)
    return {**found, "field_beside": left} if left else found


def _number(field: str, value: Any, reading: Reading) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and reading.holds_numbers(field):
        return reading.number_of(value)
    return None
