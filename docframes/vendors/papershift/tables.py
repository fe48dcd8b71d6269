"""The frames of Papershift Pulse: JSON:API resources, whose own fields stand below ``attributes``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from docframes.tables.schema import Column, FileColumns, Level, Table

PULSE = "pulse-docs.papershift.com/en/api"
#: Links are asked for one by one, when a file is wanted; what an answer holds of them is left out.
LINKS = ("download_url", "upload_url")

_TYPE = Column("type", "str", "type of the resource", source="^type", optional=True)
_RELATIONSHIPS = Column(
    "relationships", "json", "links to other resources, as sent", source="^relationships", optional=True
)
_CREATED = Column("created_at", "timestamp", "when the document was created")
_DISCARDED = Column("discarded_at", "timestamp", "when it was removed; missing while it is in use", optional=True)
_STATUS = Column("upload_status", "str", "uploading, success or error; there is a file after success only; an open set")
_FILE_NAME = Column(
    "file_name",
    "str",
    "a name for the file, made of name, id and extension; the vendor gives none",
    source="^file_name",
)

USERS = Table(
    "users",
    "one row per user: an employee of the account",
    ("user_id",),
    (
        Column("user_id", "str", "id of the user", source="^id"),
        _TYPE,
        Column("name", "str", "personal data"),
        Column("email", "str", "personal data", optional=True),
        Column("employee_number", "str", "the employer's own number, as text", optional=True),
        Column("status", "str", "created, invited, active or deactivated; an open set", optional=True),
        _DISCARDED,
        _RELATIONSHIPS,
    ),
    f"{PULSE}/introduction, Filtering",
)

TEAMS = Table(
    "teams",
    "one row per team",
    ("team_id",),
    (
        Column("team_id", "str", "id of the team", source="^id"),
        _TYPE,
        Column("account_id", "str", "id of the account the team belongs to"),
        Column("name", "str", "name, unique in the account"),
        Column("parent_team_id", "str", "id of the team above; missing for the default team", optional=True),
        _DISCARDED,
        _RELATIONSHIPS,
    ),
    f"{PULSE}/teams",
)

DOCUMENTS = Table(
    "documents",
    "one row per document of a user that the caller may see",
    ("user_id", "document_id"),
    (
        Column("user_id", "str", "id of the user, taken from the call: a document does not name it", source="^user_id"),
        Column("document_id", "str", "id of the document", source="^id"),
        _TYPE,
        Column("name", "str", "display name, without extension"),
        Column("extension", "str", "pdf or doc; an open set"),
        Column("sensitive", "boolean", "whether the document is marked as sensitive"),
        Column("visible_to_user", "boolean", "whether the employee sees it"),
        _STATUS,
        _CREATED,
        _RELATIONSHIPS,
        Column("file_id", "str", "user_id/document_id: what names the file behind the row", source="^file_id"),
        _FILE_NAME,
    ),
    f"{PULSE}/user-documents",
    file=FileColumns("documents", "file_id", "file_name"),
    secret=LINKS,
)

ACCOUNT_DOCUMENTS = Table(
    "account_documents",
    "one row per document of the account as a whole",
    ("document_id",),
    (
        Column("document_id", "str", "id of the document", source="^id"),
        _TYPE,
        Column("account_id", "str", "id of the account"),
        Column("name", "str", "display name, without extension"),
        Column("extension", "str", "docx, csv, pdf or txt; an open set"),
        _STATUS,
        Column(
            "vectorization_status",
            "str",
            "non_vectorized (also seen as not_vectorized), succeeded or failed; an open set",
            optional=True,
        ),
        _CREATED,
        _RELATIONSHIPS,
        Column("file_id", "str", "document_id: what names the file behind the row", source="^file_id"),
        _FILE_NAME,
    ),
    f"{PULSE}/account-documents",
    file=FileColumns("account_documents", "file_id", "file_name"),
    secret=LINKS,
)

#: Every table of the room.
ALL = (USERS, TEAMS, DOCUMENTS, ACCOUNT_DOCUMENTS)


def level(table: Table, *, metadata: Sequence[str] = (), include: Sequence[str] = ()) -> Level:
    """The level of *table*, with a column for each kind of metadata asked for and one for what comes along."""
    more = [_metadata(name) for name in metadata]
    if include:
        wanted = ", ".join(include)
        more.append(
            Column("included", "json", f"the resources the row links to ({wanted})", source="^included", optional=True)
        )
    return Level(dataclasses.replace(table, columns=(*table.columns, *more)), fields="attributes")


def _metadata(name: str) -> Column:
    return Column(name, "json", "metadata of the resource, as sent", source=f"^meta.{name}", optional=True)
