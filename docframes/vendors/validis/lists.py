"""The loaders of lists below an engagement: accounts, periods, journals, receivable and payable items."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pandas as pd

from docframes.loading import Options, Plan, load_list
from docframes.tables.schema import Level
from docframes.transport.answers import Call
from docframes.vendors.validis import tables
from docframes.vendors.validis.asking import Id, Texts, engagement, given, joined, word
from docframes.vendors.validis.client import Client, default_client
from docframes.vendors.validis.journals import take_apart


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
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per account of the company's chart, with its place in the Validis chart.

    primary_categories, tags, status : only accounts of these.
    Other arguments, errors: as :func:`.load_engagements`.  Source: developer.validis.com, general ledger.
    """
    options = Options(
        limit=limit, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    wanted = {"primaryCategories": joined(primary_categories), "tags": joined(tags), "status": joined(status)}
    return _load("load_accounts", "accounts", Level(tables.ACCOUNTS), engagement_id, wanted, options, client)


def load_periods(
    engagement_id: Id,
    *,
    limit: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per financial period, as sent: order them by ``start_date``, since ids need not grow with time.

    Path and fields are assumed (A48).  Arguments, errors: as :func:`.load_engagements`.
    Source: developer.validis.com, FAQ.
    """
    options = Options(
        limit=limit, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
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
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per line of a journal, the journal's own fields before it as ``journal_...``.

    A journal without lines has one row, whose ``line`` is missing.  :func:`.load_gl_extract` costs fewer calls.
    from_period_id, to_period_id : only journals of these financial periods and between, both included.
    Path and fields are assumed (A47).  Other arguments, errors: as :func:`.load_engagements`.
    Source: developer.validis.com, general ledger.
    """
    client = client or default_client()
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
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
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per receivable item, amounts signed: invoices positive, credit notes and receipts negative (A49).

    from_period_id, to_period_id : items of these financial periods and between.  customer_id : of this customer.
    open_items : True leaves out settled items.  item_types : only these.
    links, allocations : with general ledger transactions behind an item, with items it is set off against, as JSON.
    Other arguments, errors: as :func:`.load_engagements`.  Source: developer.validis.com, receivables.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
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
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per payable item, signed as the vendor sends it.

    supplier_id : only items of this supplier.  Path and fields are assumed (A52).
    Other arguments, errors: as :func:`load_receivable_items`.
    """
    client = client or default_client()
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
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
    wanted = given(filters)
    arguments = {"engagement_id": str(engagement_id), **wanted, "limit": options.limit}
    # Absolute amounts are the vendor's default; they would not tell a credit note from an invoice.
    signs = {"DisplayAbsolute": word(client.api.value("A49"))} if signed else {}
    call = Call(client.api.endpoint(endpoint), {"engagementId": engagement(engagement_id)}, {**wanted, **signs})
    return load_list(Plan(client, loader, level, arguments, options, variant=variant), call)


def _periods(first: Id | None, last: Id | None) -> dict[str, Any]:
    return {"fromPeriodId": first, "toPeriodId": last}


def _item_filters(open_items: bool | None, item_types: Texts | None, links: bool, allocations: bool) -> dict[str, Any]:
    return {
        "openItems": open_items,
        "itemtypes": joined(item_types),
        "showLinks": True if links else None,
        "showAllocations": True if allocations else None,
    }
