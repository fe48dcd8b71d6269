"""Second realities: servers written from the contracts, whose assumed parts differ from what was assumed.

Each vendor's module turns every assumption of its contract by a switch.  :func:`second` does what all of them have
in common to the list of ``tests/rooms``, so that the questions every room is asked are asked twice.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import orjson
from flask import Request, Response

from tests.rooms import Record, Room

_SNAKE = re.compile(r"[a-z]+(?:_[a-z0-9]+)+")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:Z|\+00:00)")


def second(room: Room) -> Room:
    """The same list where keys are camelCase and moments are written another way; documented names are single words,
    or hold colons and brackets, and so stay as they are."""

    def page(records: list[Record], request: Request) -> Response:
        first = room.page(records, request)
        body = orjson.dumps(respelled(orjson.loads(first.data)))
        return Response(body, first.status_code, dict(first.headers) | {"Content-Length": str(len(body))})

    return dataclasses.replace(room, page=page)


def respelled(value: Any) -> Any:
    """*value* with keys in camelCase, and moments with a blank and seven decimals."""
    if isinstance(value, list):
        return [respelled(item) for item in value]
    if isinstance(value, dict):
        return {camel(key): respelled(item) for key, item in value.items()}
    if isinstance(value, str) and (found := _MOMENT.fullmatch(value)):
        return f"{found[1]} {found[2]}.1234567+00:00"
    return value


def camel(key: str) -> str:
    """``job_template_id`` as ``jobTemplateId``."""
    return re.sub("_(.)", lambda found: found[1].upper(), key) if _SNAKE.fullmatch(key) else key
