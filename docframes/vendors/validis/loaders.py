"""What a user calls.  Each loader reads as the sentence it carries out."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from docframes.errors import AuthError, ConfigError, NotFound, VendorError
from docframes.loading import Options, Plan, load_list
from docframes.tables.schema import Level
from docframes.transport.answers import Call
from docframes.vendors.validis import tables
from docframes.vendors.validis.client import Client, default_client
from docframes.vendors.validis.journals import take_apart

Texts = str | Sequence[str]
Id = str | int


def load_engagements(
    *,
    external_engagement_id: Texts | None = None,
    order_by: Texts | None = None,
    client_id: str | None = None,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per engagement: the container of one customer's data; columns of ``describe(frame)``.

    external_engagement_id : only those with these own references.  order_by : field names; ``-name`` descends.
    client_id : the id in the path.  None takes the token's ``clientId``, and its ``vconnectClientId`` where that is
    refused: the vendor's pages disagree (A17).
    limit : rows in total.  page_size : rows a page, at most 2000.  refresh : go past the cache.
    progress : None shows a bar after a second.  allow_partial : accept a load with gaps.
    client : None is the account of the environment.
    Raises MissingKey, AuthError, BadRequest, NotFound, RateLimited, ServerError, NoAnswer, ShapeError, IncompleteLoad.
    Source: developer.validis.com, metadata.
    """
    client = client or default_client()
    options = Options(limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial)
    filters = _given({"externalEngagementId": _joined(external_engagement_id), "orderBy": _joined(order_by)})
    plan = Plan(client, "load_engagements", Level(tables.ENGAGEMENTS), {**filters, "limit": limit}, options)
    endpoint = client.api.endpoint("engagements")
    refusals: list[VendorError] = []
    for candidate in [client_id] if client_id else _candidates(client):
        try:
            frame = load_list(plan, Call(endpoint, {"clientId": candidate}, filters))
        except (AuthError, NotFound) as error:
            if error.status not in (403, 404):
                raise
            refusals.append(error)
        else:
            if not client_id:
                client.prefer_client_id(candidate)
            return frame
    if not refusals:
        raise ConfigError(_no_client_id(client))
    raise _refused(refusals)


