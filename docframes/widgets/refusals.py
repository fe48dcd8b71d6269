"""Errors as one plain sentence or two, for a reader who sees no traceback: without address, key or file content."""

from __future__ import annotations

import re

from docframes.errors import (
    AuthError,
    DocframesError,
    NoAnswer,
    NotFound,
    OfflineMiss,
    RateLimited,
    ServerError,
    ShapeError,
    VendorError,
)
from docframes.transport import redact, replay

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"]+", re.IGNORECASE)
_LONGEST = 400

#: Statuses by which a storage host refuses a link.
_REFUSED = (400, 401, 403)
_GONE = (404, 410)


def sentence(error: BaseException) -> str:
    """What to tell a person about *error*; the text of errors that are not docframes' own is left out."""
    if isinstance(error, OfflineMiss) and replay.current() is not None:
        return (
            "The capsule that is open does not hold this file. Files go in on request: capsule.save(..., files=True)."
        )
    if isinstance(error, OfflineMiss):
        return "docframes is offline, and opening a file needs the network. Go online, then try again."
    if isinstance(error, NoAnswer):
        who = error.vendor or "the storage host"
        return f"Nothing came back from {who}, after every try. Check the network, then try again."
    if isinstance(error, VendorError) and error.status is not None:
        return _of_vendor(error, error.status) if error.vendor else _of_storage(error.status)
    if isinstance(error, ShapeError) and error.excerpt:
        msg = f"{error.vendor or 'The vendor'} answered with something that is no answer of its API. "
        return msg + "A proxy or a sign-in page may stand in between: check the network and base_url."
    if isinstance(error, DocframesError):
        return without_addresses(str(error))
    if isinstance(error, MemoryError):
        return (
            "The file is too large for the memory that is left. Save it with docframes.files.FileRef(...).save(path)."
        )
    return f"The file could not be opened ({type(error).__name__})."


def without_addresses(text: str) -> str:
    """*text* on one line, cut where it is long, with every address and known secret left out."""
    text = " ".join(_ADDRESS.sub("(address left out)", redact.text(text)).split())
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _of_storage(status: int) -> str:
    if status in _REFUSED:
        msg = f"The link was over and a fresh one was refused too ({status}). "
        return msg + "Try again later; if it stays so, ask the vendor whether this file may be read."
    if status in _GONE:
        return f"The storage host has no such file any more ({status}): it was deleted after the frame was loaded."
    return f"The storage host could not send the file ({status}). Try again in a few minutes."


def _of_vendor(error: VendorError, status: int) -> str:
    who = error.vendor
    if isinstance(error, AuthError):
        msg = f"{who} refuses the key ({status}): it was revoked, has run out, or may not open this file. "
        return msg + "Set a key that works, then load the frame again."
    if isinstance(error, NotFound):
        return f"{who} has no such file ({status}): it was deleted, or belongs to another account."
    if isinstance(error, RateLimited):
        seconds = round(error.retry_after or 0)
        when = f"in {seconds:,} second{'' if seconds == 1 else 's'}" if seconds else "in a few minutes"
        return f"{who} takes no more calls for now ({status}). Try again {when}."
    if isinstance(error, ServerError):
        return f"{who} failed ({status}), on every try. Try again in a few minutes."
    return f"{who} refuses to hand this file out ({status})."
