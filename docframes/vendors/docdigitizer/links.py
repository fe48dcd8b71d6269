"""Links that answers carry: followed on the vendor's own host, and never with the key to another."""

from __future__ import annotations

import dataclasses
from urllib.parse import parse_qsl, urlsplit

from docframes.transport.answers import Call
from docframes.transport.api import Endpoint
from docframes.transport.client import Client


def own_path(client: Client, link: str) -> tuple[str, dict[str, str]] | None:
    """Path below the base URL, and query, of a link to the vendor's own host; None for one to another host.

    Links are relative to the host, not to the base URL, whose path is taken off so that it does not double.  A plain
    http link of the same host is rebuilt on the base URL, so that the key never leaves without TLS.
    """
    parts, base = urlsplit(link), urlsplit(client.base_url)
    if parts.netloc and (parts.hostname, parts.port) != (base.hostname, base.port):
        return None
    if not parts.path.startswith("/"):
        return None
    prefix = base.path.rstrip("/")
    own = parts.path.removeprefix(prefix) if parts.path.startswith(prefix + "/") else parts.path
    return own, dict(parse_qsl(parts.query))


def followed(client: Client, call: Call, link: str | None) -> Call:
    """*call*, at the address that *link* names where there is one on the vendor's own host."""
    target = own_path(client, link) if link else None
    if target is None:
        return call
    path, params = target
    endpoint = dataclasses.replace(call.endpoint, path=verbatim(path))
    return dataclasses.replace(call, endpoint=endpoint, params={**call.params, **params})


def verbatim(path: str) -> str:
    """*path* as an endpoint's path without placeholders."""
    return path.replace("{", "{{").replace("}", "}}")


def last_segment(url: str | None) -> str | None:
    """The last part of a URL's path: the id that it ends with."""
    return urlsplit(url or "").path.rstrip("/").rpartition("/")[2] or None


def file_endpoint(path: str) -> Endpoint:
    """The endpoint of a file's bytes at *path*."""
    return Endpoint("asset_file", verbatim(path), lifetime=0.0, links=True, headers={"Accept": "*/*"})
