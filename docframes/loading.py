"""How every loader works, once: pages or single answers, through the client, into frames with their record.

Between the rooms above and transport and tables below, which do not know each other.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from docframes.errors import (
    AccessWarning,
    AuthError,
    BadRequest,
    BrokenCursor,
    ConfigError,
    DocframesError,
    IncompleteLoad,
    NoAnswer,
    NotFound,
    OfflineMiss,
    SchemaDriftWarning,
    ShapeError,
    VendorError,
    warn,
)
from docframes.tables import kept
from docframes.tables.flatten import Flat, Flattener
from docframes.tables.frames import to_frame
from docframes.tables.loads import Certificate, Load, attach, certify, new_load_id
from docframes.tables.schema import Level
from docframes.transport import cache, redact
from docframes.transport.answers import Answer, Call, object_of, paused_collector
from docframes.transport.client import Client
from docframes.transport.paging import Page

T = TypeVar("T")

#: Seconds after which a progress bar shows by itself.
PATIENCE = 1.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every loader takes besides its own filters."""

    limit: int | None = None  #: rows in total; None is all
    page_size: int | None = None  #: rows a page; None is the largest the vendor allows
    refresh: bool = False  #: go past the cache
    progress: bool | None = None  #: None shows a bar when it takes longer than a second
    allow_partial: bool = False  #: give what came, with a certificate that says FAIL, in place of an error

    def __post_init__(self) -> None:
        for name in ("limit", "page_size"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(f"{name} is {value!r}; it must be a whole number from 1 up, or None.")


@dataclass(frozen=True)
class Plan:
    """One load: who asks whom for what, and what it becomes."""

    client: Client
    loader: str
    level: Level
    arguments: Mapping[str, Any]
    options: Options = field(default_factory=Options)
    #: Makes the record of one answer, in :func:`load_each`; None takes the one object of the answer as it is.
    record: Callable[[Answer], dict[str, Any]] | None = None
    variant: str = ""  #: whatever else decides what :attr:`record` makes
    counted: str = ""  #: table right below the first whose rows ``limit`` counts, in :func:`load_each`

    @property
    def levels(self) -> Level:
        """The declared levels, with the user's corrections of column sources."""
        return self.level.with_sources(self.client.assumptions.get("columns", {}))

    @property
    def names(self) -> list[str]:
        """The tables this load gives."""
        return [level.table.name for level in self.level.walk()]

    def key(self, calls: Sequence[Call]) -> str:
        """The name under which the finished load is kept."""
        asked = [(call.endpoint, dict(call.path), call.params, call.version) for call in calls]
        options = (self.options.limit, self.options.page_size)
        # A function's repr has its address, which is another in every process.
        levels = re.sub(r" at 0x[0-9a-f]+", "", repr((self.levels, self.variant, self.counted)))
        return kept.key_of(account=self.client.account, levels=levels, asked=repr(asked), options=options)


@dataclass
class Tally:
    """What came, flattened and counted as it comes."""

    flattener: Flattener
    calls: int = 0
    from_cache: int = 0
    fetched: list[datetime] = field(default_factory=list)
    totals: list[int | None] = field(default_factory=list)
    received: int = 0
    repeated_pages: int = 0
    ended: bool = False
    previous: list[Any] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    def answer(self, answer: Answer) -> None:
        """Count one answer."""
        self.calls += not answer.from_cache
        self.from_cache += answer.from_cache
        self.fetched.append(answer.fetched_at)

    def page(self, page: Page, answer: Answer) -> None:
        """Count one page and keep its rows."""
        self.answer(answer)
        # Rows first: a page whose rows cannot be read has not come.
        self.rows(page.items)
        self.totals.append(answer.call.endpoint.paging.total(page))
        self.ended = answer.call.endpoint.paging.says_last(page)
        # A walk that asks for a page merely because one was full expects the same page again in the end.
        expected = getattr(answer.call.endpoint.paging, "insists", False)
        self.repeated_pages += bool(page.items) and page.items == self.previous and not expected
        self.previous = page.items

    def rows(self, records: list[Any]) -> None:
        """Count records and flatten them."""
        self.received += len(records)
        self.flattener.add(records)


# --- a paged list -------------------------------------------------------------------------------------------------


def load_list(plan: Plan, call: Call) -> pd.DataFrame:
    """Every page of *call* as one frame.

    Raises IncompleteLoad where rows are missing, with those that came; the vendor's error where nothing came.
    """
    began = time.perf_counter()
    if (frames := _reopened(plan, [call], began)) is not None:
        return frames[plan.level.table.name]
    tally, failure = _walk(plan, call)
    flat = _once_each(tally.flattener.finish()[plan.level.table.name])
    certificate = _list_certificate(plan, tally, _records(plan, flat), failure)
    if plan.options.limit is not None and flat.rows > plan.options.limit:
        flat = flat.take(np.arange(plan.options.limit))
    frames = _finish(plan, [call], {flat.table.name: flat}, certificate, tally, began)
    if certificate.verdict == "FAIL" and not plan.options.allow_partial:
        kind = BrokenCursor if isinstance(failure, BrokenCursor) else IncompleteLoad
        # Where every call succeeded and rows are missing all the same, the cache would only give the same again.
        resume = partial(load_list, _again(plan, refresh=failure is None), call)
        raise _incomplete(plan, frames[flat.table.name], certificate, resume, kind) from failure
    return frames[flat.table.name]


def _walk(plan: Plan, call: Call) -> tuple[Tally, DocframesError | None]:
    """Every page; once more from the beginning, past the cache, where the vendor lost the place."""
    tally, failure = _walk_once(plan, call, refresh=plan.options.refresh)
    return _walk_once(plan, call, refresh=True) if isinstance(failure, BrokenCursor) else (tally, failure)


def _walk_once(plan: Plan, call: Call, *, refresh: bool) -> tuple[Tally, DocframesError | None]:
    tally = Tally(Flattener(plan.levels))
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
    with _bar(plan, "pages", None) as advance, paused_collector(), closing(pages):
        for page, answer in pages:
            tally.page(page, answer)
            advance(_page_count(page, answer) if len(tally.totals) == 1 else None)
            if options.limit is not None and tally.received >= options.limit:
                break


def _page_count(page: Page, answer: Answer) -> int | None:
    rest = answer.call.endpoint.paging.rest(page)
    return None if rest is None else len(rest)


def _list_certificate(plan: Plan, tally: Tally, unique: int, failure: DocframesError | None) -> Certificate:
    certificate = certify(
        first=tally.totals[0] if tally.totals else None,
        last=tally.totals[-1] if tally.totals else None,
        received=tally.received,
        unique=unique,
        repeated_pages=tally.repeated_pages,
        cut_at=plan.options.limit,
        ended=tally.ended,
    )
    if failure is None:
        return certificate
    reason = f"page {len(tally.totals) + 1} did not come: {failure}"
    return dataclasses.replace(certificate, verdict="FAIL", reason=reason)


def _records(plan: Plan, flat: Flat) -> int:
    """How many records the rows come from: what the vendor counts."""
    if not plan.level.unit:
        return flat.rows
    return len(pa.table({name: flat.columns[name] for name in plan.level.unit}).to_pandas().drop_duplicates())


def _once_each(flat: Flat) -> Flat:
    """Without the rows that came again on a later page because pages shifted; the latest copy stays."""
    keys = pa.table({name: flat.columns[name] for name in flat.table.key}).to_pandas()
    again = (keys.duplicated(keep="last") & keys.notna().all(axis=1)).to_numpy()
    return flat.take(np.flatnonzero(~again)) if again.any() else flat


# --- many paged lists ---------------------------------------------------------------------------------------------

#: Every page of one list, in order.
_Walked = list[tuple[Page, Answer]]


def load_lists(
    plan: Plan, calls: Sequence[Call], names: Sequence[str], *, refusals: frozenset[int] = frozenset()
) -> pd.DataFrame:
    """Every page of every list of *calls* as one frame; the lists side by side, the rows in the order of *names*.

    names : what each list belongs to, such as a user's id.  refusals : statuses that say "not for you": such a list
    is passed over, told in a warning and in the record's ``refused``, and the certificate cannot be PASS.
    Raises IncompleteLoad where another list failed; the vendor's error where all of them did.
    """
    began = time.perf_counter()
    if (frames := _reopened(plan, calls, began)) is not None:
        return frames[plan.level.table.name]
    tally, totals, failures = _collect_lists(plan, calls, names, refusals)
    flat = _once_each(tally.flattener.finish()[plan.level.table.name])
    certificate = _lists_certificate(plan, tally, flat.rows, totals, failures, len(names))
    if plan.options.limit is not None and flat.rows > plan.options.limit:
        flat = flat.take(np.arange(plan.options.limit))
    frames = _finish(plan, calls, {flat.table.name: flat}, certificate, tally, began)
    _tell_refused(plan, tally, len(names))
    if certificate.verdict == "FAIL" and not plan.options.allow_partial:
        resume = partial(load_lists, _again(plan, refresh=not failures), calls, names, refusals=refusals)
        first = next(iter(failures.values()), None)
        raise _incomplete(plan, frames[flat.table.name], certificate, resume) from first
    return frames[flat.table.name]


def _collect_lists(
    plan: Plan, calls: Sequence[Call], names: Sequence[str], refusals: frozenset[int]
) -> tuple[Tally, list[tuple[int | None, int | None]], dict[str, DocframesError]]:
    tally, totals = Tally(Flattener(plan.levels)), list[tuple[int | None, int | None]]()
    failures: dict[str, DocframesError] = {}
    outcomes = plan.client.side_by_side([partial(_walk_one, plan, call) for call in calls])
    with _bar(plan, "lists", len(calls)) as advance, paused_collector():
        for name, outcome in zip(names, outcomes, strict=False):
            advance(None)
            if not isinstance(outcome, DocframesError):
                totals.append(_count_list(tally, outcome))
            elif isinstance(outcome, VendorError) and outcome.status in refusals:
                tally.refused[name] = str(outcome)
            elif isinstance(outcome, OfflineMiss | AuthError):
                raise outcome
            else:
                failures[name] = outcome
                if not isinstance(outcome, NotFound | BadRequest | ShapeError | BrokenCursor):
                    # The vendor is not answering: the rest would fail the same way, each after all its tries.
                    break
            if plan.options.limit is not None and tally.received >= plan.options.limit:
                break
    if failures and len(failures) == len(names):
        raise next(iter(failures.values()))
    return tally, totals, failures


def _walk_one(plan: Plan, call: Call) -> _Walked:
    """Every page of one list; once more from its beginning, past the cache, where the vendor lost the place."""
    options = plan.options
    walk = partial(plan.client.pages, call, size=options.page_size, most=options.limit)
    try:
        return list(walk(refresh=options.refresh))
    except BrokenCursor:
        return list(walk(refresh=True))


def _count_list(tally: Tally, walked: _Walked) -> tuple[int | None, int | None]:
    """Count the pages of one list and keep their rows; gives its first and its last declared total."""
    tally.previous, before, ended = [], len(tally.totals), tally.ended or not tally.totals
    for page, answer in walked:
        tally.page(page, answer)
    tally.ended = tally.ended and ended
    return tally.totals[before], tally.totals[-1]


def _lists_certificate(
    plan: Plan,
    tally: Tally,
    unique: int,
    totals: Sequence[tuple[int | None, int | None]],
    failures: Mapping[str, DocframesError],
    wanted: int,
) -> Certificate:
    firsts, lasts = [first for first, _ in totals], [last for _, last in totals]
    certificate = certify(
        first=_sum(firsts), last=_sum(lasts), received=tally.received, unique=unique,
        repeated_pages=tally.repeated_pages, cut_at=plan.options.limit, ended=tally.ended,
    )  # fmt: skip
    limit = plan.options.limit
    if failures:
        name, error = next(iter(failures.items()))
        reason = f"{len(totals)} of {wanted} lists came; {len(failures)} failed, the first {name}: {error}"
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


# --- one answer, outside any list ---------------------------------------------------------------------------------


def frame_of(plan: Plan, answer: Answer, records: list[Any], reason: str) -> pd.DataFrame:
    """What one call answered, as a frame that is never kept; *reason* says how the rows are known to be all."""
    began = time.perf_counter()
    tally = Tally(Flattener(plan.levels))
    tally.answer(answer)
    tally.rows(records)
    flat = tally.flattener.finish()[plan.level.table.name]
    certificate = Certificate("PASS", reason, received=len(records), unique=flat.rows)
    _tell_drift(plan, [flat])
    return attach(to_frame(flat.arrow()), _load(plan, flat, certificate, tally, time.perf_counter() - began))


# --- one answer each ----------------------------------------------------------------------------------------------


def load_each(plan: Plan, calls: Sequence[Call], ids: Sequence[str], id_column: str, shape: Callable[..., T]) -> T:
    """One call for each of *ids*, in parallel; *shape* is given the frames of all levels, by name.

    id_column : the column of the first level that must hold the id asked for.
    """
    began = time.perf_counter()
    if (frames := _reopened(plan, calls, began)) is not None:
        return shape(**frames)
    tally, asked, failures = _collect(plan, calls, ids)
    flats = tally.flattener.finish()
    came = flats[plan.level.table.name].columns[id_column].to_pylist()
    for place, (wanted, got) in enumerate(zip(asked, came, strict=True)):
        if got != wanted:
            plan.client.forget(calls[ids.index(asked[place])])
    enough = not failures and len(asked) < len(ids)
    certificate = _each_certificate(asked, came, failures, len(asked) if enough else len(ids))
    if plan.counted and plan.options.limit is not None:
        flat = flats[plan.counted]
        flats[plan.counted] = flat.take(np.arange(min(plan.options.limit, flat.rows)))
    frames = _finish(plan, calls, flats, certificate, tally, began)
    if certificate.verdict == "FAIL" and not plan.options.allow_partial:
        resume = partial(load_each, _again(plan), calls, ids, id_column, shape)
        first = next(iter(failures.values()), None)
        raise _incomplete(plan, shape(**frames), certificate, resume) from first
    return shape(**frames)


def _collect(
    plan: Plan, calls: Sequence[Call], ids: Sequence[str]
) -> tuple[Tally, list[str], dict[str, DocframesError]]:
    tally, asked = Tally(Flattener(plan.levels)), []
    failures: dict[str, DocframesError] = {}
    rows = 0
    with _bar(plan, "calls", len(calls)) as advance, paused_collector(), ExitStack() as stack:
        # Closed when this is left: an error on its way up would keep the calls behind it running.
        outcomes = stack.enter_context(closing(plan.client.outcomes(calls, refresh=plan.options.refresh)))
        for name, call, outcome in zip(ids, calls, outcomes, strict=False):
            advance(None)
            try:
                answer = _answer_of(outcome)
                tally.answer(answer)
                record = _record(plan, answer)
                tally.rows([record])
                asked.append(name)
                rows += _counted(plan, record)
                if plan.options.limit is not None and rows >= plan.options.limit:
                    break
            except (OfflineMiss, AuthError):
                raise
            except (NotFound, BadRequest, ShapeError, BrokenCursor) as error:
                failures[name] = error
                plan.client.forget(call)
            except (VendorError, NoAnswer) as error:
                # The vendor is not answering: the rest would fail the same way, each after all its tries.
                failures[name] = error
                break
    if failures and len(failures) == len(ids):
        raise next(iter(failures.values()))
    return tally, asked, failures


def _record(plan: Plan, answer: Answer) -> dict[str, Any]:
    if plan.record is not None:
        return plan.record(answer)
    return object_of(answer.json(), answer, plan.client.api)


def _counted(plan: Plan, record: dict[str, Any]) -> int:
    """Rows of the table that ``limit`` counts."""
    return sum(len(record[level.items]) for level in plan.level.children if level.table.name == plan.counted)


def _answer_of(outcome: Answer | DocframesError) -> Answer:
    if isinstance(outcome, DocframesError):
        raise outcome
    return outcome


def _each_certificate(
    asked: list[str], came: list[str | None], failures: Mapping[str, DocframesError], wanted: int
) -> Certificate:
    wrong = [f"{id} was asked for and {got} came" for id, got in zip(asked, came, strict=True) if got not in (None, id)]
    facts = {
        "declared_first": wanted,
        "declared_last": wanted,
        "received": len(came),
        "unique": len(set(came)),
    }
    if failures:
        name, error = next(iter(failures.items()))
        reason = f"{len(came)} of {wanted} came; {len(failures)} failed, the first {name}: {error}"
        return Certificate("FAIL", reason, **facts)
    if wrong:
        return Certificate("FAIL", f"{len(wrong)} answers are for another id: {wrong[0]}", **facts)
    if None in came:
        return Certificate(
            "CANNOT_PROVE", f"{came.count(None)} answers of {wanted} do not say which id they are", **facts
        )
    return Certificate("PASS", f"{wanted} asked for, {wanted} came", **facts)


# --- what both share ----------------------------------------------------------------------------------------------


def _again(plan: Plan, *, refresh: bool = False) -> Plan:
    """The same load, answered from the cache as far as it came unless *refresh*."""
    return dataclasses.replace(plan, options=dataclasses.replace(plan.options, refresh=refresh))


def _incomplete(
    plan: Plan,
    frame: Any,
    certificate: Certificate,
    resume: Callable[[], Any],
    kind: type[IncompleteLoad] = IncompleteLoad,
) -> IncompleteLoad:
    msg = f"{plan.client.vendor}.{plan.loader}: {certificate.reason}. The rows that came are in .frame; .resume() goes "
    msg += "on from there (finished calls come from the cache); allow_partial=True accepts what came."
    return kind(msg, frame=frame, certificate=certificate, resume=resume)


def _finish(
    plan: Plan,
    calls: Sequence[Call],
    flats: dict[str, Flat],
    certificate: Certificate,
    tally: Tally,
    began: float,
) -> dict[str, pd.DataFrame]:
    frames, loads, arrows = {}, {}, {}
    for name, flat in flats.items():
        load = _load(plan, flat, certificate, tally, time.perf_counter() - began)
        arrows[name] = flat.arrow()
        frames[name] = attach(to_frame(arrows[name]), load)
        loads[name] = load.as_dict()
    _tell_drift(plan, flats.values())
    if certificate.verdict != "FAIL":
        _keep(plan, calls, arrows, loads, tally)
    return frames


def _load(plan: Plan, flat: Flat, certificate: Certificate, tally: Tally, seconds: float) -> Load:
    return Load(
        load_id=new_load_id(plan.client.vendor, flat.table.name),
        vendor=plan.client.vendor,
        loader=plan.loader,
        table=flat.table.name,
        arguments=redact.arguments(plan.arguments),
        calls=tally.calls,
        from_cache=tally.from_cache,
        fetched_from=min(tally.fetched, default=None),
        fetched_to=max(tally.fetched, default=None),
        rows=flat.rows,
        seconds=seconds,
        certificate=certificate,
        unknown_keys=flat.drift.unknown,
        missing_keys=flat.drift.missing,
        unreadable=flat.drift.unreadable,
        renamed_keys=flat.drift.renamed,
        refused=dict(tally.refused),
        declared=flat.table,
    )


def _tell_drift(plan: Plan, flats: Iterable[Flat]) -> None:
    said = []
    for flat in flats:
        drift = flat.drift
        for words, names in (
            ("not declared, kept as columns", {} if flat.table.open else drift.unknown),
            ("declared, but in no record", drift.missing),
            ("not readable, kept as text in ..._as_sent", drift.unreadable),
        ):
            if names:
                said.append(f"{flat.table.name}: {', '.join(sorted(names))} ({words})")
        if drift.empty_records:
            said.append(f"{flat.table.name}: {drift.empty_records} null in place of a row")
    if said:
        msg = f"{plan.client.vendor}.{plan.loader}: the answers differ from what is declared. {'; '.join(said)}. "
        msg += "Counts are in docframes.load_record(frame). A key under another name: "
        msg += 'Client(assumptions={"columns": {"<table>": {"<column>": "<key>"}}}).'
        warn(msg, SchemaDriftWarning)


def _keep(plan: Plan, calls: Sequence[Call], arrows: Any, loads: Any, tally: Tally) -> None:
    folder = plan.client.frames_folder
    if folder is None or not tally.fetched:
        return
    lifetime = min(call.endpoint.lifetime for call in calls)
    kept.keep(folder, plan.key(calls), arrows, loads, min(tally.fetched) + timedelta(seconds=lifetime))


def _reopened(plan: Plan, calls: Sequence[Call], began: float) -> dict[str, pd.DataFrame] | None:
    """The same load as it was kept, where it is still fresh (or offline, however old)."""
    folder = plan.client.frames_folder
    if folder is None or plan.options.refresh or not calls:
        return None
    offline = cache.is_offline(plan.client.settings)
    found = kept.find(folder, plan.key(calls), plan.names, however_old=offline)
    if found is None:
        return None
    frames = {name: to_frame(table) for name, table in found.tables.items()}
    for level in plan.levels.walk():
        facts = found.facts[level.table.name]
        attach(frames[level.table.name], _reopened_load(plan, level, facts, time.perf_counter() - began))
    return frames


def _reopened_load(plan: Plan, level: Level, facts: dict[str, Any], seconds: float) -> Load:
    moments = {name: _moment(facts[name]) for name in ("fetched_from", "fetched_to")}
    fresh = {
        "load_id": new_load_id(plan.client.vendor, level.table.name),
        "certificate": Certificate(**facts["certificate"]),
        "from_cache": facts["calls"] + facts["from_cache"],
        "calls": 0,
        "seconds": seconds,
        "declared": level.table,
    }
    return Load(**{**facts, **moments, **fresh})


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


class _bar:
    """A progress bar that shows itself only when the load takes longer than :data:`PATIENCE`."""

    def __init__(self, plan: Plan, unit: str, total: int | None) -> None:
        self.progress = plan.options.progress
        self.options: dict[str, Any] = {
            "desc": f"{plan.client.vendor} {plan.level.table.name}",
            "unit": f" {unit}",
            "total": total,
        }
        self.bar: Any = None

    def __enter__(self) -> Callable[[int | None], None]:
        if self.progress is not False:
            from tqdm.auto import tqdm

            delay = 0 if self.progress else PATIENCE
            self.bar = tqdm(delay=delay, leave=False, dynamic_ncols=True, **self.options)
        return self.advance

    def advance(self, still_to_come: int | None) -> None:
        """One more is done; *still_to_come* says how many are left, where that is known only now."""
        if self.bar is None:
            return
        if self.bar.total is None and still_to_come is not None:
            self.bar.total = self.bar.n + 1 + still_to_come
        self.bar.update(1)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()
