"""What a test must know of a room to ask it the same questions as every other; one module a vendor.

The server behind these questions is scripted here from the contract: a list of records, and the vendor's own way of
handing them out.  It is neither the sandbox nor the loader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Request, Response

Record = dict[str, Any]


def nothing_more(routes: Blueprint) -> None:
    """The vendor needs no other address for its list."""


@dataclass(frozen=True)
class Room:
    """One vendor's list, its server side and its client side."""

    vendor: str
    load: Callable[..., Any]  #: the list loader: ``load(client=..., page_size=..., refresh=...)`` gives a frame
    path: str  #: of the list, below the base URL
    sample: Callable[
        [int], Record
    ]  #: the n-th record, made after the contract's example; ids differ, the rest is alike
    page: Callable[
        [list[Record], Request], Response
    ]  #: answers *request* from the records, paging as the contract says
    refuse: Callable[[int], Response]  #: the answer of a status, with the contract's error body
    client: Callable[[str], Any]  #: a client for a base URL, with an invented credential of the documented shape
    key: str  #: column that tells rows apart
    id_of: Callable[[int], str]  #: what stands there for the n-th record
    optional: str  #: column whose key may be missing from a record
    drop: Callable[[Record], None]  #: removes that key from a record
    nested: Callable[[Record], None]  #: puts null where the record has, or may have, an object
    credential: str  #: the secret that must reach the vendor's host only
    routes: Callable[[Blueprint], None] = nothing_more  #: other addresses the client needs, such as a token's
