"""The one redactor: cache, cassettes, logs, errors and load records all go through it.

A secret is recognised in three ways: by the name of the query parameter, JSON key or header that carries it, by
the shape of a signed link, or because it was registered (:func:`remember`) when a client was made.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from docframes import spelling

MASK = "[redacted]"

#: Query parameters that sign a link or carry a credential.  Only a URL that has one of them is cut, so that an
#: ordinary link in an answer (``https://example.org/?id=3``) stays data.
SECRET_PARAMETERS = frozenset({
    "x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-goog-signature", "x-goog-credential",
    "awsaccesskeyid", "signature", "sig", "sas", "sastoken", "token", "access_token", "refresh_token", "key-pair-id",
    "api_key", "apikey", "secret", "password", "client_secret",
})  # fmt: skip

#: JSON keys whose whole value is secret, whatever it looks like.
SECRET_KEYS = frozenset({
    "signed_url", "download_url", "file_download_url", "access_token", "refresh_token", "accesstoken", "refreshtoken",
    "sastoken", "sas_token", "fileaccessurl", "password", "api_key", "apikey", "client_secret", "authorization",
    "x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-goog-signature", "x-goog-credential",
    "signedurl", "downloadurl", "filedownloadurl", "clientsecret", "awsaccesskeyid",
})  # fmt: skip

#: Keys whose value is secret in an answer that is asked for its links: elsewhere they may be data.
_LINK_KEYS = frozenset(map(spelling.plain, SECRET_KEYS | SECRET_PARAMETERS)) | {
    "auth", "bearer", "cookie", "cookies", "credential", "credentials", "hmac", "jwt", "policy", "setcookie",
}  # fmt: skip

SECRET_HEADERS = frozenset({
    "authorization", "authentication", "proxy-authorization", "x-api-key", "api-key", "ocp-apim-subscription-key",
    "x-subscription-key", "cookie", "set-cookie", "x-auth-token",
})  # fmt: skip

_NAMES = "|".join(sorted(map(re.escape, SECRET_PARAMETERS), key=len, reverse=True))
# The link ends at white space, a quote or a bracket; JSON may write its slashes and ampersands escaped.
_SIGNED = rf"""\?(?=(?:[^"'\s<>]*?(?:&|\\u0026|&amp;|%26))?(?:{_NAMES})(?:=|%3D))[^"'\s<>]*"""
_SIGNED_TEXT = re.compile(_SIGNED, re.IGNORECASE)
_SIGNED_BYTES = re.compile(_SIGNED.encode(), re.IGNORECASE)
_KEYS = "|".join(sorted(map(re.escape, SECRET_KEYS), key=len, reverse=True))
_KEYED = rf'"({_KEYS})"(\s*:\s*)"(?:[^"\\]|\\.)+"'
_KEYED_TEXT = re.compile(_KEYED, re.IGNORECASE)
_KEYED_BYTES = re.compile(_KEYED.encode(), re.IGNORECASE)
#: A question or equals mark in the way that JSON may write any letter; not behind a backslash that is itself escaped.
_ESCAPED = re.compile(rb"(?<!\\)((?:\\\\)*)\\u00(3f|3d)", re.IGNORECASE)
_WORD = re.compile(r"\S+")
_ADDRESS = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}://[^\s\"'<>]+", re.IGNORECASE)
#: An address written for a query, https%3A%2F%2F, or in base64, where every http begins alike.
_WRAPPED = re.compile(r"https?%3A|(?<![\w+/=-])aHR0c", re.IGNORECASE)
_NAMED = re.compile(rf"(?:^|[?&;])(?:{_NAMES})=.", re.IGNORECASE)

# Longest first, so that a credential which contains another is masked whole.
_known: list[str] = []
_lock = threading.Lock()


def remember(secret: str) -> None:
    """Mask this very text wherever it turns up.  Texts shorter than eight characters are too common to mask."""
    with _lock:
        if len(secret) >= 8 and secret not in _known:
            _known.append(secret)
            _known.sort(key=len, reverse=True)


def known() -> tuple[str, ...]:
    """The texts that are masked wherever they turn up: secrets, to be compared and never shown."""
    with _lock:
        return tuple(_known)


def text(value: str) -> str:
    """*value* with signed links cut before their query, keyed secrets and known credentials masked."""
    if "?" in value:
        value = _SIGNED_TEXT.sub("?" + MASK, value)
    if '"' in value:
        value = _KEYED_TEXT.sub(rf'"\1"\2"{MASK}"', value)
    for secret in tuple(_known):
        if secret in value:
            value = value.replace(secret, MASK)
    return value


def body(value: bytes) -> bytes:
    """The same for the bytes of an answer; JSON stays JSON."""
    if b"\\u003" in value:
        value = _ESCAPED.sub(lambda found: found[1] + (b"?" if found[2] in (b"3f", b"3F") else b"="), value)
    if b"?" in value:
        value = _SIGNED_BYTES.sub(b"?" + MASK.encode(), value)
    if b'"' in value:
        value = _KEYED_BYTES.sub(rf'"\1"\2"{MASK}"'.encode(), value)
    for secret in tuple(_known):
        raw = secret.encode()
        if raw in value:
            value = value.replace(raw, MASK.encode())
    return value


def links(value: bytes) -> bytes:
    """The bytes of an answer that is asked for its links: no address in it keeps its query, whatever signs it.

    Elsewhere a query is data; here it is what makes a link work, under names that nobody can list.  What is not JSON
    is treated as any other answer.  A path that is itself secret cannot be told from one that is not.
    """
    with contextlib.suppress(orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        value = orjson.dumps(_without_links(orjson.loads(value)))
    return body(value)


def _without_links(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _masked(member) if spelling.plain(key) in _LINK_KEYS else _without_links(member)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [_without_links(member) for member in value]
    return _without_link(value) if isinstance(value, str) else value


def _masked(value: Any) -> Any:
    """*value* with every text and number in it masked: that nothing is there is no secret."""
    if isinstance(value, dict):
        return {key: _masked(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_masked(member) for member in value]
    return value if value is None or value == "" or isinstance(value, bool) else MASK


def _without_link(value: str) -> str:
    if value[:1] in ("{", "["):
        # JSON within JSON.
        return links(value.encode()).decode()
    return _WORD.sub(lambda found: _without_query(found[0]), value)


def _without_query(word: str) -> str:
    """*word* without what may sign a link; an ordinary word stays."""
    if "://" in word:
        return _ADDRESS.sub(lambda found: _bare(found[0]), word)
    head, mark, query = word.partition("?")
    if mark and "=" in query:
        return f"{head}?{MASK}"
    signs = _NAMED.search(word) or _WRAPPED.search(word) or ("=" in word and "&" in word)
    return MASK if signs else word


def _bare(address: str) -> str:
    try:
        return url(address)
    except ValueError:
        return MASK


def url(value: str) -> str:
    """*value* without query, fragment and user: what an error or a log may show."""
    parts = urlsplit(value)
    host = parts.netloc.rpartition("@")[2]
    return text(urlunsplit((parts.scheme, host, parts.path, "", "")))


def headers(values: Mapping[str, str], *, keep: Iterable[str] | None = None) -> dict[str, str]:
    """Headers in lower case; those that carry secrets are masked, and all but *keep* left out if that is given."""
    wanted = None if keep is None else {name.lower() for name in keep}
    lower = {name.lower(): value for name, value in values.items()}
    return {
        name: MASK if name in SECRET_HEADERS else text(value)
        for name, value in lower.items()
        if wanted is None or name in wanted
    }


def arguments(values: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a call as a Load record may keep them."""
    return {
        name: MASK if name.lower() in SECRET_PARAMETERS else text(value) if isinstance(value, str) else value
        for name, value in values.items()
    }


class LogFilter(logging.Filter):
    """Redacts a record before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the redacted message in place of the template and its arguments."""
        try:
            record.msg, record.args = text(record.getMessage()), None
        except (TypeError, ValueError):
            record.msg, record.args = MASK, None
        return True


_FILTER = LogFilter()

#: Libraries below us that write URLs or headers into their debug logs.
_CHATTY = (
    "urllib3.connectionpool",
    "urllib3.util.retry",
    "requests_cache.session",
    "requests_cache.policy.actions",
    "requests_cache.backends.base",
    "requests_ratelimiter.requests_ratelimiter",
)


def guard_logs() -> None:
    """Put the redactor before the log handlers of the libraries that a session uses; safe to call again."""
    for name in _CHATTY:
        logging.getLogger(name).addFilter(_FILTER)
