"""Many paged lists, one for each of several things, into one frame."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from docframes.errors import (
    AccessWarning,
    AuthError,
    BadRequest,
    BrokenCursor,
    DocframesError,
    NotFound,
    OfflineMiss,
    ShapeError,
    TooManyCalls,
    VendorError,
    warn,
)
from docframes.loading.lists import last_known, once_each
from docframes.loading.plan import Plan, Tally
from docframes.loading.progress import Bar
from docframes.loading.records import affordable, again, fails, finish, incomplete, reopened
from docframes.tables.certificates import Certificate, certify, together
from docframes.transport.answers import Answer, Call, paused_collector
from docframes.transport.paging import Page
from docframes.transport.planning import Unplanned

#: Every page of one list, in order, and how often the vendor lost the place before.
_Walked = tuple[list[tuple[Page, Answer]], int]


def load_lists(
    plan: Plan, calls: Sequence[Call], names: Sequence[str], *, refusals: frozenset[int] = frozenset()
) -> pd.DataFrame:
    """Every page of every list of *calls* as one frame; the lists side by side, the rows in the order of *names*.

    names : what each list belongs to, such as a user's id.  refusals : statuses that say "not for you": such a list
    is passed over, told in a warning and in the record's ``refused``, and the certificate cannot be PASS.
    Raises IncompleteLoad where another list failed; the vendor's error where all of them did.
    """
    with affordable(plan, lambda: load_lists(plan, calls, names, refusals=refusals)):
        return _load_lists(plan, calls, names, refusals)


def _load_lists(plan: Plan, calls: Sequence[Call], names: Sequence[str], refusals: frozenset[int]) -> pd.DataFrame:
    began = time.perf_counter()
    if (frames := reopened(plan, calls, began)) is not None:
        return frames[plan.level.table.name]
    tally, parts, failures = _collect_lists(plan, calls, names, refusals)
    flat = once_each(tally.flattener.finish()[plan.level.table.name])
    certificate = _lists_certificate(plan, tally, flat.rows, parts, failures, len(names))
    if plan.options.limit is not None and flat.rows > plan.options.limit:
        flat = flat.take(np.arange(plan.options.limit))
    frames = finish(plan, calls, {flat.table.name: flat}, certificate, tally, began)
    _tell_refused(plan, tally, len(names))
    if fails(plan, certificate):
        resume = partial(load_lists, again(plan, refresh=not failures), calls, names, refusals=refusals)
        first = next(iter(failures.values()), None)
        raise incomplete(plan, frames[flat.table.name], certificate, resume) from first
    return frames[flat.table.name]


def _collect_lists(
    plan: Plan, calls: Sequence[Call], names: Sequence[str], refusals: frozenset[int]
) -> tuple[Tally, dict[str, Certificate], dict[str, DocframesError]]:
    tally, parts = Tally(plan.flattener()), dict[str, Certificate]()
    failures: dict[str, DocframesError] = {}
    outcomes = plan.client.side_by_side([partial(_walk_one, plan, call) for call in calls])
    with Bar(plan.told, "lists", len(calls), plan.options.progress) as bar, paused_collector():
        for name, outcome in zip(names, outcomes, strict=False):
            bar.advance()
            if not isinstance(outcome, DocframesError):
                parts[name] = _count_list(plan, tally, outcome)
            elif isinstance(outcome, VendorError) and outcome.status in refusals:
                tally.refused[name] = str(outcome)
            elif isinstance(outcome, OfflineMiss | AuthError | TooManyCalls):
                raise outcome
            else:
                failures[name] = outcome
                if not isinstance(outcome, NotFound | BadRequest | ShapeError | BrokenCursor | Unplanned):
                    # The vendor is not answering: the rest would fail the same way, each after all its tries.
                    break
            if plan.options.limit is not None and tally.received >= plan.options.limit:
                break
    if failures and len(failures) == len(names):
        raise next(iter(failures.values()))
    return tally, parts, failures


def _walk_one(plan: Plan, call: Call) -> _Walked:
    """Every page of one list; once more from its beginning, past the cache, where the vendor lost the place."""
    options = plan.options
    walk = partial(plan.client.pages, call, size=options.page_size, most=options.limit)
    try:
        return list(walk(refresh=options.refresh)), 0
    except BrokenCursor:
        return list(walk(refresh=True)), 1


def _count_list(plan: Plan, tally: Tally, walked: _Walked) -> Certificate:
    """Count the pages of one list and keep their rows; gives the certificate of this list alone."""
    pages, lost = walked
    tally.previous, before, repeated = [], len(tally.totals), tally.repeated_pages
    ended = tally.ended or not tally.totals
    for page, answer in pages:
        tally.page(page, answer)
    totals, sizes = tally.totals[before:], tally.sizes[before:]
    rows = sum(sizes)
    certificate = certify(
        first=totals[0], last=last_known(totals), received=rows, unique=rows, totals=totals, sizes=sizes,
        repeated_pages=tally.repeated_pages - repeated, repeated_cursors=lost, cut_at=plan.options.limit,
        ended=tally.ended, cached=[answer.fetched_at for _, answer in pages if answer.from_cache],
        fresh=[answer.fetched_at for _, answer in pages if not answer.from_cache],
    )  # fmt: skip
    tally.repeated_cursors += lost
    tally.ended = tally.ended and ended
    return certificate


def _lists_certificate(
    plan: Plan,
    tally: Tally,
    unique: int,
    parts: Mapping[str, Certificate],
    failures: Mapping[str, DocframesError],
    wanted: int,
) -> Certificate:
    limit = plan.options.limit
    certificate = certify(
        first=_sum([part.declared_first for part in parts.values()]),
        last=_sum([part.declared_last for part in parts.values()]),
        received=tally.received, unique=unique, repeated_pages=tally.repeated_pages,
        repeated_cursors=tally.repeated_cursors, cut_at=limit, ended=tally.ended, lists=len(parts),
        cached=tally.moments(from_cache=True), fresh=tally.moments(from_cache=False),
    )  # fmt: skip
    if limit is None or unique < limit:
        certificate = together(certificate, parts)
    if failures:
        name, error = next(iter(failures.items()))
        reason = f"{len(parts)} of {wanted} lists came; {len(failures)} failed, the first {name}: {error}"
        return dataclasses.replace(certificate, verdict="FAIL", reason=reason)
    if tally.refused and certificate.verdict != "FAIL" and (limit is None or unique < limit):
        reason = f"{certificate.reason}; {_refused(tally, wanted)}"
        return dataclasses.replace(certificate, verdict="CANNOT_PROVE", reason=reason)
    return certificate


def _sum(totals: Sequence[int | None]) -> int | None:
    known = [total for total in totals if total is not None]
    return sum(known) if len(known) == len(totals) else None


def _refused(tally: Tally, wanted: int) -> str:
    names = ", ".join(list(tally.refused)[:3]) + (", ..." if len(tally.refused) > 3 else "")
    return f"{len(tally.refused)} of {wanted} lists may not be seen with this credential: {names}"


def _tell_refused(plan: Plan, tally: Tally, wanted: int) -> None:
    if tally.refused:
        msg = f"{plan.client.vendor}.{plan.loader}: {_refused(tally, wanted)}. They are not in the frame; "
        warn(msg + "docframes.load_record(frame).refused lists them all, with what was answered.", AccessWarning)
