"""What a user calls to read.  Each loader reads as the sentence it carries out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from docframes.errors import ColumnError, ConfigError, NotFound, ShapeError
from docframes.loading import Options, Plan, load_list, load_lists
from docframes.tables.schema import Level
from docframes.transport.answers import object_of
from docframes.transport.paging import dig
from docframes.transport.planning import as_a_whole
from docframes.vendors.papershift import tables
from docframes.vendors.papershift.api import NO_ACCESS
from docframes.vendors.papershift.client import Client, default_client
from docframes.vendors.papershift.links import file_links, sign_file
from docframes.vendors.papershift.queries import (
    Filters,
    filter_parameters,
    include_parameter,
    metadata_parameters,
    sort_parameter,
)

__all__ = [
    "Client",
    "default_client",
    "file_links",
    "load_account_documents",
    "load_documents",
    "load_teams",
    "load_users",
    "sign_file",
]


@as_a_whole
def load_users(
    *,
    filters: Filters | None = None,
    sort: str | Sequence[str] | None = None,
    include: Sequence[str] = (),
    account_id: str | None = None,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per user of the account, those who have left among them; columns of ``describe(frame)``.

    filters : tests by attribute, all of which must hold: ``{"status": ("eq", "active")}``; the operators are eq, gt,
    gte, lt, lte, pre, suf, ct, in (and with ``!`` before them !eq, !ct, !in), blank and present; a list holds several
    tests of one attribute.  sort : an attribute, with ``-`` before it descending.  include : relationships whose
    resources come along, as JSON in the column ``included``.
    account_id : read the users of that account by way of the account.  None asks for the list of users, and where
    there is none (404), goes by way of the account that was used last.
    limit : rows in total.  page_size : rows a page, at most 100.  refresh : go past the cache.
    progress : None shows a bar after a second.  allow_partial : accept a load with gaps.
    max_calls : refuse, before it is sent, what would cost more calls.  trace : with a column by which
    ``docframes.trace`` finds where a row came from.
    client : None is the account of the environment.
    Raises MissingKey, AuthError, BadRequest, RateLimited, ServerError, NoAnswer, ShapeError, IncompleteLoad.
    Source: pulse-docs.papershift.com/en/api/introduction.
    """
    client = client or default_client()
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    asked = {"filters": filters, "sort": sort, "include": include}
    if account_id is not None:
        return _load_account_users(account_id, asked, options, client)
    try:
        return _load("load_users", "users", tables.USERS, asked, options, client)
    except NotFound as error:
        error.add_note('The path was assumed; say another: Client(assumptions={"path_users": "..."}).')
        account_id = _account_in_force(client)
        if account_id is None:
            raise
        return _load_account_users(account_id, asked, options, client)


