"""Which files the ready answer of an extract names.  Pure; the URLs are secrets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from docframes import spelling

#: Hosts that a link may name without TLS: this machine's own.
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Link:
    """One file of an extract.  Its URL is in no repr."""

    name: str
    url: str = field(repr=False)


def links_in(answer: Any, *, access: str, file: str, token: str, words: Sequence[str]) -> list[Link]:
    """Every file that *answer* names, in order, each once (assumed, A27).

    Each object with *access* gives its link; else one with *file* and *token* gives the two together.  Where the whole
    answer has neither, every https address under a key that holds one of *words* is taken.
    """
    found = list(_told(answer, access, file, token)) or list(_hinted(answer, "", words))
    once = {url: name for url, name in reversed(found) if _allowed(url)}
    ordered = sorted(once, key=[url for url, _ in found].index)
    return _named([(url, once[url]) for url in ordered])


def _told(value: Any, access: str, file: str, token: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _told(item, access, file, token)
    if not isinstance(value, dict):
        return
    direct, place, key = (_text(value, name) for name in (access, file, token))
    if direct:
        yield direct, _name_beside(value)
    elif place and key:
        yield f"{place}{'&' if '?' in place else '?'}{key.lstrip('?')}", _name_beside(value)
    for item in value.values():
        yield from _told(item, access, file, token)


def _hinted(value: Any, key: str, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _hinted(item, key, words)
    elif isinstance(value, dict):
        for name, item in value.items():
            for url, named in _hinted(item, name, words):
                yield url, named or _name_beside(value)
    elif isinstance(value, str) and any(word in key.lower() for word in words) and _allowed(value):
        yield value, ""


def _allowed(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE))


def _text(value: dict[str, Any], key: str) -> str:
    name = spelling.find(key, value)
    return value[name] if name is not None and isinstance(value[name], str) else ""


def _name_beside(value: dict[str, Any]) -> str:
    return next((_text(value, key) for key in ("fileName", "name", "displayName") if _text(value, key)), "")


def _named(found: list[tuple[str, str]]) -> list[Link]:
    """Links under names that differ: as told, else the last part of the address."""
    links: list[Link] = []
    taken: set[str] = set()
    for place, (url, told) in enumerate(found, start=1):
        name = (told or unquote(urlsplit(url).path).rpartition("/")[2] or "file").replace("/", "_")
        name = f"{place}-{name}" if name in taken else name
        taken.add(name)
        links.append(Link(name, url))
    return links
