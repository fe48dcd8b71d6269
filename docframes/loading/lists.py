"""A paged list into one frame."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

from docframes.errors import (
    BrokenCursor,
    DocframesError,
    IncompleteLoad,
    NoAnswer,
    OfflineMiss,
    ShapeError,
    VendorError,
)
from docframes.loading.plan import Plan, Tally
from docframes.loading.progress import Bar
from docframes.loading.records import affordable, again, fails, finish, incomplete, reopened
from docframes.tables.certificates import Certificate, certify
from docframes.tables.flatten import Flat
from docframes.transport.answers import Answer, Call, paused_collector
from docframes.transport.paging import Page


def load_list(plan: Plan, call: Call) -> pd.DataFrame:
    """Every page of *call* as one frame.

    Raises IncompleteLoad where rows are missing, with those that came; the vendor's error where nothing came.
    """
    with affordable(plan, lambda: load_list(plan, call)):
        return _load_list(plan, call)


def _load_list(plan: Plan, call: Call) -> pd.DataFrame:
    began = time.perf_counter()
    if (frames := reopened(plan, [call], began)) is not None:
        return frames[plan.level.table.name]
    tally, failure = _walk(plan, call)
    flat = once_each(tally.flattener.finish()[plan.level.table.name])
    certificate = _list_certificate(plan, tally, _records(plan, flat), failure)
    if plan.options.limit is not None and flat.rows > plan.options.limit:
        flat = flat.take(np.arange(plan.options.limit))
    frames = finish(plan, [call], {flat.table.name: flat}, certificate, tally, began)
    if fails(plan, certificate):
        kind = BrokenCursor if isinstance(failure, BrokenCursor) else IncompleteLoad
        # Where every call succeeded and rows are missing all the same, the cache would only give the same again.
        resume = partial(load_list, again(plan, refresh=failure is None), call)
        raise incomplete(plan, frames[flat.table.name], certificate, resume, kind) from failure
    return frames[flat.table.name]


def _walk(plan: Plan, call: Call) -> tuple[Tally, DocframesError | None]:
    """Every page; once more from the beginning, past the cache, where the vendor lost the place."""
    tally, failure = _walk_once(plan, call, refresh=plan.options.refresh)
    if not isinstance(failure, BrokenCursor):
        return tally, failure
    again, failure = _walk_once(plan, call, refresh=True)
    again.calls += tally.calls
    again.from_cache += tally.from_cache
    again.repeated_cursors = 1 + isinstance(failure, BrokenCursor)
    return again, failure


def _walk_once(plan: Plan, call: Call, *, refresh: bool) -> tuple[Tally, DocframesError | None]:
    tally = Tally(plan.flattener())
    try:
        _collect_pages(plan, call, tally, refresh=refresh)
    except OfflineMiss:
        raise
    except (BrokenCursor, VendorError, NoAnswer, ShapeError) as error:
        if not tally.totals and not isinstance(error, BrokenCursor):
            raise
        return tally, error
    return tally, None


def _collect_pages(plan: Plan, call: Call, tally: Tally, *, refresh: bool) -> None:
    options = plan.options
    pages = plan.client.pages(call, size=options.page_size, refresh=refresh, most=options.limit)
    with Bar(plan.told, "pages", progress=options.progress) as bar, paused_collector(), closing(pages):
        for page, answer in pages:
            tally.page(page, answer)
            bar.advance(_page_count(page, answer) if len(tally.totals) == 1 else None)
            if options.limit is not None and tally.received >= options.limit:
                break


def _page_count(page: Page, answer: Answer) -> int | None:
    rest = answer.call.endpoint.paging.rest(page)
    return None if rest is None else len(rest)


def _list_certificate(plan: Plan, tally: Tally, unique: int, failure: DocframesError | None) -> Certificate:
    certificate = certify(
        first=tally.totals[0] if tally.totals else None,
        last=last_known(tally.totals),
        received=tally.received,
        unique=unique,
        totals=tally.totals,
        sizes=tally.sizes,
        repeated_pages=tally.repeated_pages,
        repeated_cursors=tally.repeated_cursors,
        cut_at=plan.options.limit,
        ended=tally.ended,
        noun="records" if plan.level.unit else "rows",
        cached=tally.moments(from_cache=True),
        fresh=tally.moments(from_cache=False),
    )
    if failure is None:
        return certificate
    reason = f"page {len(tally.totals) + 1} did not come: {failure}"
    return dataclasses.replace(certificate, verdict="FAIL", reason=reason)


def last_known(totals: Sequence[int | None]) -> int | None:
    """The last total that was declared: some vendors declare one on the first page only."""
    return next((total for total in reversed(totals) if total is not None), None)


def _records(plan: Plan, flat: Flat) -> int:
    """How many records the rows come from: what the vendor counts."""
    if not plan.level.unit:
        return flat.rows
    return len(pa.table({name: flat.columns[name] for name in plan.level.unit}).to_pandas().drop_duplicates())


def once_each(flat: Flat) -> Flat:
    """Without the rows that came again on a later page because pages shifted; the latest copy stays."""
    keys = pa.table({name: flat.columns[name] for name in flat.table.key}).to_pandas()
    again = (keys.duplicated(keep="last") & keys.notna().all(axis=1)).to_numpy()
    return flat.take(np.flatnonzero(~again)) if again.any() else flat
