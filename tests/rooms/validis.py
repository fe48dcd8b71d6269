"""Validis: a token first, then pages counted from 0 in the envelope that the contract takes for likeliest."""

from __future__ import annotations

import math
from typing import Any

import orjson
from flask import Blueprint, Request, Response

from docframes.vendors import validis
from tests.rooms import Record, Room

KEY = "5d1c0e9b7a3f48d2" * 2
CLIENT_ID = "0b1f7c52-9b0e-4c56-8d3a-2f4f1f8f7a10"


def id_of(number: int) -> str:
    return str(4710 + number)


def sample(number: int) -> Record:
    return {
        "id": 4710 + number,
        "externalEngagementId": f"AUD-{number:03d}",
        "clientId": "9a0f3d5e-2f0c-4f0b-a0de-6f4f26a1c6a2",
        "relationshipManager": "P. Pennock",
        "owner": {"firstName": "Gwen", "lastName": "Quayle", "email": "g.quayle@example.org"},
        "sme": {"id": "77", "name": "Harrowbeck Van Hire Ltd"},
        "lastUploadDate": 1_775_542_364,
    }


def page(records: list[Record], request: Request) -> Response:
    number, size = int(request.args.get("page", 0)), int(request.args.get("size", 200))
    pages = math.ceil(len(records) / size)
    told = {"totalElements": len(records), "totalPages": pages, "last": number + 1 >= pages, "size": size}
    return _json({"content": records[number * size : (number + 1) * size], **told})


def refuse(status: int) -> Response:
    return _json({"statusCode": status, "message": "It was refused."}, status)


def _routes(routes: Blueprint) -> None:
    def token() -> Response:
        ids = {"clientId": CLIENT_ID, "vconnectClientId": CLIENT_ID, "resellerId": CLIENT_ID, "userId": 907}
        told = {"access_token": "eyJh.eyJz.c2ln", "token_type": "JWT", "expires_in": 1800, "jti": "1"}
        return _json({**told, **ids, "permissions": ""})

    routes.add_url_rule("/v1/oauth/token", "token", token, methods=["POST"])


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")


def _drop(record: Record) -> None:
    del record["lastUploadDate"]


def _nested(record: Record) -> None:
    record["sme"] = None


ROOM = Room(
    vendor="validis",
    load=validis.load_engagements,
    path=f"/v1/clients/{CLIENT_ID}/engagements",
    sample=sample,
    page=page,
    refuse=refuse,
    client=lambda url: validis.Client(api_key=KEY, base_url=url),
    key="engagement_id",
    id_of=id_of,
    optional="last_upload_at",
    drop=_drop,
    nested=_nested,
    credential=KEY,
    routes=_routes,
)
