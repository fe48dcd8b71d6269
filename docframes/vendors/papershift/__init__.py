"""Papershift Pulse: users and teams, and the documents of their personnel files.

from docframes import papershift

users = papershift.load_users(filters={"status": ("eq", "active")})
documents = papershift.load_documents(users)
papershift.upload_document(users["user_id"][0], "licence.pdf", name="Forklift licence")
"""

from __future__ import annotations

from docframes.vendors.papershift.loaders import (
    Client,
    load_account_documents,
    load_documents,
    load_teams,
    load_users,
    sign_file,
)
from docframes.vendors.papershift.uploads import delete_document, update_document, upload_document

__all__ = [
    "Client",
    "delete_document",
    "load_account_documents",
    "load_documents",
    "load_teams",
    "load_users",
    "sign_file",
    "update_document",
    "upload_document",
]
