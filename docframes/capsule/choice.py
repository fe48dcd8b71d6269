"""Which answers, states, files and ledgers go into a capsule: all that was used, or what given frames are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from docframes.errors import CapsuleError, ColumnError, ConfigError
from docframes.files import refs
from docframes.ledger import GeneralLedger
from docframes.loading.trail import RecordTrail
from docframes.tables.loads import Load, load_record
from docframes.transport import journal
from docframes.transport.journal import File, State, Used


@dataclass(frozen=True)
class Choice:
    """What goes in, each in the order of its use."""

    answers: list[Used]
    states: list[State]
    files: list[File]
    ledgers: list[Path]  #: archives of ledgers that were read from files of the user's


def of_session() -> Choice:
    """All that was used since the process began, or :func:`.journal.forget` was called."""
    known = journal.JOURNAL
    answers = known.used()
    return Choice(answers, _needed(list(known.states.values()), answers), list(known.files.values()), [])


def of_given(given: Iterable[Any]) -> Choice:
    """What *given* is made of.  Raises CapsuleError for what was not loaded in this session."""
    parts = [part for one in given for part in _parts(one)]
    loads = [load for part in parts for load in _loads(part)]
    used = {(one.account, one.key, one.sha256): one for load in loads for one in load.answers}
    archives = {sha256 for load in loads for sha256 in getattr(load, "files", {}).values()}
    _check_archives(archives)
    states = [one for one in journal.JOURNAL.states.values() if set(one.archives) & archives]
    accounts = {(one.vendor, one.account) for one in [*used.values(), *states]} | set(_accounts(loads))
    answers = [*used.values(), *_refusals(accounts, used.keys())]
    states += [
        one for one in journal.JOURNAL.states.values() if not one.archives and (one.vendor, one.account) in accounts
    ]
    ledgers = [path for part in parts if isinstance(part, GeneralLedger) for path in _own_files(part)]
    return Choice(answers, _needed(states, answers), _files_of(parts), list(dict.fromkeys(ledgers)))


def _parts(given: Any) -> Iterator[pd.DataFrame | GeneralLedger]:
    """The frames and ledgers that *given* is or holds."""
    if isinstance(given, pd.DataFrame | GeneralLedger):
        yield given
    elif isinstance(given, Mapping):
        yield from (part for one in given.values() for part in _parts(one))
    elif isinstance(given, list | tuple):
        yield from (part for one in given for part in _parts(one))
    elif is_dataclass(given) and (frames := [one for one in vars(given).values() if _is_loaded(one)]):
        yield from frames
    else:
        msg = f"A capsule is saved of loaded frames, of what holds several, and of ledgers; a {type(given).__name__} "
        raise CapsuleError(msg + "came, which is none of them.")


def _is_loaded(value: Any) -> bool:
    return isinstance(value, pd.DataFrame) and bool(value.attrs)


def _loads(part: pd.DataFrame | GeneralLedger) -> list[Load]:
    if isinstance(part, GeneralLedger):
        return list(part.records.values())
    try:
        return [load_record(part)]
    except ConfigError as error:
        msg = f"A capsule is saved of loaded frames, and of one that was given nobody knows how it was loaded. {error}"
        raise CapsuleError(msg) from error


def _accounts(loads: Iterable[Load]) -> Iterator[tuple[str, str]]:
    """Whose the loads are; one that was made offline need have no answer."""
    for load in loads:
        if isinstance(load.trail, RecordTrail):
            try:
                yield load.vendor, load.trail.plan.client.account
            except ConfigError as error:
                raise CapsuleError(f"{load.vendor}.{load.loader} was loaded within another capsule. {error}") from error


def _check_archives(archives: set[str]) -> None:
    noted = {sha256 for one in journal.JOURNAL.states.values() for sha256 in one.archives}
    if archives - noted:
        msg = f"The archive {min(archives - noted)[:12]}... of a ledger was loaded before capsule.forget(), or within "
        raise CapsuleError(msg + "another capsule. Load the ledger again, then save.")


def _refusals(accounts: set[tuple[str, str]], without: Iterable[journal.Mark]) -> list[Used]:
    """What the vendor would not give: no frame is made of it, and a load that goes on without it asks for it again."""
    known = set(without)
    return [
        one
        for one in journal.JOURNAL.used()
        if one.status >= 400 and (one.vendor, one.account) in accounts
        if (one.account, one.key, one.sha256) not in known
    ]


def _needed(states: list[State], answers: list[Used]) -> list[State]:
    """Without what the loads write anew that are run again: another load would take it for what was there before."""
    there = {(one.account, one.key, one.sha256) for one in answers}
    return [one for one in states if one.made_of is None or not one.made_of <= there]


def _own_files(ledger: GeneralLedger) -> Iterator[Path]:
    """The files of a ledger that came from no vendor."""
    if ledger.files is None or ledger.records:
        return
    paths = [ledger.files] if isinstance(ledger.files, Path) else list(ledger.files.values())
    for path in paths:
        if not path.exists():
            raise CapsuleError(f"{path}, which a ledger was read from, is not there any more.")
        yield from [path] if path.is_file() else (one for one in sorted(path.rglob("*")) if one.is_file())


def _files_of(parts: Iterable[pd.DataFrame | GeneralLedger]) -> list[File]:
    """Of the files that were fetched, those that the frames name."""
    named = set()
    for part in parts:
        if isinstance(part, pd.DataFrame):
            try:
                named |= {(ref.vendor, ref.kind, ref.file_id) for ref in refs(part)}
            except ColumnError:
                continue
    return [one for one in journal.JOURNAL.files.values() if (one.vendor, one.kind, one.file_id) in named]
