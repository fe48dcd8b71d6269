"""What the fields of a manifest may hold.

A capsule may come from elsewhere: what its manifest says is looked at before anything is done with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docframes.errors import CapsuleError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def _matches(pattern: str) -> Callable[[Any], bool]:
    form = re.compile(pattern)
    return lambda value: isinstance(value, str) and form.fullmatch(value) is not None


def _is_text(value: Any) -> bool:
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _is_number(value: Any) -> bool:
    # True is an int to Python.
    return type(value) is int and 0 <= value < 1 << 63


def _is_address(value: Any) -> bool:
    if not _is_text(value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _is_headers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_is_text(name) and _is_text(text) for name, text in value.items())


def _is_moment(value: Any) -> bool:
    return isinstance(value, datetime) and value.utcoffset() is not None


def is_inside(value: Any) -> bool:
    """Whether *value* names a file below a folder: a capsule from elsewhere must not write above it."""
    if not _is_text(value) or not value or any(mark in value for mark in "\\:\0"):
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts and str(path) == value and value != "."


_Rule = tuple[Callable[[Any], bool], str]
_TEXT: _Rule = (_is_text, "text")
#: Field to what it must be; the same name means the same in every entry.
_RULES: dict[str, _Rule] = {
    "vendor": (_matches(r"[a-z0-9_-]*"), "a vendor's name in lower case"),
    "account": (_matches(r"([0-9a-f]{12})?"), "an account's fingerprint of 12 hex digits"),
    "base_url": (
        lambda value: _is_address(value) and not urlsplit(value).query and not urlsplit(value).fragment,
        "an http address without user, password or query",
    ),
    "sha256": (_matches(r"[0-9a-f]{64}"), "a SHA-256 in 64 lower-case hex digits"),
    "key": (_matches(r"[0-9a-f]{64}"), "a cache key of 64 lower-case hex digits"),
    "size": (_is_number, "a number of bytes"),
    "status": (_is_number, "an HTTP status"),
    "method": (_matches(r"[A-Z]+"), "an HTTP method in capitals"),
    "url": (_is_address, "an http address without user or password"),
    "headers": (_is_headers, "headers, text by name"),
    "fetched_at": (_is_moment, "a moment with a time zone"),
    "created_at": (_is_moment, "a moment with a time zone"),
    "held": (lambda value: isinstance(value, bool), "True or False"),
}


def check_fields(value: DataclassInstance) -> None:
    """Refuse a value of a manifest, a field of which is not what its name means; raises CapsuleError."""
    for each in fields(value):
        holds, wanted = _RULES.get(each.name, _TEXT)
        came = getattr(value, each.name)
        if each.name not in ("accounts", "entries") and not holds(came):
            # What came may be a secret that was put into the wrong field, so only its type is told.
            msg = f"{type(value).__name__}.{each.name} of a capsule must be {wanted}; a {type(came).__name__} came"
            raise CapsuleError(f"{msg} that is not.")
