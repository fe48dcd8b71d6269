"""What a user calls.  Each loader reads as the sentence it carries out."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import pandas as pd

from docframes.errors import AuthError, ConfigError, DocframesError, NotFound, ShapeError, VendorError
from docframes.loading import Options, Plan, load_each, load_list
from docframes.tables.schema import Level
from docframes.transport.answers import Answer, Call, excerpt
from docframes.transport.download import ApiFile, SignedLink
from docframes.transport.planning import as_a_whole
from docframes.vendors.validis import extract, tables
from docframes.vendors.validis.api import FILE_KINDS, REPORTS
from docframes.vendors.validis.asking import Id, Texts, engagement, given, joined, word
from docframes.vendors.validis.client import Client, default_client
from docframes.vendors.validis.reports import Words, rows_of


@as_a_whole
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
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per engagement: the container of one customer's data; columns of ``describe(frame)``.

    external_engagement_id : only those with these own references.  order_by : field names; ``-name`` descends.
    client_id : the id in the path.  None takes the token's ``clientId``, and its ``vconnectClientId`` where that is
    refused: the vendor's pages disagree (A17).
    limit : rows in total.  page_size : rows a page, at most 2000.  refresh : go past the cache.
    progress : None shows a bar after a second.  allow_partial : accept a load with gaps.
    max_calls : refuse, before it is sent, what would cost more calls.  trace : with a column by which
    ``docframes.trace`` finds where a row came from.
    client : None is the account of the environment.
    Raises MissingKey, AuthError, BadRequest, NotFound, RateLimited, ServerError, NoAnswer, ShapeError, IncompleteLoad.
    Source: developer.validis.com, metadata.
    """
    client = client or default_client()
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    filters = given({"externalEngagementId": joined(external_engagement_id), "orderBy": joined(order_by)})
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


def load_report(
    report: str,
    engagement_id: Id,
    *,
    year: str | None = None,
    from_period_id: Id | None = None,
    to_period_id: Id | None = None,
    accept_unassigned: bool = False,
    limit: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per figure of a financial report, with the labels above it; a heading without figures has one row.

    report : income-statement-standard or balance-sheet-standard, by the Validis chart of accounts; or
    income-statement-detailed or balance-sheet-detailed, by the company's own (paths assumed, A53).
    year : a financial year by name; ``current`` unless periods are given.  from_period_id, to_period_id : periods in
    place of a year (assumed, A53).
    accept_unassigned : False makes the vendor refuse a report while accounts are not mapped (BadRequest), since its
    figures may be wrong; True takes it as it is.
    ``value`` is the figure as sent; where ``display_flipped`` is true the vendor shows it negated.  The layout of the
    answer is assumed (A54).  Other arguments, errors: as :func:`load_engagements`; limit counts figures.
    Source: developer.validis.com, finance data.
    """
    if report not in REPORTS:
        raise ConfigError(f"report is {report!r}; it is one of {', '.join(REPORTS)}.")
    client = client or default_client()
    options = Options(limit=limit, refresh=refresh, progress=progress, max_calls=max_calls, trace=trace)
    spans = _spans(client, year, from_period_id, to_period_id)
    params = {**spans, "AcceptUnassigned": word(accept_unassigned)}
    path = {"report": report, "engagementId": engagement(engagement_id)}
    asked = {"report": report, "engagement_id": path["engagementId"]}
    words = _report_words(client)
    plan = Plan(
        client, "load_report", tables.REPORT, {**asked, **params, "limit": limit}, options, counted="figures",
        record=lambda answer: {"asked": asked, "rows": _figures(answer, words)}, variant=repr(words),
    )  # fmt: skip
    call = Call(client.api.endpoint(report), path, params)
    frames: dict[str, pd.DataFrame] = load_each(plan, [call], [report], "report", dict)
    return frames["figures"]


def file_links(
    kind: str, file_ids: Sequence[str], *, client: Client | None = None
) -> dict[str, SignedLink | ApiFile | DocframesError]:
    """A fresh link to each file, or what went wrong with it.

    kind : general-ledger.  file_ids : of engagements.  An extract that is not prepared yet is waited for.
    """
    if kind not in FILE_KINDS:
        raise ConfigError(f"kind is {kind!r}; Validis has files of the kind {', '.join(FILE_KINDS)}.")
    client = client or default_client()
    ids = list(dict.fromkeys(map(str, file_ids)))
    outcomes = client.side_by_side([functools.partial(extract.sign, client, one) for one in ids])
    return dict(zip(ids, outcomes, strict=True))


# --- how they do it -----------------------------------------------------------------------------------------------


def _spans(client: Client, year: str | None, first: Id | None, last: Id | None) -> dict[str, Any]:
    """The year, or the periods; the vendor's own word for the present year where neither is given."""
    name, since, until = (str(client.api.value(f"A53.{part}")) for part in ("year", "from", "to"))
    if first is None and last is None:
        return {name: year or "current"}
    if year is not None:
        raise ConfigError("A report is of a year or of periods; give year, or from_period_id and to_period_id.")
    return given({since: first, until: last})


def _report_words(client: Client) -> Words:
    parts = {name: client.api.value(f"A54.{name}") for name in ("label", "period", "value", "containers")}
    lists = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in parts.items()}
    return Words(**lists, flipped=str(client.api.value("A54.flipped")))


def _figures(answer: Answer, words: Words) -> list[dict[str, Any]]:
    rows = rows_of(answer.json(), words)
    if not any("value" in row for row in rows):
        text = excerpt(answer.body)
        msg = f"validis report, {answer.url}: no figure was found in {text!r}. How a report is laid out was assumed "
        msg += '(A54); say under which key the figures stand: Client(assumptions={"A54": {"value": "..."}}).'
        raise ShapeError(msg, vendor="validis", url=answer.url, excerpt=text)
    return rows


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
