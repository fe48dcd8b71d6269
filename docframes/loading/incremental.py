"""``updated_after="last"``: what changed since the last complete load, put into its rows.

Only a load of which nothing is known to be missing is gone on from, and a load that fails leaves the last one as it is.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa

from docframes.errors import IncompleteLoad, OfflineMiss
from docframes.loading.asking import Asking
from docframes.loading.lists import load_list
from docframes.loading.plan import Plan
from docframes.loading.records import affordable, again, fails, reopened_load
from docframes.tables import bases, changes
from docframes.tables.bases import Base
from docframes.tables.certificates import Certificate
from docframes.tables.changes import Changes
from docframes.tables.continued import certify_continued
from docframes.tables.frames import to_frame
from docframes.tables.loads import Load, attach, load_record, new_load_id
from docframes.transport import planning, redact
from docframes.transport.answers import Answer, Call
from docframes.transport.planning import Unplanned

#: What a loader's ``updated_after`` is called where it goes on from the last complete load.
LAST = "last"

#: Loads the rows that changed, or all of them.
_Loads = Callable[[], pd.DataFrame]


def load_since_last(
    plan: Plan, full: Call, since: Callable[[datetime], Call], *, changed_at: str = "updated_at"
) -> pd.DataFrame:
    """All rows of *full*, of which only those are asked for that changed since the last complete load.

    since : makes the call for what changed since a moment, from somewhat before it where the bound is exclusive.
    changed_at : column with the moment of a row's last change.  The first load, one with ``refresh=True`` and one
    without a moment to go on from are full.  What changed goes past the cache of answers.
    Raises ConfigError for a client that keeps nothing, for ``limit`` and ``trace``; errors as :func:`load_list`.
    """
    asking = Asking(plan, full, since, changed_at)
    asking.check()
    with affordable(plan, lambda: load_since_last(plan, full, since, changed_at=changed_at)):
        base = asking.base()
        if base is None:
            return _in_full(asking, base, partial(load_list, plan, full))
        if base.mark is None or plan.options.refresh:
            return _all_again(asking, base)()
        try:
            return _go_on(asking, base, base.mark, _changed(asking, base, base.mark))
        except OfflineMiss:
            if base.facts is None or planning.current() is not None:
                raise
            return _as_it_was(asking, base, base.facts)


# --- all rows -----------------------------------------------------------------------------------------------------


def _in_full(asking: Asking, base: Base | None, load: _Loads, before: Load | None = None) -> pd.DataFrame:
    """Every row, as *load* gives them, for the next load to go on from; compared with *base*.

    before : a load in vain, whose calls are counted too.
    """
    try:
        frame = load()
    except IncompleteLoad as error:
        if error.resume is not None:
            error.resume = partial(_in_full, asking, base, error.resume)
        raise
    rows, came = asking.arrow(frame), load_record(frame)
    record = dataclasses.replace(
        came if before is None else _with_calls_of(came, before),
        load_id=new_load_id(came.vendor, came.table),
        arguments=redact.arguments(asking.plan.arguments),
        changes=None if base is None else _compared(asking, base, rows),
    )
    # A round count is judged anew with each number of rows.
    proven = came.certificate.verdict == "PASS" or came.certificate.round_count is not None
    doubt = "" if proven else came.certificate.reason
    generation = 0 if base is None else base.generation + 1
    asking.keep(Base(rows, asking.mark(rows, came), doubt, generation), record)
    return attach(frame, record)


def _compared(asking: Asking, base: Base, rows: pa.Table) -> Changes | None:
    key = asking.table.key
    if not (changes.has_keys(base.table, key) and changes.has_keys(rows, key)):
        return None
    return changes.compare(base.table, rows, key, base.mark, whole=True)


# --- what changed -------------------------------------------------------------------------------------------------


def _changed(asking: Asking, base: Base, mark: datetime, *, twice: bool = False) -> _Loads:
    # Past the cache: an answer of a minute ago to the same question does not tell what changed within the minute.
    return partial(load_list, again(asking.plan, refresh=True), _of(base, asking.since(mark), twice))


def _of(base: Base, call: Call, twice: bool) -> Call:
    """*call*, as it is asked to go on from *base*: its answer is kept by that name, and belongs to no other load."""
    return dataclasses.replace(call, version=f"{base.name}, twice" if twice else base.name)


def _all_again(asking: Asking, base: Base, before: Load | None = None) -> _Loads:
    return partial(_in_full, asking, base, partial(load_list, again(asking.plan, refresh=True), asking.full), before)


def _go_on(asking: Asking, base: Base, mark: datetime, load: _Loads, before: Load | None = None) -> pd.DataFrame:
    """The rows of *base* with those that *load* gives.  before : a first try, whose calls are counted too."""
    began = time.perf_counter()
    try:
        frame = load()
    except IncompleteLoad as error:
        _broken_off(asking, base, mark, error)
        raise
    except Unplanned:
        # However the list goes on, this is asked as well.
        _declared(asking, base, False)
        raise
    part, came = asking.arrow(frame), load_record(frame)
    if not changes.has_keys(part, asking.table.key):
        # Nothing tells whether a row without a key is there already.
        return _all_again(asking, base, came)()
    declared, answer = _declared(asking, base, before is not None)
    rows = changes.merged(base.table, part, asking.table.key)
    record = _with_calls_of(_with_call(came, answer, time.perf_counter() - began), before)
    more = declared is not None and declared > rows.num_rows
    if more and before is None and came.certificate.verdict != "FAIL" and planning.current() is None:
        # A row may have come between the two questions.
        return _go_on(asking, base, mark, _changed(asking, base, mark, twice=True), record)
    certificate = certify_continued(came.certificate, rows.num_rows, declared, base.doubt, mark)
    record = _finished(asking, base, part, rows.num_rows, dataclasses.replace(record, certificate=certificate))
    asking.keep(_next(asking, base, part, rows, came, record), record)
    whole = attach(to_frame(rows), record)
    if fails(asking.plan, certificate):
        raise _short(asking, base, whole, record.certificate)
    return whole


def _declared(asking: Asking, base: Base, twice: bool) -> tuple[int | None, Answer]:
    """How many rows there are now, as a page of one row declares it."""
    with closing(asking.plan.client.pages(_of(base, asking.full, twice), size=1, refresh=True)) as pages:
        page, answer = next(pages)
    return answer.call.endpoint.paging.total(page), answer


def _with_call(record: Load, answer: Answer, seconds: float) -> Load:
    """*record* with another answer counted."""
    return dataclasses.replace(
        record,
        calls=record.calls + (not answer.from_cache),
        from_cache=record.from_cache + answer.from_cache,
        fetched_from=min(record.fetched_from or answer.fetched_at, answer.fetched_at),
        fetched_to=max(record.fetched_to or answer.fetched_at, answer.fetched_at),
        seconds=seconds,
        answers=(*record.answers, answer.used),
    )


def _with_calls_of(record: Load, before: Load | None) -> Load:
    """*record* with the answers of a load before it counted."""
    if before is None:
        return record
    return dataclasses.replace(
        record,
        calls=before.calls + record.calls,
        from_cache=before.from_cache + record.from_cache,
        fetched_from=min(filter(None, (before.fetched_from, record.fetched_from)), default=None),
        seconds=before.seconds + record.seconds,
        answers=(*before.answers, *record.answers),
    )


def _finished(asking: Asking, base: Base, part: pa.Table, rows: int, record: Load) -> Load:
    """The record of all *rows*, with what *part* has otherwise than *base*."""
    return dataclasses.replace(
        record,
        load_id=new_load_id(record.vendor, record.table),
        rows=rows,
        # Most rows are from answers of earlier loads.
        trail=None,
        certificate=record.certificate.aged([used.fetched_at for used in record.answers if used.from_cache]),
        changes=changes.compare(base.table, part, asking.table.key, base.mark, whole=False),
    )


def _next(asking: Asking, base: Base, part: pa.Table, rows: pa.Table, came: Load, whole: Load) -> Base:
    """What the next load goes on from: the same rows where nothing is otherwise."""
    certificate, found = came.certificate, whole.changes
    # Where a changed row may have been passed over, the next load asks for the same again, and nothing is in doubt.
    asked = certificate.verdict == "PASS" or certificate.declared_last is None
    mark = max(filter(None, (base.mark, asking.mark(part, came) if asked else None)))
    proven = whole.certificate.verdict == "PASS" or whole.certificate.round_count is not None or not asked
    doubt = base.doubt or ("" if proven else whole.certificate.reason)
    same = found is not None and not found.added and not found.changed and rows.column_names == base.table.column_names
    return Base(rows, mark, doubt, base.generation + 1, base.rows if same else "")


def _broken_off(asking: Asking, base: Base, mark: datetime, error: IncompleteLoad) -> None:
    """Make an error about what changed one about all rows: its frame has them, and it goes on to them."""
    part, record = asking.arrow(error.frame), load_record(error.frame)
    if changes.has_keys(part, asking.table.key):
        rows = changes.merged(base.table, part, asking.table.key)
        certificate = certify_continued(record.certificate, rows.num_rows, None, base.doubt, mark)
        record = _finished(asking, base, part, rows.num_rows, dataclasses.replace(record, certificate=certificate))
        error.frame, error.certificate = attach(to_frame(rows), record), record.certificate
    if error.resume is not None:
        error.resume = partial(_go_on, asking, base, mark, error.resume)


def _short(asking: Asking, base: Base, frame: pd.DataFrame, certificate: Certificate) -> IncompleteLoad:
    msg = f"{asking.told}: {certificate.reason}. The rows that are here are in .frame; .resume() loads all rows "
    msg += "again; allow_partial=True accepts what is here."
    return IncompleteLoad(msg, frame=frame, certificate=certificate, resume=_all_again(asking, base))


def _as_it_was(asking: Asking, base: Base, facts: Mapping[str, Any]) -> pd.DataFrame:
    """The last load once more: offline, nobody can say what changed since."""
    began = time.perf_counter()
    # What was said of it then, besides the rows.
    asking.note(bases.pointer(asking.key))
    frame = to_frame(base.table)
    return attach(frame, reopened_load(asking.plan, asking.plan.levels, dict(facts), (), time.perf_counter() - began))
