"""Secrets that stand in text or bytes: keys that are known, and whatever has the shape of a secret.

It finds what :mod:`.redact` would mask, and what people paste into code.  A value is never given out: only what kind
of secret it is, and a fingerprint by which two of them are told apart.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import html
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO
from urllib.parse import quote, quote_plus

from docframes.transport import redact

#: Shorter keys are too common to look for, as for the redactor.
SHORTEST = 8
_BLOCK, _OVERLAP = 4 << 20, 64 << 10
#: More than this of one packed text is not unpacked.
_UNPACKED = 64 << 20


@dataclass(frozen=True)
class Hit:
    """A secret.  start, end : where it stands.  fingerprint : 8 hex digits of the SHA-256 of its value."""

    kind: str
    fingerprint: str
    start: int
    end: int


def fingerprint(value: bytes) -> str:
    """By which two values are told apart, and from which neither can be had."""
    return hashlib.sha256(value).hexdigest()[:8]


# --- what a secret looks like ---------------------------------------------------------------------------------------


def _any(names: frozenset[str] | set[str]) -> bytes:
    return b"|".join(re.escape(name.encode()) for name in sorted(names, key=len, reverse=True))


_QUOTE = rb"""\\*["']"""
_NAMES_IN_CODE = rb"api_?key|subscription_?key|password|passwd|client_secret|token"
_SCHEME = rb"(?:(?:bearer|basic|token|api_key|apikey|jwt)\s+)?"


#: Keys whose value is a link: the link itself tells whether it is signed, and code names other keys here.
_LINKS = {name for name in redact.SECRET_KEYS if name.endswith("url")}


@dataclass(frozen=True)
class _Rule:
    """One shape.  near : one of these is in every text that has it.  The value is the group ``value``."""

    kind: str  #: with a place for the group ``name``
    shape: re.Pattern[bytes]
    near: tuple[bytes, ...]
    loose: bool = False  #: the name before it tells enough, so the value may be a plain word


_RULES = (
    _Rule(
        "signed link ({name})",
        re.compile(
            rb"(?:[?&]|\\u0026|%26|%3F)(?:amp;)?(?P<name>" + _any(redact.SECRET_PARAMETERS) + rb")(?:=|%3D)"
            rb"""(?P<value>[^\s"'<>&\\,;|)}`]+)""",
            re.IGNORECASE,
        ),
        tuple(f"{name}{mark}".encode() for name in redact.SECRET_PARAMETERS for mark in ("=", "%3d")),
    ),
    _Rule(
        'value of "{name}"',
        re.compile(
            b"(?P<quote>" + _QUOTE + b")(?P<name>" + _any(redact.SECRET_KEYS - _LINKS) + rb")(?P=quote)\s*:\s*"
            rb"""(?P=quote)(?P<value>[^"'\\]{6,4000})""",
            re.IGNORECASE,
        ),
        tuple(name.encode() for name in redact.SECRET_KEYS - _LINKS),
        loose=True,
    ),
    _Rule(
        "header {name}",
        # As it is sent, as JSON or YAML, in a list of values or of pairs, or as HAR has it.
        re.compile(
            rb"(?<![\w-])(?P<name>" + _any(redact.SECRET_HEADERS) + rb")" + rb"""\\*["']?\]?\s*(?:=>|[:,=])\s*"""
            rb"""(?:[\[({]\s*|-\s+)?(?:\\*["']?value\\*["']?\s*:\s*)?\\*["']?""" + _SCHEME + rb"(?P<value>"
            rb"[\w.~+/=|:%-]{8,})",
            re.IGNORECASE,
        ),
        tuple(name.encode() for name in redact.SECRET_HEADERS),
    ),
    _Rule(
        "{name} in code",
        re.compile(
            rb"(?P<name>\b\w{0,60}(?:" + _NAMES_IN_CODE + rb"))" + rb"""\\*["']?\]?\s*(?:=|:)\s*\\*["']"""
            rb"""(?P<value>[^"'\\\s]{8,})""",
            re.IGNORECASE,
        ),
        (b"key", b"password", b"passwd", b"secret", b"token"),
    ),
    _Rule(
        "{name} in a command",
        re.compile(rb"(?P<name>DOCFRAMES_[A-Z]+_(?:[A-Z_]*KEY|TOKEN|PASSWORD))[= ](?P<value>[^\s\"'\\]{8,})"),
        (b"docframes_",),
    ),
    _Rule(
        "password in an address",
        re.compile(rb"""://[^\s/:@"'<>\\]{1,200}:(?P<value>[^\s/@"'<>\\]{3,200})@[\w.-]"""),
        (b"://",),
        loose=True,
    ),
    _Rule(
        "token (JWT)",
        re.compile(rb"(?<![\w-])(?P<value>eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{2,})"),
        (b"eyj",),
    ),
)

#: What stands where a secret was, or will be.
_STANDS_IN = re.compile(
    rb"redact|\.\.\.|\xe2\x80\xa6|\*\*\*|x{4}|[{}<>$]|%s|%\(|your|example|placeholder|^(?:true|false|null|none|user|bearer|"
    rb"basic|pass(?:word)?|secret|token|str(?:ing)?)$",
    re.IGNORECASE,
)
_RUN = re.compile(rb"[A-Za-z0-9+/]{60,}(?:\r?\n[ \t]*[A-Za-z0-9+/]+)*={0,2}")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"%PDF")


