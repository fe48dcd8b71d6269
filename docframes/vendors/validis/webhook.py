"""What a webhook's payload says: that an upload changed its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from docframes import spelling
from docframes.errors import ShapeError
from docframes.tables.columns import as_text
from docframes.transport.answers import excerpt
from docframes.vendors.validis.api import WEBHOOK_DOMAIN

_KEYS = ("event", "status", "clientId", "engagementId", "externalEngagementId", "uploadId", "apiUrl")


@dataclass(frozen=True)
class UploadEvent:
    """A change of an upload's state; ids are text."""

    event: str | None  #: ``UPLOAD`` at present
    status: str | None  #: LOADING, PROCESSING, COMPLETED, FAILED or ABORTED; an open set
    client_id: str | None  #: id of the organisation
    engagement_id: str | None
    external_engagement_id: str | None
    upload_id: str | None
    api_url: str | None  #: root of further calls, as sent; see :attr:`base_url`
    others: Mapping[str, Any] = field(default_factory=dict)  #: keys that are not documented, as sent

    @property
    def completed(self) -> bool:
        """Whether new data can be loaded: no other state brings any (assumed, A18)."""
        return (self.status or "").upper() == "COMPLETED"

    @property
    def base_url(self) -> str | None:
        """The address for ``Client(base_url=...)``; None where a key must not be sent to it.

        A payload is unsigned (A22): anybody may have sent it.  Only https below validis.com is believed.
        """
        try:
            parts = urlsplit(self.api_url or "")
            safe = parts.scheme == "https" and (parts.hostname or "").lower().endswith(WEBHOOK_DOMAIN)
            safe = safe and not parts.username and parts.port in (None, 443)
        except ValueError:
            return None
        return f"https://{parts.hostname}" if safe else None


def parse_webhook(payload: bytes | str | Mapping[str, Any]) -> UploadEvent:
    """The event that a webhook's body, or its decoded JSON, tells of; keys in any case.

    Check what it says with :func:`load_engagements` before acting on it: it is unsigned, and may come twice or late.
    Raises ShapeError where it is no object, or names neither an engagement nor a status.
    Source: support.validis.com, webhook article.
    """
    told = _decoded(payload)
    found = {key: spelling.find(key, told) for key in _KEYS}
    values = {key: as_text(told[name]) if name else None for key, name in found.items()}
    if values["engagementId"] is None or values["status"] is None:
        msg = f"A webhook's payload names engagementId and status; this one has the keys {sorted(told)}."
        raise ShapeError(msg, vendor="validis")
    return UploadEvent(
        event=values["event"],
        status=values["status"],
        client_id=values["clientId"],
        engagement_id=values["engagementId"],
        external_engagement_id=values["externalEngagementId"],
        upload_id=values["uploadId"],
        api_url=values["apiUrl"],
        others={name: value for name, value in told.items() if name not in found.values()},
    )


def _decoded(payload: bytes | str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(payload, Mapping):
        return payload
    raw = payload.encode() if isinstance(payload, str) else payload
    try:
        told = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        text = excerpt(raw)
        raise ShapeError(f"A webhook's payload is JSON; this one begins {text!r}.", vendor="validis") from error
    if not isinstance(told, Mapping):
        raise ShapeError(f"A webhook's payload is an object; this one is a {type(told).__name__}.", vendor="validis")
    return told
