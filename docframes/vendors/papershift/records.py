"""JSON:API resources made whole: what an answer says of a resource outside of it, put into its record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from docframes.errors import SchemaDriftWarning, warn
from docframes.transport.answers import Answer
from docframes.transport.api import Api
from docframes.transport.paging import dig

Record = dict[str, Any]

_ODD = re.compile(r"[^\w .,()&+-]+")
LONGEST_STEM = 80


def completed(rows: list[Any], envelope: Any, answer: Answer, api: Api) -> list[Any]:
    """*rows* with the ids that the path alone names, a name for each file, and the resources they link to."""
    endpoint, path = answer.call.endpoint.name, answer.call.path
    if endpoint == "account_users":
        rows = _linked_users(rows, envelope, api)
    elif endpoint == "documents":
        rows = [document(row, str(path["user_id"]), api) for row in rows]
    elif endpoint == "account_documents":
        rows = [account_document(row, api) for row in rows]
    included = dig(envelope, api.value("included")) if isinstance(envelope, Mapping) else None
    if endpoint != "account_users" and isinstance(included, list) and included:
        rows = _with_included(rows, included, api.vendor)
    return rows


def document(row: Any, user_id: str, api: Api) -> Any:
    """A user's document with its user, which it does not name itself, and what names its file."""
    if not isinstance(row, dict):
        return row
    return {
        **row,
        "user_id": user_id,
        "file_id": f"{user_id}/{row.get('id')}",
        "file_name": _file_name(row, "documents", api),
    }


def account_document(row: Any, api: Api) -> Any:
    """An account's document with what names its file."""
    if not isinstance(row, dict):
        return row
    return {**row, "file_id": str(row.get("id")), "file_name": _file_name(row, "account_documents", api)}


def value_of(row: Mapping[str, Any], column: str, table: str, api: Api) -> Any:
    """What a column of the table will hold, wherever the user says that it stands."""
    source = api.value("columns").get(table, {}).get(column, column)
    return dig(row, source[1:] if source.startswith("^") else f"attributes.{source}")


def _file_name(row: Mapping[str, Any], table: str, api: Api) -> str:
    """Names are no file names and may be alike, so odd signs go and the id comes in."""
    stem = _ODD.sub("_", str(value_of(row, "name", table, api) or "document")).strip(" ._") or "document"
    extension = re.sub(r"\W", "", str(value_of(row, "extension", table, api) or "")).lower()
    name = f"{stem[:LONGEST_STEM].rstrip()}-{str(row.get('id'))[:8]}"
    return f"{name}.{extension}" if extension else name


def _linked_users(rows: list[Any], envelope: Any, api: Api) -> list[Any]:
    """Of the resources that came along with an account, its users."""
    links = dig(envelope, api.value("account_users"))
    if isinstance(links, list):
        wanted = {_name(link) for link in links}
        return [row for row in rows if _name(row) in wanted]
    return [row for row in rows if isinstance(row, Mapping) and row.get("type") == api.value("type_user")]


def _with_included(rows: list[Any], included: list[Any], vendor: str) -> list[Any]:
    """Each row with the resources it links to, and those that they link to in turn."""
    known = {_name(resource): resource for resource in included}
    reached: set[tuple[str, str]] = set()
    out = []
    for row in rows:
        names = _reached(row, known)
        reached.update(names)
        out.append({**row, "included": [known[name] for name in names] or None} if isinstance(row, dict) else row)
    lost = len(known.keys() - reached)
    if lost:
        msg = f"{vendor}: {lost} resources came along (included) that no row links to; they are not in the frame. "
        warn(msg + "The standard asks for links in relationships.<name>.data.", SchemaDriftWarning)
    return out


def _reached(row: Any, known: Mapping[tuple[str, str], Any]) -> list[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    waiting = [row]
    while waiting:
        for name in _links(waiting.pop(0)):
            if name in known and name not in found:
                found[name] = None
                waiting.append(known[name])
    return list(found)


def _links(resource: Any) -> Iterator[tuple[str, str]]:
    relationships = dig(resource, "relationships")
    for relationship in relationships.values() if isinstance(relationships, Mapping) else ():
        data = dig(relationship, "data")
        for link in data if isinstance(data, list) else [data]:
            if isinstance(link, Mapping):
                yield _name(link)


def _name(resource: Any) -> tuple[str, str]:
    """What tells a resource from all others."""
    return (str(resource.get("type")), str(resource.get("id"))) if isinstance(resource, Mapping) else ("", "")
