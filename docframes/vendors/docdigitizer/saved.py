"""Saved answers of v3, in each of the spellings that were published, into the rows of annotation fields."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from docframes import spelling
from docframes.errors import ConfigError, ShapeError
from docframes.transport import redact
from docframes.transport.paging import dig
from docframes.vendors.docdigitizer.fields import Record, entry, pages_text, rows_of_v3
from docframes.vendors.docdigitizer.values import Reading

#: What a file calls each thing, in any case: the OpenAPI's words, the server's, the newest guide's, January 2026's.
_STATE = ("stateText", "state")
_TRACE = ("traceId", "requestToken")
_DOCUMENT = ("documentId", "id")
_CLASS = ("documentType", "docType", "schemaName")
_FIELDS = ("extraction", "fields")
_PAGES = ("pageRange", "pages")


def files_of(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The files that *paths* names: one, several, or every ``*.json`` of a folder.  Raises ConfigError."""
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    files: list[Path] = []
    for path in map(Path, given):
        found = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not found or not all(file.is_file() for file in found):
            raise ConfigError(f"{path} is no file, and no folder with *.json in it; give saved extractions.")
        files += found
    return list(dict.fromkeys(files))


def read(path: Path) -> Any:
    """The decoded file, with or without a byte-order mark.  Raises ShapeError."""
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        text = redact.text(content[:200].decode("utf-8", "replace"))
        raise ShapeError(f"{path.name}: wanted JSON, got {text!r}.", vendor="docdigitizer", excerpt=text) from error


def entries(answer: Any, source: str, reading: Reading) -> list[Record]:
    """The documents of one answer, each with its rows.  Raises ShapeError where it is no answer of v3."""
    if not isinstance(answer, Mapping) or _key(answer, _STATE) is None:
        came = sorted(answer) if isinstance(answer, Mapping) else type(answer).__name__
        msg = f"{source}: wanted a v3 answer with {' or '.join(_STATE)} and output.extractions, got {came}."
        raise ShapeError(msg, vendor="docdigitizer", excerpt=str(came)[:200])
    found = dig(answer, "output.extractions")
    if found is not None and not isinstance(found, list):
        msg = f"{source}: wanted a list at output.extractions, got {type(found).__name__}."
        raise ShapeError(msg, vendor="docdigitizer")
    about = _about_file(answer, source)
    return [_entry(item, place, about, reading, source) for place, item in enumerate(found or ()) if item is not None]


def state_of(answer: Any) -> str | None:
    """The state that an answer says it is in."""
    value = _value(answer, _STATE)
    return None if value is None else str(value)


def _about_file(answer: Mapping[str, Any], source: str) -> Record:
    trace = _value(answer, _TRACE)
    known = {_key(answer, names) for names in (_STATE, _TRACE, _DOCUMENT)} | {_key(answer, ("output",))}
    output = _value(answer, ("output",))
    beside = {key: value for key, value in answer.items() if key not in known and value is not None}
    if isinstance(output, Mapping):
        listed = spelling.find("extractions", output)
        beside |= {f"output.{key}": value for key, value in output.items() if key != listed}
    return {
        "api_version": "v3",
        "state": _value(answer, _STATE),
        "trace_id": trace,
        "document_id": _value(answer, _DOCUMENT) or trace,
        "source": source,
        "beside": beside,
    }


def _entry(item: Any, place: int, about: Record, reading: Reading, source: str) -> Record:
    if not isinstance(item, Mapping):
        msg = f"{source}: wanted an object in output.extractions, got {type(item).__name__}."
        raise ShapeError(msg, vendor="docdigitizer")
    names = {_key(item, keys) for keys in (_CLASS, _FIELDS, _PAGES, ("confidence",))}
    beside = {**about["beside"], **{f"extraction.{key}": item[key] for key in item if key not in names}}
    fields = _value(item, _FIELDS)
    if fields is not None and not isinstance(fields, Mapping):
        msg = f"{source}: wanted an object of fields in entry {place}, got {type(fields).__name__}."
        raise ShapeError(msg, vendor="docdigitizer")
    return entry(
        **{**about, "beside": beside or None},
        entry_index=place,
        document_class=_value(item, _CLASS),
        class_confidence=_value(item, ("confidence",)),
        pages=pages_text(_value(item, _PAGES)),
        fields=rows_of_v3(fields or {}, reading),
    )


def _key(answer: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first key whose value is there; else the first that is there at all."""
    found = [key for name in names if (key := spelling.find(name, answer)) is not None]
    return next((key for key in found if answer[key] is not None), found[0] if found else None)


def _value(answer: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    key = _key(answer, names)
    return None if key is None else answer[key]