def load_accounts(
    engagement_id: Id,
    *,
    primary_categories: Texts | None = None,
    tags: Texts | None = None,
    status: Texts | None = None,
    limit: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per account of the company's chart, with its place in the Validis chart.

    primary_categories, tags, status : only accounts of these.
    Other arguments, errors: as :func:`load_engagements`.  Source: developer.validis.com, general ledger.
    """
    options = Options(limit=limit, refresh=refresh, progress=progress, allow_partial=allow_partial)
    wanted = {"primaryCategories": _joined(primary_categories), "tags": _joined(tags), "status": _joined(status)}
    return _load("load_accounts", "accounts", Level(tables.ACCOUNTS), engagement_id, wanted, options, client)


def load_periods(
    engagement_id: Id,
    *,
    limit: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per financial period, as sent: order them by ``start_date``, since ids need not grow with time.

    Path and fields are assumed (A48).  Arguments, errors: as :func:`load_engagements`.
    Source: developer.validis.com, FAQ.
    """
    options = Options(limit=limit, refresh=refresh, progress=progress, allow_partial=allow_partial)
    return _load("load_periods", "periods", Level(tables.PERIODS), engagement_id, {}, options, client)


def load_journals(
    engagement_id: Id,
    *,
    from_period_id: Id | None = None,
    to_period_id: Id | None = None,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per line of a journal, the journal's own fields before it as ``journal_...``.

    A journal without lines has one row, whose ``line`` is missing.  :func:`load_gl_extract` costs fewer calls.
    from_period_id, to_period_id : only journals of these financial periods and between, both included.
    Path and fields are assumed (A47).  Other arguments, errors: as :func:`load_engagements`.
    Source: developer.validis.com, general ledger.
    """
    client = client or default_client()
    options = Options(limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial)
    lines = str(client.api.value("A47.lines"))
    level = Level(
        tables.JOURNALS, fields="line", unit=("journal_id",), apart=functools.partial(take_apart, lines=lines)
    )
    wanted = _periods(from_period_id, to_period_id)
    return _load("load_journals", "journals", level, engagement_id, wanted, options, client, variant=lines)


def load_receivable_items(
    engagement_id: Id,
    *,
    from_period_id: Id | None = None,
    to_period_id: Id | None = None,
    customer_id: Id | None = None,
    open_items: bool | None = None,
    item_types: Texts | None = None,
    links: bool = False,
    allocations: bool = False,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per receivable item, amounts signed: invoices positive, credit notes and receipts negative (A49).

    from_period_id, to_period_id : items of these financial periods and between.  customer_id : of this customer.
    open_items : True leaves out settled items.  item_types : only these.
    links, allocations : with general ledger transactions behind an item, with items it is set off against, as JSON.
    Other arguments, errors: as :func:`load_engagements`.  Source: developer.validis.com, receivables.
    """
    options = Options(limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial)
    wanted = _periods(from_period_id, to_period_id) | {"customerId": customer_id}
    wanted |= _item_filters(open_items, item_types, links, allocations)
    level = Level(tables.RECEIVABLE_ITEMS)
    return _load(
        "load_receivable_items", "receivable_items", level, engagement_id, wanted, options, client, signed=True
    )


def load_payable_items(
    engagement_id: Id,
    *,
    from_period_id: Id | None = None,
    to_period_id: Id | None = None,
    supplier_id: Id | None = None,
    open_items: bool | None = None,
    item_types: Texts | None = None,
    links: bool = False,
    allocations: bool = False,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per payable item, signed as the vendor sends it.

    supplier_id : only items of this supplier.  Path and fields are assumed (A52).
    Other arguments, errors: as :func:`load_receivable_items`.
    """
    client = client or default_client()
    options = Options(limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial)
    wanted = _periods(from_period_id, to_period_id) | {str(client.api.value("A52.party")): supplier_id}
    wanted |= _item_filters(open_items, item_types, links, allocations)
    level = Level(tables.PAYABLE_ITEMS)
    return _load("load_payable_items", "payable_items", level, engagement_id, wanted, options, client, signed=True)


# --- how they do it -----------------------------------------------------------------------------------------------


def _load(
    loader: str,
    endpoint: str,
    level: Level,
    engagement_id: Id,
    filters: Mapping[str, Any],
    options: Options,
    client: Client | None,
    *,
    signed: bool = False,
    variant: str = "",
) -> pd.DataFrame:
    client = client or default_client()
    given = _given(filters)
    arguments = {"engagement_id": str(engagement_id), **given, "limit": options.limit}
    # Absolute amounts are the vendor's default; they would not tell a credit note from an invoice.
    signs = {"DisplayAbsolute": _word(client.api.value("A49"))} if signed else {}
    call = Call(client.api.endpoint(endpoint), {"engagementId": _id(engagement_id)}, {**given, **signs})
    return load_list(Plan(client, loader, level, arguments, options, variant=variant), call)


def _given(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the query takes them: whole numbers and texts as they are, booleans in lower case."""
    return {name: _word(value) for name, value in filters.items() if value is not None}


def _word(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _joined(values: Texts | None) -> str | None:
    """A list in one parameter, with commas between."""
    return values if values is None or isinstance(values, str) else ",".join(map(str, values))


def _id(value: Id) -> str:
    text = str(value).strip()
    if not text:
        raise ConfigError("engagement_id is empty; load_engagements() gives them.")
    return text


def _periods(first: Id | None, last: Id | None) -> dict[str, Any]:
    return {"fromPeriodId": first, "toPeriodId": last}


def _item_filters(open_items: bool | None, item_types: Texts | None, links: bool, allocations: bool) -> dict[str, Any]:
    return {
        "openItems": open_items,
        "itemtypes": _joined(item_types),
        "showLinks": True if links else None,
        "showAllocations": True if allocations else None,
    }


def _candidates(client: Client) -> list[str]:
    """Ids for the path, the one that worked before first."""
    ids, known = client.client_ids(), client.preferred_client_id()
    return sorted(ids, key=lambda one: one != known)


def _no_client_id(client: Client) -> str:
    fields = ", ".join(client.api.value("A17"))
    return (
        f"The token names no organisation: its answer has none of {fields} (A17). Pass load_engagements(client_id=...)."
    )


def _refused(refusals: list[VendorError]) -> VendorError:
    """The first refusal, with a word on the other reading."""
    first = refusals[0]
    if len(refusals) > 1:
        first.add_note("The other reading of {clientId} (A17: clientId, vconnectClientId) was refused too.")
    first.add_note("Another id: load_engagements(client_id=...).")
    return first
