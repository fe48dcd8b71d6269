"""Every exception and warning of docframes, one tree.

* DocframesError
  - ConfigError, a ValueError: an argument or setting cannot work
    + MissingKey: no credential was found
    + TooManyCalls: a load would cost more calls than max_calls allows
  - VendorError: the vendor said no (vendor, status, url, request_id, code)
    + BadRequest (400, 422)
    + AuthError (401, 403)
    + NotFound, a LookupError (404)
    + RateLimited (429; retry_after, in seconds)
      . QuotaExhausted: the calls of the day are spent; raised before sending
    + ServerError (5xx)
  - NoAnswer, a ConnectionError: nothing came back, after every try
    + OfflineMiss: offline, and the answer is not in the cache
  - ShapeError, a ValueError: the answer is not what the endpoint promises
  - IncompleteLoad: some of the rows did not come (frame, certificate, resume)
    + BrokenCursor: the vendor lost the place in a list, twice
  - ColumnError, a KeyError: a frame lacks a column that is needed
  - LedgerError, a ValueError: a ledger cannot be read as one
    + ArchiveError: the zip is unsafe or broken; nothing was written
    + RoleError: no column plays a part that is needed
    + ValueFormatError: dates or amounts whose form is not known for sure
  - StoreError, an OSError: a ledger's store cannot be written, or is gone
  - CapsuleError: a capsule cannot be written or read
    + CapsuleAltered: a capsule is not as it was saved (verification)

* DocframesWarning, a UserWarning
  - CacheWarning: the cache cannot be used; the load goes on without it
  - AccessWarning: some of what was asked for may not be seen with this credential
  - SchemaDriftWarning: keys came that the Table does not know, or known ones are gone
  - TextEncodingWarning: a file is not UTF-8; names the encoding that was used
  - LedgerWarning: lines were kept out of a ledger; they are listed in ``problems``

Messages say what was wanted, what came and what to do next.  URLs in errors carry no query string, since a
query may hold a key or a signature.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Any


class DocframesError(Exception):
    """Base of every error that docframes raises."""


class ConfigError(DocframesError, ValueError):
    """An argument or setting cannot work."""


class MissingKey(ConfigError):
    """No credential was found; the message names the environment variable and where the key is made."""


class TooManyCalls(ConfigError):
    """A load would cost more calls than ``max_calls`` allows; what was sent until then is in the cache."""


class VendorError(DocframesError):
    """The vendor said no.

    vendor : the room's name.  status : the HTTP status.  url : without query.  request_id : the vendor's own
    handle for the call, the one thing its support can search for, or None.  code : its machine-readable code, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        vendor: str = "",
        status: int | None = None,
        url: str = "",
        request_id: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.vendor = vendor
        self.status = status
        self.url = url
        self.request_id = request_id
        self.code = code


class BadRequest(VendorError):
    """The vendor refuses the request as it was put (400, 422)."""


class AuthError(VendorError):
    """The vendor refuses the credential (401, 403)."""


class NotFound(VendorError, LookupError):
    """The vendor has no such thing, or not for this account (404)."""


class RateLimited(VendorError):
    """Too many calls, still, after every wait (429).  retry_after : seconds the vendor asked for, or None."""

    def __init__(self, message: str, *, retry_after: float | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.retry_after = retry_after


class QuotaExhausted(RateLimited):
    """The calls that a key allows in its window are spent; raised before sending.  retry_after : until one is free."""


class ServerError(VendorError):
    """The vendor failed (5xx), on every try."""


class NoAnswer(DocframesError, ConnectionError):
    """Nothing came back: no connection, a time-out or a broken answer, on every try.  url : without query."""

    def __init__(self, message: str, *, vendor: str = "", url: str = "") -> None:
        super().__init__(message)
        self.vendor = vendor
        self.url = url


class OfflineMiss(NoAnswer):
    """Offline, and the answer is not in the cache."""


class ShapeError(DocframesError, ValueError):
    """The answer is not what the endpoint promises.  excerpt : the first 200 characters of what came."""

    def __init__(self, message: str, *, vendor: str = "", url: str = "", excerpt: str = "") -> None:
        super().__init__(message)
        self.vendor = vendor
        self.url = url
        self.excerpt = excerpt


class IncompleteLoad(DocframesError):
    """Some of the rows did not come.

    frame : the rows that did.  certificate : what is known of the gap.  resume : call it to go on; calls that
    succeeded are answered from the cache.
    """

    def __init__(
        self,
        message: str,
        *,
        frame: Any = None,
        certificate: Any = None,
        resume: Callable[[], Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.frame = frame
        self.certificate = certificate
        self.resume = resume


class BrokenCursor(IncompleteLoad):
    """The vendor lost the place in a list: a cursor was broken again after a restart, repeated or missing."""


class ColumnError(DocframesError, KeyError):
    """A frame lacks a column that is needed."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which turns a sentence into a quoted string.
        return str(self.args[0]) if self.args else ""


class LedgerError(DocframesError, ValueError):
    """A ledger cannot be read as one."""


class ArchiveError(LedgerError):
    """The zip is unsafe or broken; nothing was written."""


class RoleError(LedgerError):
    """No column plays a part that is needed; the message lists the headers and how to name the roles."""


class ValueFormatError(LedgerError):
    """Dates or amounts are in a form that is not known for sure; the message shows some and how to declare it."""


class StoreError(DocframesError, OSError):
    """A ledger's store cannot be written, or what was there is gone or damaged; the message says where."""


class CapsuleError(DocframesError):
    """A capsule cannot be written, or a file cannot be read as one."""


class CapsuleAltered(CapsuleError):
    """A capsule is not as it was saved.  verification : where and how, as :func:`docframes.capsule.verify` says it."""

    def __init__(self, message: str, *, verification: Any = None) -> None:
        super().__init__(message)
        self.verification = verification


class DocframesWarning(UserWarning):
    """Base of every warning that docframes gives."""


class CacheWarning(DocframesWarning):
    """The cache cannot be used; the load goes on without it."""


class AccessWarning(DocframesWarning):
    """Some of what was asked for may not be seen with this credential; the Load record's ``refused`` lists it."""


class SchemaDriftWarning(DocframesWarning):
    """Keys came that the Table does not know, or known ones are gone; names and counts are in the Load record."""


class TextEncodingWarning(DocframesWarning):
    """A file is not UTF-8; the message names the encoding that was used instead."""


class LedgerWarning(DocframesWarning):
    """Lines were kept out of a ledger; they are counted in the message and listed in its ``problems``."""


_HOME = os.path.dirname(__file__) + os.sep


def warn(message: str, category: type[DocframesWarning]) -> None:
    """Warn at the line of the user's that called into docframes, however deep the call went."""
    above, level, frame = 1, 1, sys._getframe()
    # Other libraries' frames may stand between ours, so the outermost of ours counts.
    while frame.f_back is not None:
        if frame.f_code.co_filename.startswith(_HOME):
            above = level + 1
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=above)