def load_teams(
    *,
    filters: Filters | None = None,
    sort: str | Sequence[str] | None = None,
    include: Sequence[str] = (),
    metadata: Sequence[str] = (),
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per team of the account.

    include : such as ``["parent_team", "team_memberships"]``.  metadata : permissions asked for by name, such as
    ``["actions"]``, as JSON in a column of that name.
    Other arguments, errors: as :func:`load_users`.  Source: pulse-docs.papershift.com/en/api/teams.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    asked = {"filters": filters, "sort": sort, "include": include, "metadata": metadata}
    return _load("load_teams", "teams", tables.TEAMS, asked, options, client or default_client())


def load_account_documents(
    *,
    filters: Filters | None = None,
    sort: str | Sequence[str] | None = None,
    metadata: Sequence[str] = (),
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per document of the account as a whole: what it is, not its bytes, for which see :func:`sign_file`.

    Arguments, errors: as :func:`load_teams`.  Source: pulse-docs.papershift.com/en/api/account-documents.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    asked = {"filters": filters, "sort": sort, "metadata": metadata}
    client = client or default_client()
    try:
        return _load("load_account_documents", "account_documents", tables.ACCOUNT_DOCUMENTS, asked, options, client)
    except NotFound as error:
        error.add_note('The path was assumed; say another: Client(assumptions={"path_account_documents": "..."}).')
        raise


@as_a_whole
def load_documents(
    users: pd.DataFrame | Sequence[str] | None = None,
    *,
    filters: Filters | None = None,
    sort: str | Sequence[str] | None = None,
    metadata: Sequence[str] = (),
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per document in the personnel files of *users*: one call a user, in parallel.

    users : a frame of :func:`load_users`, or user ids; None loads the users first.  A document does not name its
    user: ``user_id`` is the one that was asked for.  ``sensitive`` and ``visible_to_user`` are boolean; times are UTC.
    A user whose documents the caller may not see (403, 404) is no error: an AccessWarning tells how many there are,
    ``load_record(frame).refused`` names each with what was answered, and the certificate is CANNOT_PROVE.
    Only what the caller may see is listed, so that two callers may get different rows for one user.
    Other arguments, errors: as :func:`load_teams`; AuthError where the token itself is refused.
    Source: pulse-docs.papershift.com/en/api/user-documents.
    """
    client = client or default_client()
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    if users is None:
        users = load_users(
            refresh=refresh, progress=progress, allow_partial=allow_partial, max_calls=max_calls, client=client
        )
    ids = _user_ids(users)
    asked = {"filters": filters, "sort": sort, "metadata": _plain(metadata)}
    params = _params(asked, client)
    calls = [client.ask("documents", {"user_id": user_id}, params) for user_id in ids]
    plan = Plan(
        client, "load_documents", _level(tables.DOCUMENTS, asked), {"users": len(ids), **_given(asked)}, options
    )
    return load_lists(plan, calls, ids, refusals=NO_ACCESS)


# --- how they do it -----------------------------------------------------------------------------------------------


def _load(
    loader: str, endpoint: str, table: Any, asked: dict[str, Any], options: Options, client: Client
) -> pd.DataFrame:
    asked = {**asked, "metadata": _plain(asked.get("metadata") or ())}
    plan = Plan(client, loader, _level(table, asked), {**_given(asked), "limit": options.limit}, options)
    return load_list(plan, client.ask(endpoint, params=_params(asked, client)))


def _load_account_users(account_id: str, asked: dict[str, Any], options: Options, client: Client) -> pd.DataFrame:
    """The users that come along with an account; a filter of theirs bears the association's name."""
    if asked["sort"] or asked["include"]:
        msg = "Users are read by way of their account here: they come along with it, so sort= and include= cannot be "
        raise ConfigError(msg + "asked for. Sort the frame instead.")
    filters = filter_parameters(asked["filters"], client.api, "users")
    params = {**filters, **include_parameter("users", client.api)}
    arguments = {**_given(asked), "account_id": account_id, "limit": options.limit}
    plan = Plan(client, "load_users", _level(tables.USERS, asked), arguments, options)
    return load_list(plan, client.ask("account_users", {"account_id": account_id}, params))


def _account_in_force(client: Client) -> str | None:
    """The account that the identity used last, or None where it does not say."""
    try:
        answer = client.call(client.ask("identity"))
        identity = object_of(answer.json(), answer, client.api)
    except (NotFound, ShapeError):
        return None
    name = client.api.value("account_in_force")
    found = dig(identity, f"attributes.{name}")
    return None if found is None else str(found)


def _level(table: Any, asked: dict[str, Any]) -> Level:
    return tables.level(table, metadata=asked.get("metadata") or (), include=asked.get("include") or ())


def _params(asked: dict[str, Any], client: Client) -> dict[str, Any]:
    return {
        **filter_parameters(asked.get("filters"), client.api),
        **sort_parameter(asked.get("sort"), client.api),
        **include_parameter(asked.get("include") or (), client.api),
        **metadata_parameters(asked.get("metadata") or (), client.api),
    }


def _plain(metadata: Sequence[str]) -> Sequence[str]:
    """Metadata that a frame may hold.  Links are secrets, and old before the last row has come."""
    if isinstance(metadata, str):
        raise ConfigError(f"metadata is one text; give a list, such as [{metadata!r}].")
    if set(metadata) & set(tables.LINKS):
        raise ConfigError("A frame holds no links: they are secrets, and old soon. Ask sign_file() when one is wanted.")
    return metadata


def _given(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value}


def _user_ids(users: pd.DataFrame | Sequence[str]) -> list[str]:
    """Each user once, in order."""
    if isinstance(users, str):
        raise ConfigError("users is one text; give a list of user ids, or a frame of load_users().")
    if isinstance(users, pd.DataFrame):
        if "user_id" not in users.columns:
            msg = f"load_documents needs the column 'user_id'; this frame has {list(users.columns)}. "
            raise ColumnError(msg + "Rename yours first: frame.rename(columns={'id': 'user_id'}).")
        users = users["user_id"].dropna().tolist()
    return list(dict.fromkeys(str(user_id) for user_id in users))