def _is_secret(value: bytes, *, loose: bool) -> bool:
    """Whether *value* may be one: not a mask or a placeholder, and unlike a word unless it need not be."""
    if _STANDS_IN.search(value):
        return False
    if loose:
        return True
    digits, letters = re.search(rb"\d", value), re.search(rb"[A-Za-z]", value)
    mixed = re.search(rb"[a-z]", value) and re.search(rb"[A-Z]", value) and re.fullmatch(rb"[\w+/=%]+", value)
    return len(value) >= SHORTEST and bool((digits and letters) or (len(value) >= 20 and mixed))


# --- keys that are known --------------------------------------------------------------------------------------------


def forms(secret: str) -> dict[bytes, str]:
    """Every way in which *secret* may stand in a file, and what to call it; as it is has no name."""
    raw = secret.encode()
    found = {raw: "", secret.encode("utf-16-le"): "UTF-16"}
    once = json.dumps(secret)[1:-1]
    for escaped in (once, json.dumps(once)[1:-1], html.escape(secret)):
        found.setdefault(escaped.encode(), "escaped")
    for quoted in (quote(secret, safe=""), quote_plus(secret), quote(secret)):
        found.setdefault(quoted.encode(), "URL-encoded")
        found.setdefault(re.sub("%..", lambda match: match[0].lower(), quoted).encode(), "URL-encoded")
    for before in range(3):
        # What stands before it shifts the letters of base64, in three ways; those shared with a neighbour are left out.
        packed = base64.b64encode(b"\0" * before + raw)
        packed = packed[(0, 2, 3)[before] : len(packed) - (0, 3, 2)[(before + len(raw)) % 3]]
        for text in (packed, packed.translate(bytes.maketrans(b"+/", b"-_"))):
            found.setdefault(text, "base64")
    return {form: name for form, name in found.items() if len(form) >= SHORTEST}


