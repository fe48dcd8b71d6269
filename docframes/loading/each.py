"""One answer for each of several ids into the frames of all levels."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Any, TypeVar

import numpy as np

from docframes.errors import (
    AuthError,
    BadRequest,
    BrokenCursor,
    DocframesError,
    NoAnswer,
    NotFound,
    OfflineMiss,
    ShapeError,
    VendorError,
)
from docframes.loading.plan import Plan, Tally
from docframes.loading.progress import Bar
from docframes.loading.records import affordable, again, fails, finish, incomplete, reopened
from docframes.tables.certificates import Certificate
from docframes.transport import planning
from docframes.transport.answers import Answer, Call, object_of, paused_collector
from docframes.transport.journal import collected
from docframes.transport.planning import Unplanned

T = TypeVar("T")


def load_each(plan: Plan, calls: Sequence[Call], ids: Sequence[str], id_column: str, shape: Callable[..., T]) -> T:
    """One call for each of *ids*, in parallel; *shape* is given the frames of all levels, by name.

    id_column : the column of the first level that must hold the id asked for.
    """
    plan = dataclasses.replace(plan, single=True)
    with affordable(plan, lambda: load_each(plan, calls, ids, id_column, shape)):
        return _load_each(plan, calls, ids, id_column, shape)


def _load_each(plan: Plan, calls: Sequence[Call], ids: Sequence[str], id_column: str, shape: Callable[..., T]) -> T:
    began = time.perf_counter()
    if (frames := reopened(plan, calls, began)) is not None:
        return shape(**frames)
    tally, asked, failures = _collect(plan, calls, ids)
    flats = tally.flattener.finish()
    came = flats[plan.level.table.name].columns[id_column].to_pylist()
    for place, (wanted, got) in enumerate(zip(asked, came, strict=True)):
        if got != wanted:
            plan.client.forget(calls[ids.index(asked[place])])
    enough = not failures and len(asked) < len(ids)
    certificate = _each_certificate(asked, came, failures, len(asked) if enough else len(ids))
    certificate = certificate.aged(tally.moments(from_cache=True))
    if plan.counted and plan.options.limit is not None:
        flat = flats[plan.counted]
        flats[plan.counted] = flat.take(np.arange(min(plan.options.limit, flat.rows)))
    frames = finish(plan, calls, flats, certificate, tally, began)
    if fails(plan, certificate):
        resume = partial(load_each, again(plan), calls, ids, id_column, shape)
        first = next(iter(failures.values()), None)
        raise incomplete(plan, shape(**frames), certificate, resume) from first
    return shape(**frames)


def _collect(
    plan: Plan, calls: Sequence[Call], ids: Sequence[str]
) -> tuple[Tally, list[str], dict[str, DocframesError]]:
    tally, asked = Tally(plan.flattener()), []
    failures: dict[str, DocframesError] = {}
    rows = 0
    with Bar(plan.told, "calls", len(calls), plan.options.progress) as bar, paused_collector(), ExitStack() as stack:
        # Closed when this is left: an error on its way up would keep the calls behind it running.
        outcomes = stack.enter_context(closing(plan.client.outcomes(calls, refresh=plan.options.refresh)))
        for name, call, outcome in zip(ids, calls, outcomes, strict=False):
            bar.advance()
            try:
                answer = _answer_of(outcome)
                tally.answer(answer)
                with collected() as others:
                    record = _record(plan, answer)
                for used in others:
                    tally.count(used)
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
            except Unplanned as error:
                failures[name] = error
                if plan.asks and (planner := planning.current()) is not None:
                    planner.open = True
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
    facts: dict[str, Any] = {
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
