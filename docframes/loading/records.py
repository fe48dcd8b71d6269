"""The end of a load: frames with their record, kept for the next time; and the next time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from docframes.errors import IncompleteLoad, SchemaDriftWarning, warn
from docframes.loading.plan import Plan, Tally
from docframes.loading.trail import RecordTrail
from docframes.tables import kept
from docframes.tables.certificates import Certificate
from docframes.tables.changes import Changes
from docframes.tables.flatten import Flat
from docframes.tables.frames import to_frame
from docframes.tables.loads import Load, attach, new_load_id
from docframes.tables.schema import Level
from docframes.transport import cache, journal, planning, redact
from docframes.transport.answers import Answer, Call


def again(plan: Plan, *, refresh: bool = False) -> Plan:
    """The same load, answered from the cache as far as it came unless *refresh*."""
    return dataclasses.replace(plan, options=dataclasses.replace(plan.options, refresh=refresh))


def affordable(plan: Plan, load: Callable[[], object]) -> AbstractContextManager[None]:
    """Within this *load* sends no more calls than it may; raises TooManyCalls at once where it would."""
    planner = planning.current()
    if planner is not None:
        planner.begin(plan.client.account, plan.client)
    return planning.spending(plan.options.max_calls, f"{plan.client.vendor}.{plan.loader}", load)


def fails(plan: Plan, certificate: Certificate) -> bool:
    """Whether a load with this certificate is an error.  What is only planned may have gaps."""
    return certificate.verdict == "FAIL" and not plan.options.allow_partial and planning.current() is None


def incomplete(
    plan: Plan,
    frame: Any,
    certificate: Certificate,
    resume: Callable[[], Any],
    kind: type[IncompleteLoad] = IncompleteLoad,
) -> IncompleteLoad:
    """The error for a load with gaps: it says why, has what came, and goes on from there."""
    msg = f"{plan.client.vendor}.{plan.loader}: {certificate.reason}. The rows that came are in .frame; .resume() goes "
    msg += "on from there (finished calls come from the cache); allow_partial=True accepts what came."
    return kind(msg, frame=frame, certificate=certificate, resume=resume)


def finish(
    plan: Plan,
    calls: Sequence[Call],
    flats: dict[str, Flat],
    certificate: Certificate,
    tally: Tally,
    began: float,
) -> dict[str, pd.DataFrame]:
    """Frames with their record, and the load kept for the next time unless rows are missing."""
    frames, loads, arrows = {}, {}, {}
    for name, flat in flats.items():
        load = _load(plan, flat, certificate, tally, time.perf_counter() - began)
        arrows[name] = flat.arrow()
        frames[name] = attach(to_frame(arrows[name]), load)
        loads[name] = load.as_dict()
    if planning.current() is not None:
        return frames
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
        answers=tuple(tally.used),
        trail=RecordTrail(plan, tuple(tally.used), flat.table.name),
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
    answers = journal.to_json(tuple(tally.used))
    expires = min(tally.fetched) + timedelta(seconds=lifetime)
    kept.keep(folder, plan.key(calls), arrows, loads, answers, expires, tell=plan.client.trouble.of_frames)


def reopened(plan: Plan, calls: Sequence[Call], began: float) -> dict[str, pd.DataFrame] | None:
    """The same load as it was kept, where it is still fresh (or offline, however old)."""
    folder = plan.client.frames_folder
    if folder is None or plan.options.refresh or not calls:
        return None
    offline = cache.is_offline(plan.client.settings)
    tell = plan.client.trouble.of_frames
    found = kept.find(folder, plan.key(calls), plan.names, however_old=offline, tell=tell)
    if found is None:
        return None
    frames = {name: to_frame(table) for name, table in found.tables.items()}
    answers = journal.from_dicts(found.answers)
    _use_again(plan, answers)
    for level in plan.levels.walk():
        facts = found.facts[level.table.name]
        attach(frames[level.table.name], reopened_load(plan, level, facts, answers, time.perf_counter() - began))
    return frames


def _use_again(plan: Plan, answers: Sequence[journal.Used]) -> None:
    planner = planning.current()
    if planner is not None:
        planner.answered(len(answers))
        return
    for used in answers:
        journal.note(used, plan.client)


def reopened_load(
    plan: Plan, level: Level, facts: dict[str, Any], answers: tuple[journal.Used, ...], seconds: float
) -> Load:
    """The record of a load that was kept, from its *facts*: all of it comes from the cache now."""
    moments = {name: _moment(facts[name]) for name in ("fetched_from", "fetched_to")}
    certificate = Certificate.from_dict(facts["certificate"])
    fresh = {
        "load_id": new_load_id(plan.client.vendor, level.table.name),
        "certificate": certificate.aged([used.fetched_at for used in answers]) if answers else certificate,
        "from_cache": facts["calls"] + facts["from_cache"],
        "calls": 0,
        "seconds": seconds,
        "declared": level.table,
        "answers": answers,
        "trail": RecordTrail(plan, answers, level.table.name),
        "changes": Changes.from_dict(facts.get("changes")),
    }
    return Load(**{**facts, **moments, **fresh})


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def frame_of(plan: Plan, answer: Answer, records: list[Any], reason: str) -> pd.DataFrame:
    """What one call answered, as a frame that is never kept; *reason* says how the rows are known to be all."""
    began = time.perf_counter()
    tally = Tally(plan.flattener())
    tally.answer(answer)
    tally.rows(records)
    flat = tally.flattener.finish()[plan.level.table.name]
    certificate = Certificate("PASS", reason, received=len(records), unique=flat.rows)
    certificate = certificate.aged(tally.moments(from_cache=True))
    _tell_drift(plan, [flat])
    load = _load(plan, flat, certificate, tally, time.perf_counter() - began)
    # What is sent to a vendor takes no trace=True, so that its rows lead nowhere.
    return attach(to_frame(flat.arrow()), dataclasses.replace(load, trail=None))