class Scanner:
    """Finds secrets in bytes.

    known : names of secrets to their values; shorter ones than :data:`SHORTEST` are not looked for.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._forms = [
            (form, f"{name} ({form_name})" if form_name else name, fingerprint(secret.encode()))
            for name, secret in known.items()
            if len(secret) >= SHORTEST
            for form, form_name in forms(secret).items()
        ]

    def __repr__(self) -> str:
        return f"Scanner({len({seal for _, _, seal in self._forms})} known)"

    def hits(self, data: bytes, *, packed: bool = True) -> list[Hit]:
        """Every secret in *data*, in order.  packed : look into longer pieces of base64, too."""
        found = list(self._known(data))
        lower = data.lower()
        for rule in _RULES:
            if any(word in lower for word in rule.near):
                found += [hit for hit in _shaped(rule, data) if not _covers(found, hit)]
        if packed:
            found += [hit for hit in self._packed(data) if not _covers(found, hit)]
        return sorted(found, key=lambda hit: hit.start)

    def _known(self, data: bytes) -> Iterator[Hit]:
        for form, kind, seal in self._forms:
            start = data.find(form)
            while start >= 0:
                yield Hit(kind, seal, start, start + len(form))
                start = data.find(form, start + len(form))

    def _packed(self, data: bytes) -> Iterator[Hit]:
        for run in _RUN.finditer(data):
            for hit in self.hits(_unpacked(run[0]), packed=False):
                yield Hit(f"{hit.kind} (in base64)", hit.fingerprint, run.start(), run.end())

    def stream(self, file: IO[bytes]) -> Iterator[tuple[int, Hit]]:
        """Every secret in *file*, with its line, counted from 1; memory does not grow with the file."""
        line, data = 1, b""
        reader = _Reader(file)
        while block := reader.read():
            data += block
            cut = _cut(data)
            yield from self._lines(data, line, cut)
            line, data = line + data.count(b"\n", 0, cut), data[cut:]
        yield from self._lines(data, line, len(data))

    def _lines(self, data: bytes, line: int, cut: int) -> Iterator[tuple[int, Hit]]:
        at = 0
        for hit in self.hits(data):
            if hit.start < cut:
                line, at = line + data.count(b"\n", at, hit.start), hit.start
                yield line, hit


def _shaped(rule: _Rule, data: bytes) -> Iterator[Hit]:
    for match in rule.shape.finditer(data):
        value = match["value"].rstrip(b".,:;")
        if _is_secret(value, loose=rule.loose):
            name = match["name"].decode("ascii", "replace") if "name" in rule.shape.groupindex else ""
            yield Hit(rule.kind.format(name=name), fingerprint(value), *match.span("value"))


def _covers(found: list[Hit], hit: Hit) -> bool:
    return any(one.start < hit.end and hit.start < one.end for one in found)


def _unpacked(run: bytes) -> bytes:
    """What a piece of base64 holds, unpacked if it is packed; nothing where it is a picture or no base64."""
    text = re.sub(rb"\s", b"", run).rstrip(b"=")
    try:
        data = base64.b64decode(text[: len(text) // 4 * 4] if len(text) % 4 == 1 else text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return b""
    if data.startswith(_PICTURES):
        return b""
    if data.startswith(b"\x1f\x8b"):
        with contextlib.suppress(zlib.error):
            return zlib.decompressobj(wbits=31).decompress(data, _UNPACKED)
    return data


def _cut(data: bytes) -> int:
    """Where a block ends whose secrets all end in *data*: at a line's end, where there is one near."""
    most = max(0, len(data) - _OVERLAP)
    at = data.rfind(b"\n", 0, most) + 1
    return at if at > most - _OVERLAP else most


class _Reader:
    """Reads a file as UTF-8 whatever Unicode it is in, and as it was before HTML escaped it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._rest = file.read(_BLOCK)
        self._wide = self._rest.startswith((b"\xff\xfe", b"\xfe\xff"))
        self._text = self._wide or b"\0" not in self._rest[:8192]

    def read(self) -> bytes:
        """The next block; nothing at the end."""
        block, self._rest = self._rest or self._file.read(_BLOCK), b""
        if self._wide:
            # Such files are exports of spreadsheets, so they fit into memory.
            block = (block + self._file.read()).decode("utf-16", "replace").encode() if block else b""
        if self._text and b"&" in block and re.search(rb"&(?:quot|amp|lt|gt|#\w+);", block):
            return html.unescape(block.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        return block
