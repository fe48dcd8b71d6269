"""Writing a capsule: every answer that was used, with the state, the files and the ledgers beside them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from docframes import __version__
from docframes.capsule import container
from docframes.capsule.manifest import Account, AnswerEntry, Entry, FileEntry, LedgerEntry, Manifest, StateEntry
from docframes.errors import CapsuleError, DocframesError
from docframes.files import FileRef
from docframes.ledger import GeneralLedger
from docframes.tables.loads import load_record
from docframes.transport import redact, replay
from docframes.transport.journal import JOURNAL, File, State, Used
from docframes.words import count, size

_LONGEST_LIST = 3  #: of what is missing that a message names


@dataclass(frozen=True)
class Saved:
    """What was written.  digest : the SHA-256 of the archive; written down apart, it proves later that none was put
    in its place."""

    path: Path
    digest: str
    bytes: int
    manifest: Manifest

    def __repr__(self) -> str:
        kinds = {"answer": AnswerEntry, "file": FileEntry, "ledger": LedgerEntry}
        facts = [
            count(sum(isinstance(one, kind) for one in self.manifest.entries), noun) for noun, kind in kinds.items()
        ]
        left = sum(one.member is None for one in self.manifest.entries)
        facts += [f"{left:,} of them by name and SHA-256 only"] if left else []
        return f"Capsule {self.path.name}, {', '.join(facts)}, {size(self.bytes)}, digest {self.digest}"


def save(
    path: str | os.PathLike[str], *frames: Any, ledgers: bool = False, files: bool = False, note: str = ""
) -> Saved:
    """Write what this session used into a capsule at *path*.

    frames : loaded frames, ledgers, or what holds several of them such as ``details``: only their answers go in, in
    place of all that the session used.
    ledgers : with the archives of ledgers.  files : with the files behind links that were opened or saved; they are
    fetched once more for it.  Otherwise both are named with their SHA-256, and a notebook that needs them cannot run.
    note : the user's own words, in the manifest.
    Raises CapsuleError where nothing was used, and where an answer is not to be had any more as it was used: the cache
    was cleared, or a newer answer took its place.  What is there is left as it is then.
    """
    if replay.current() is not None:
        raise CapsuleError("A capsule is open: what comes from it is in it already. Copy the file to have another.")
    used = list(_of_frames(frames)) if frames else list(JOURNAL.answers.values())
    accounts = {(one.vendor, one.account) for one in used} if frames else None
    contents: dict[str, bytes | Path] = {}
    entries: list[Entry] = [
        *_answers(used, contents),
        *_states([one for one in JOURNAL.states.values() if _of(accounts, one)], ledgers, contents),
        *_own_ledgers(frames, ledgers, contents),
        *_files([one for one in JOURNAL.files.values() if _of(accounts, one)], files, contents),
    ]
    if not entries:
        raise CapsuleError("Nothing was loaded in this session, so there is nothing to save. Load something first.")
    manifest = Manifest(
        created_at=datetime.now(UTC),
        docframes=__version__,
        note=note,
        accounts=_accounts(entries),
        entries=tuple(entries),
    )
    digest = container.write(path, manifest, lambda entry: contents[entry.sha256])
    return Saved(Path(path), digest, Path(path).stat().st_size, manifest)


def _of(accounts: set[tuple[str, str]] | None, one: State | File) -> bool:
    return accounts is None or (one.vendor, one.account) in accounts


def _accounts(entries: Iterable[Entry]) -> tuple[Account, ...]:
    named = dict.fromkeys((entry.vendor, entry.account) for entry in entries if entry.account)
    return tuple(
        Account(vendor=vendor, account=account, base_url=redact.url(JOURNAL.clients[vendor, account].base_url))
        for vendor, account in named
    )


# --- answers ------------------------------------------------------------------------------------------------------


def _of_frames(given: Iterable[Any]) -> Iterator[Used]:
    found: dict[tuple[str, str], Used] = {}
    for frame in _frames(given):
        for used in load_record(frame).answers:
            found.setdefault((used.key, used.sha256), used)
    yield from found.values()


def _frames(given: Iterable[Any]) -> Iterator[pd.DataFrame]:
    for one in given:
        if isinstance(one, pd.DataFrame):
            yield one
        elif isinstance(one, GeneralLedger):
            continue
        elif hasattr(one, "__dataclass_fields__"):
            yield from (value for value in vars(one).values() if isinstance(value, pd.DataFrame) and value.attrs)
        else:
            msg = f"A capsule is saved of loaded frames, of what holds several, and of ledgers; got {one!r:.80}."
            raise CapsuleError(msg)


def _answers(used: Iterable[Used], contents: dict[str, bytes | Path]) -> list[AnswerEntry]:
    entries: dict[tuple[str, str], AnswerEntry] = {}
    missing = []
    # What was refused at first and came later is answered.
    for one in sorted(used, key=lambda one: one.status >= 400):
        client = JOURNAL.clients[one.vendor, one.account]
        # What no cache keeps may be asked for again and again, and answered otherwise; the first answer made the frame.
        unkept = JOURNAL.body(one.sha256) is not None
        if (one.account, one.key) in entries and unkept:
            continue
        answer = client.remembered(one)
        if answer is None or (one.account, one.key) in entries:
            missing.append(f"{one.method} {one.url}")
            continue
        contents[one.sha256] = answer.plain
        entries[one.account, one.key] = _answer(one, len(answer.plain))
    if missing:
        _refuse(missing)
    return list(entries.values())


def _answer(used: Used, length: int) -> AnswerEntry:
    return AnswerEntry(
        vendor=used.vendor,
        account=used.account,
        key=used.key,
        method=used.method,
        url=used.url,
        status=used.status,
        headers=dict(used.headers),
        fetched_at=used.fetched_at,
        sha256=used.sha256,
        size=length,
    )


def _refuse(missing: list[str]) -> None:
    shown = ", ".join(missing[:_LONGEST_LIST]) + (", ..." if len(missing) > _LONGEST_LIST else "")
    msg = f"{count(len(missing), 'answer')} cannot go in: the cache does not hold them any more as they were used, or "
    msg += f"newer ones took their place ({shown}). Run the notebook once in a new kernel and save then, or give the "
    raise CapsuleError(msg + "frames that are to go in: capsule.save(path, frame, ...).")


# --- what stands beside them --------------------------------------------------------------------------------------


def _states(states: Iterable[State], ledgers: bool, contents: dict[str, bytes | Path]) -> Iterator[Entry]:
    for one in states:
        if not one.path.is_file():
            raise CapsuleError(f"{one.name} of {one.vendor} is not in the cache any more. Load what needs it again.")
        sha256, length = _digest(one.path), one.path.stat().st_size
        contents[sha256] = one.path
        facts: dict[str, Any] = {"vendor": one.vendor, "account": one.account, "sha256": sha256, "size": length}
        if one.ledger:
            yield LedgerEntry(name=f"{one.name} ({one.ledger})", held=ledgers, **facts)
        else:
            contents[sha256] = one.path.read_bytes()
            yield StateEntry(name=one.name, **facts)


def _own_ledgers(given: Iterable[Any], ledgers: bool, contents: dict[str, bytes | Path]) -> Iterator[LedgerEntry]:
    """Ledgers that were read from files of the user's."""
    for one in given:
        if not isinstance(one, GeneralLedger) or one.files is None or one.records:
            continue
        paths = [one.files] if isinstance(one.files, Path) else list(one.files.values())
        for path in (file for each in paths for file in ([each] if each.is_file() else sorted(each.rglob("*")))):
            if path.is_file():
                sha256 = _digest(path)
                contents[sha256] = path
                name, length = path.name, path.stat().st_size
                yield LedgerEntry(vendor="", account="", name=name, sha256=sha256, size=length, held=ledgers)


def _files(used: Iterable[File], files: bool, contents: dict[str, bytes | Path]) -> Iterator[FileEntry]:
    for one in used:
        if files:
            contents[one.sha256] = _fetched(one)
        yield FileEntry(
            vendor=one.vendor,
            account=one.account,
            file_kind=one.kind,
            file_id=one.file_id,
            name="",
            sha256=one.sha256,
            size=one.size,
            held=files,
        )


def _fetched(file: File) -> bytes:
    client = JOURNAL.clients[file.vendor, file.account]
    what = f"{file.vendor} {file.kind}/{file.file_id}"
    try:
        content = FileRef(file.vendor, file.kind, file.file_id).bytes(client=client)
    except DocframesError as error:
        raise CapsuleError(f"{what} is to go into the capsule and could not be fetched again: {error}") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise CapsuleError(
            f"{what} is another file now than the one that was used. Open it again, and what rests on it."
        )
    return content


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
