"""The loaders of extracts: the general ledger, receivables and payables, of one engagement or of several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, TypeVar, get_args, overload

from docframes.errors import ConfigError
from docframes.ledger import ROLES, GeneralLedger
from docframes.ledger.frames import Amounts
from docframes.ledger.members import TABLES
from docframes.ledger.roles import Override
from docframes.ledger.sources import How as LedgerHow
from docframes.ledger.values import AmountForm
from docframes.vendors.validis.asking import Id, Ids, engagement, engagements, one_engagement
from docframes.vendors.validis.client import Client, default_client
from docframes.vendors.validis.extract import GENERAL_LEDGER
from docframes.vendors.validis.fetching import Book, Wanted
from docframes.vendors.validis.item_columns import Headers
from docframes.vendors.validis.item_tables import COLUMNS, DAYS, NAMES
from docframes.vendors.validis.items import PAYABLES, RECEIVABLES, How, ItemsExtract
from docframes.vendors.validis.several import load, load_several

T = TypeVar("T")

Dates = str | Mapping[str, str] | None
#: What only the register's entries for items name; the ledger's reader does not know it.
_OF_ITEMS = {*NAMES, *DAYS} - {*TABLES, *ROLES}


# A text is a sequence of texts too, which the overloads cannot say.
@overload
def load_gl_extract(  # type: ignore[overload-overlap]
    engagement_id: Id,
    include_future_years: bool = False,
    *,
    roles: Mapping[str, Override] | None = None,
    dates: Dates = None,
    amounts: Amounts = "float",
    refresh: bool = False,
    progress: bool | None = None,
    client: Client | None = None,
) -> GeneralLedger: ...
@overload
def load_gl_extract(
    engagement_id: Ids,
    include_future_years: bool = False,
    *,
    roles: Mapping[str, Override] | None = None,
    dates: Dates = None,
    amounts: Amounts = "float",
    refresh: bool = False,
    progress: bool | None = None,
    client: Client | None = None,
) -> dict[str, GeneralLedger]: ...
def load_gl_extract(
    engagement_id: Id | Ids,
    include_future_years: bool = False,
    *,
    roles: Mapping[str, Override] | None = None,
    dates: Dates = None,
    amounts: Amounts = "float",
    refresh: bool = False,
    progress: bool | None = None,
    client: Client | None = None,
) -> GeneralLedger | dict[str, GeneralLedger]:
    """The general ledger of an engagement's latest upload, from its extract; or those of several, by engagement.

    The vendor prepares an extract when it is first asked for: the loader waits, by ``Retry-After`` or 30 seconds, at
    most 20 times, and shows a line meanwhile.  Files are streamed to disk without any credential, and are fetched
    again only where the storage host says that they changed.  All files are of one upload, or it starts once more.
    engagement_id : one id; or several, or a frame of :func:`load_engagements`: all are asked for at once, so that the
    waits pass together, each ledger is read when it has come, and a dict has them in the order asked, each once.
    include_future_years : with invoices dated in the future.
    roles, dates, amounts : as in ``docframes.read_ledger``.  refresh : fetch the files whatever is here already.
    Returns : a GeneralLedger; ``.origin`` names the engagement and the upload, ``load_record(gl.transactions)`` the
    files' SHA-256.  Amounts are signed, debit positive (assumed, A58).
    Raises NoAnswer where the extract is not ready in the end, IncompleteLoad where its files are of two uploads twice,
    LedgerError where they cannot be read; others as :func:`load_engagements`.  Of several, what one engagement meets is
    told in one IncompleteLoad, whose ``.frame`` is the dict of those that came and whose ``.resume()`` loads the rest;
    what concerns all of them, such as the key, is raised as it is, and so is the first error where none came.
    Source: developer.validis.com, extracts.
    """
    options = partial(_ledger_options, roles=roles, dates=dates, amounts=amounts)
    return _load(GENERAL_LEDGER, engagement_id, include_future_years, options, refresh, progress, client)


@overload
def load_ar_extract(  # type: ignore[overload-overlap]
    engagement_id: Id,
    include_future_years: bool = False,
    *,
    columns: Headers | None = None,
    dates: Dates = None,
    amounts: Amounts = "float",
    refresh: bool = False,
    progress: bool | None = None,
    client: Client | None = None,
) -> ItemsExtract: ...
@overload
def load_ar_extract(
    engagement_id: Ids,
    include_future_years: bool = False,
    *,
    columns: Headers | None = None,
    dates: Dates = None,
    amounts: Amounts = "float",
    refresh: bool = False,
    progress: bool | None = None,
    client: Client | None = None,
) -> dict[str, ItemsExtract]: ...
def load_ar_extract(
    engagement_id: Id | Ids,
    include_future_years: bool = False,
    *,
    columns: Headers | None = None,
    dates: Dates = None,
    amounts: Amounts = "float",
    refresh: bool = False,
    progress: bool | None = None,
    client: Client | None = None,
) -> ItemsExtract | dict[str, ItemsExtract]:
    """The receivables of an engagement's latest upload, from their extract: items, allocations, customers, company.

    It is waited for, fetched and kept as in :func:`load_gl_extract`, of one engagement or of several.  That there is
    such an extract, its path (A26), files (A29) and columns (A34) are assumed; what is not recognised is kept, as text.
    columns : column -> header, where the headers do not say it: ``{"amount": "GROSS"}``.  None: there is none.
    dates : a ``strptime`` format for every date, or one by column; None reads ISO 8601 and ``yyyymmdd``.
    amounts : ``"float"`` for float64 columns, ``"decimal"`` for exact ones.  Signs are those of the file (A49).
    Returns : an ItemsExtract.  A value that cannot be read is missing and listed in ``problems``, with its line.
    Raises NotFound where there is no such path, RoleError without a column of amounts, ValueFormatError for dates or
    amounts whose form is not sure; others as :func:`load_gl_extract`.
    """
    options = partial(_item_options, columns=columns, dates=dates, amounts=amounts)
    return _load(RECEIVABLES, engagement_id, include_future_years, options, refresh, progress, client)


@overload
def load_ap_extract(  # type: ignore[overload-overlap]
    engagement_id: Id,
    include_future_years: bool = False,
    *,
    columns: Headers | None = None,
    dates: Dates = None,
    amounts: Amounts = "float",
    refresh: bool = False,
    progress: bool | None = None,
    client: Client | None = None,
) -> ItemsExtract: ...
@overload
def load_ap_extract(
    engagement_id: Ids,
    include_future_years: bool = False,
    *,
    columns: Headers | None = None,
    dates: Dates = None,
    amounts: Amounts = "float",
    refresh: bool = False,
    progress: bool | None = None,
    client: Client | None = None,
) -> dict[str, ItemsExtract]: ...
def load_ap_extract(
    engagement_id: Id | Ids,
    include_future_years: bool = False,
    *,
    columns: Headers | None = None,
    dates: Dates = None,
    amounts: Amounts = "float",
    refresh: bool = False,
    progress: bool | None = None,
    client: Client | None = None,
) -> ItemsExtract | dict[str, ItemsExtract]:
    """The payables of an engagement's latest upload, from their extract: items, allocations, suppliers, company.

    Arguments, errors, what is assumed: as :func:`load_ar_extract`.
    """
    options = partial(_item_options, columns=columns, dates=dates, amounts=amounts)
    return _load(PAYABLES, engagement_id, include_future_years, options, refresh, progress, client)


# --- how they do it -----------------------------------------------------------------------------------------------


def _load(
    book: Book[T],
    given: Id | Ids,
    include_future_years: bool,
    options: Callable[[Client], dict[str, Any]],
    refresh: bool,
    progress: bool | None,
    client: Client | None,
) -> T | dict[str, T]:
    one = one_engagement(given)
    ids = [engagement(given)] if one else engagements(given, book.loader)
    if not ids:
        return {}
    client = client or default_client()
    read = options(client)
    wanted = [Wanted(client, each, bool(include_future_years), read, progress, book) for each in ids]
    return load(wanted[0], refresh=refresh) if one else load_several(wanted, refresh=refresh)


def _ledger_options(
    client: Client, roles: Mapping[str, Override] | None, dates: Dates, amounts: Amounts
) -> dict[str, Any]:
    value = client.api.value
    form = _without(value("A37"), _OF_ITEMS) if dates is None else dates
    days = [name for name, role in ROLES.items() if role.kind in ("date", "moment")]
    how = LedgerHow(
        roles={**value("A32"), **value("A31"), **(roles or {})} or None,
        members=_without(value("A29"), _OF_ITEMS) or None,
        dates=dict.fromkeys(days, form) if isinstance(form, str) else form or {},
        delimiter=value("A35"),
        encoding=value("A36"),
        form=AmountForm(value("A38.decimal"), value("A38.thousands")),
    )
    return {"how": how, "amounts": amounts}


def _item_options(client: Client, columns: Headers | None, dates: Dates, amounts: Amounts) -> dict[str, Any]:
    value = client.api.value
    if amounts not in get_args(Amounts):
        raise ConfigError(f"amounts is one of {get_args(Amounts)}; {amounts!r} was given.")
    form = dates if dates is not None else _without(value("A37"), ROLES.keys() - set(DAYS))
    how = How(
        headers=_named("column", {**value("A34"), **(columns or {})}, COLUMNS),
        members=_named("table (A29)", _without(value("A29"), set(TABLES) - set(NAMES)), NAMES),
        dates=_named("date", dict.fromkeys(DAYS, form) if isinstance(form, str) else form or {}, DAYS),
        delimiter=value("A35"),
        encoding=value("A36"),
        form=AmountForm(value("A38.decimal"), value("A38.thousands")),
        amounts=amounts,
    )
    return {"how": how}


def _without(told: Any, names: Collection[str]) -> Any:
    """What the register says, without what it says of another extract."""
    return {name: value for name, value in told.items() if name not in names} if isinstance(told, Mapping) else told


def _named(what: str, told: Mapping[str, Any], known: Collection[str]) -> Mapping[str, Any]:
    for name in told:
        if name not in known:
            raise ConfigError(f"There is no {what} {name!r} in an extract of items; there are {', '.join(known)}.")
    return told
