"""Finds where a row of a load came from: which answer, and which record of it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from docframes.errors import ConfigError, DocframesWarning, OfflineMiss, ShapeError
from docframes.loading.plan import Plan
from docframes.tables.flatten import Flattener, records_of
from docframes.tables.provenance import TRACE, Made, Trace, apart, compared, number_of
from docframes.transport.answers import Answer, decoded, object_of, rows_of
from docframes.transport.journal import Used
from docframes.words import count

_GONE = (
    "The answer is not in the cache any more, or a newer one took its place: where the row stood cannot be looked up. "
    "A load with refresh=True is of the present answers."
)


@dataclass(frozen=True)
class RecordTrail:
    """The origin of rows that were made of records in JSON."""

    plan: Plan = field(repr=False)
    answers: tuple[Used, ...] = field(repr=False)
    table: str

    def of(self, row: pd.Series) -> Trace:
        """Where *row* came from.

        Raises ConfigError where the load was made without ``trace=True``, or the row is none of this load.
        """
        place, within = apart(number_of(row, TRACE, f"Load it with {self._load}(..., trace=True)."))
        if not 0 <= place < len(self.answers):
            raise ConfigError(_none_of(self._load))
        answer = self.plan.client.remembered(self.answers[place])
        found = None if answer is None else self._found(place, answer, within, row)
        used = self.answers[place if found is None else found.place]
        return Trace(
            vendor=used.vendor,
            loader=self.plan.loader,
            table=self.table,
            # What follows the mark is ours: it tells versions apart in the cache, and is never sent.
            request=f"{used.method} {used.url.partition('#')[0]}",
            sha256=used.sha256,
            page=1 + (place if found is None else found.place),
            pages=len(self.answers),
            pointer=None if found is None else found.pointer,
            fetched_at=used.fetched_at,
            record=None if found is None else found.record,
            note=_GONE if found is None else found.note,
        )

    @property
    def _load(self) -> str:
        return f"{self.plan.client.vendor}.{self.plan.loader}"

    def _found(self, place: int, answer: Answer, within: int, row: pd.Series) -> _Found | None:
        """The record, as it was sent; None where another answer that it takes is not there any more."""
        with warnings.catch_warnings(), self.plan.client.again(self.answers), decoded() as bodies:
            warnings.simplefilter("ignore", DocframesWarning)
            try:
                records = self._records(answer)
            except OfflineMiss:
                return None
        rows = records_of(records, self.plan.levels, self.table)
        if not within < len(rows):
            raise ConfigError(_none_of(self._load))
        doubt = compared(row, self._keys(records, within, row), TRACE, _none_of(self._load))
        if not bodies:
            return _Found(place, "", note=f"The answer is no JSON but a file of {count(len(answer.body), 'byte')}.")
        found = self._at(place, *rows[within], bodies)
        return replace(found, note=" ".join(filter(None, [found.note, doubt])))

    def _keys(self, records: list[Any], within: int, row: pd.Series) -> dict[str, Any]:
        """What tells the row that the record makes apart from others, as far as *row* has columns for it."""
        flattener = Flattener(self.plan.levels)
        flattener.add(records)
        flat = flattener.finish()[self.table]
        keys = {name: flat.columns[name][within].as_py() for name in flat.table.key if name in row.index}
        return {name: value for name, value in keys.items() if value is not None}

    def _at(self, place: int, record: Any, holder: Any, index: int, bodies: Sequence[tuple[Answer, Any]]) -> _Found:
        """The place of *record*, which stands at *index* of *holder*, in that answer of the load which has it."""
        for answer, body in bodies:
            pointer = _Places(body).of(record, holder, index)
            if pointer is not None:
                own = bodies[0][0].key == answer.key
                return _Found(place if own else self._place_of(answer), pointer, at(body, pointer))
        return _Found(place, "", bodies[0][1], "It is made of the whole answer.")

    def _place_of(self, answer: Answer) -> int:
        return next(place for place, used in reversed(list(enumerate(self.answers))) if used.key == answer.key)

    def _records(self, answer: Answer) -> list[Any]:
        """The records of the answer, as the loader took them.  Nothing is sent for it."""
        plan = self.plan
        if plan.record is not None:
            return [plan.record(answer)]
        body = answer.json()
        if plan.single:
            return [object_of(body, answer, plan.client.api)]
        rows = plan.client.rows(body, answer)
        try:
            sent = rows_of(body, answer, plan.client.api)
        except ShapeError:
            return rows
        # A room may put what stands elsewhere into copies of its rows; these are as many, in the same order.
        return Made(rows, ((sent, place) for place in range(len(sent)))) if len(rows) == len(sent) else rows


@dataclass(frozen=True)
class _Found:
    """Where a record stands.  place : which answer of the load it is in, from 0."""

    place: int
    pointer: str
    record: Any = None
    note: str = ""


def _none_of(load: str) -> str:
    return f"This row is none of {load}'s: its column {TRACE!r} names no record, or that of another row."


class _Places:
    """Where each object and list of a decoded body stands, by its identity."""

    def __init__(self, body: Any) -> None:
        self._pointers: dict[int, str] = {}
        waiting: list[tuple[Any, str]] = [(body, "")]
        while waiting:
            value, pointer = waiting.pop()
            if not isinstance(value, dict | list):
                continue
            self._pointers[id(value)] = pointer
            members = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [(member, _below(pointer, key)) for key, member in members]

    def of(self, record: Any, holder: Any, index: int) -> str | None:
        """The pointer to *record*, which stands at *index* of *holder*; to what it was made of where it was made."""
        itself = self._itself(record)
        if itself is not None:
            return itself
        container, *keys = (holder.origins[index] if isinstance(holder, Made) else (holder, index)) or (None,)
        pointer = self._itself(container)
        if pointer is None or (isinstance(container, dict) and not isinstance(holder, Made)):
            # A lone object where a list was due is itself the record.
            return pointer
        for key in keys:
            pointer = _below(pointer, key)
        return pointer

    def _itself(self, value: Any) -> str | None:
        return self._pointers.get(id(value)) if isinstance(value, dict | list) else None


def _below(pointer: str, key: str | int) -> str:
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def at(body: Any, pointer: str) -> Any:
    """What stands at a JSON pointer."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        body = body[int(key)] if isinstance(body, list) else body[key]
    return body
