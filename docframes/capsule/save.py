"""Writing a capsule: every answer that was used, with the state, the files and the ledgers beside them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docframes
from docframes.capsule import container
from docframes.capsule.choice import Choice, of_given, of_session
from docframes.capsule.manifest import Account, AnswerEntry, Entry, FileEntry, LedgerEntry, Manifest, StateEntry
from docframes.errors import CapsuleError, DocframesError
from docframes.files import FileRef
from docframes.transport import journal, redact, replay
from docframes.transport.answers import Answer
from docframes.transport.download import digest as digest_of
from docframes.transport.journal import File, State, Used
from docframes.words import count, size

_LONGEST_LIST = 3  #: of what is missing that a message names
_NOTHING = "Nothing was loaded in this session, so there is nothing to save. Load something first."
_NOTHING_OF_THESE = (
    "What was given is made of no vendor's answer, so there is nothing to save. Of a ledger that read_ledger read, "
    "give the ledger itself, not a frame of it."
)


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


def forget() -> None:
    """Begin anew: what was used until now is not saved, unless :func:`save` is given a frame that is made of it.

    For a long session: run it before the cells that the capsule is of, then run those, then save.  The cache is left as
    it is.  Answers to a client with ``cached=False`` are in no cache, and so are gone.
    """
    journal.forget()


def save(
    path: str | os.PathLike[str], *frames: Any, ledgers: bool = False, files: bool = False, note: str = ""
) -> Saved:
    """Write what this session used into a capsule at *path*.

    frames : loaded frames, ledgers, or what holds several of them such as ``details``: only what they are made of goes
    in, in place of all that was used since the process began or :func:`forget` was called.  A ledger that
    ``read_ledger`` read goes in only where it is given.
    ledgers : with the archives of ledgers.  files : with the files behind links that were opened or saved; they are
    fetched once more for it.  Otherwise both are named with their SHA-256, and a notebook that needs them cannot run.
    note : the user's own words, in the manifest.
    Raises CapsuleError where nothing was used; where a frame was not loaded in this session; where an answer is not to
    be had any more as it was used, since the cache was cleared or another answer took its place; and while a capsule is
    open.  A file that was at *path* is left as it is then.
    """
    if replay.current() is not None:
        raise CapsuleError("A capsule is open: what comes from it is in it already. Copy the file to have another.")
    target = Path(path)
    choice = of_given(frames) if frames else of_session()
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the capsule, where there has to be room for them anyway.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".", suffix=".part") as folder:
        packing = _Packing(Path(folder))
        entries = tuple(packing.entries(choice, ledgers=ledgers, files=files))
        if not entries:
            raise CapsuleError(_NOTHING_OF_THESE if frames else _NOTHING)
        manifest = Manifest(
            created_at=datetime.now(UTC),
            docframes=docframes.__version__,
            note=redact.text(note),
            accounts=_accounts(entries),
            entries=entries,
        )
        digest = container.write(target, manifest, lambda entry: packing.contents[entry.sha256])
    return Saved(target, digest, target.stat().st_size, manifest)


def _accounts(entries: Iterable[Entry]) -> tuple[Account, ...]:
    named = dict.fromkeys((entry.vendor, entry.account) for entry in entries if entry.account)
    return tuple(
        Account(vendor=vendor, account=account, base_url=redact.url(_clients(vendor, account)[0].base_url))
        for vendor, account in named
    )


def _clients(vendor: str, account: str) -> list[Any]:
    found = journal.JOURNAL.clients_of(vendor, account)
    if not found:
        msg = f"The account {account} of {vendor} was not used in this process but within another capsule. Load what "
        raise CapsuleError(msg + "is to go in from the vendor, then save.")
    return found


@dataclass
class _Packing:
    """The entries of a capsule and what their bytes are.  folder : for files that are fetched for it."""

    folder: Path
    contents: dict[str, bytes | Path] = field(default_factory=dict)  #: by SHA-256

    def entries(self, choice: Choice, *, ledgers: bool, files: bool) -> Iterator[Entry]:
        """Each kind after the other."""
        yield from self._answers(choice.answers)
        for state in choice.states:
            yield self._archive(state, held=ledgers) if state.ledger else self._state(state)
        for path in choice.ledgers:
            yield self._own_ledger(path, held=ledgers)
        for file in choice.files:
            yield self._file(file, held=files)

    # --- answers --------------------------------------------------------------------------------------------------

    def _answers(self, used: Iterable[Used]) -> list[AnswerEntry]:
        """One answer for each call.  Raises CapsuleError, naming some, where there are two or none."""
        entries: dict[tuple[str, str], AnswerEntry] = {}
        lost: list[Used] = []
        # What was refused at first and came later is answered.
        for one in sorted(used, key=lambda one: one.status >= 400):
            place = (one.account, one.key)
            if place in entries and one.status >= 400:
                continue
            answer = _remembered(one)
            if answer is not None and place not in entries:
                entries[place] = self._answer(one, answer)
            elif answer is None or not answer.call.endpoint.links:
                # Not so of links, which are others each time that they are asked for.
                lost.append(one)
        if lost:
            raise CapsuleError(_lost(lost))
        return list(entries.values())

    def _answer(self, used: Used, answer: Answer) -> AnswerEntry:
        # Once more: what the cache kept may hold a credential that nobody knew of then.
        body = redact.body(answer.plain)
        return AnswerEntry(
            vendor=used.vendor,
            account=used.account,
            key=used.key,
            method=used.method,
            url=redact.text(used.url),
            status=used.status,
            headers=redact.headers(used.headers),
            fetched_at=used.fetched_at,
            sha256=self._keep(body),
            size=len(body),
        )

    def _keep(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        self.contents[sha256] = content
        return sha256

    # --- what stands beside them ----------------------------------------------------------------------------------

    def _state(self, state: State) -> StateEntry:
        what = f"{state.name} of {state.vendor}"
        if state.replaced:
            msg = (
                f"{what} cannot go in as it was used: a ledger was loaded twice, and its files were others the second "
            )
            raise CapsuleError(msg + "time. Save after each: capsule.save(path, ledger).")
        content = state.content
        if content is None and (state.path is None or not state.path.is_file()):
            raise CapsuleError(f"{what} is not in the cache any more. Load what needs it again.")
        if content is not None or state.path is None:
            content = content or b""
            sha256, length = self._keep(content), len(content)
        else:
            sha256, length = digest_of(state.path), state.path.stat().st_size
            self.contents[sha256] = state.path
        return StateEntry(vendor=state.vendor, account=state.account, name=state.name, sha256=sha256, size=length)

    def _archive(self, state: State, *, held: bool) -> LedgerEntry:
        (sha256,) = state.archives
        if held:
            if state.path is None or not state.path.is_file():
                msg = (
                    f"The archive of the {state.ledger} is not here any more: the cache was cleared, a newer one took "
                )
                msg += "its place, or its client keeps nothing (cached=False). Load it again, or save without ledgers=."
                raise CapsuleError(msg)
            self.contents[sha256] = state.path
        return LedgerEntry(
            vendor=state.vendor, account=state.account, name=state.ledger, sha256=sha256, size=state.size, held=held
        )

    def _own_ledger(self, path: Path, *, held: bool) -> LedgerEntry:
        sha256 = digest_of(path)
        self.contents[sha256] = path
        return LedgerEntry(vendor="", account="", name=path.name, sha256=sha256, size=path.stat().st_size, held=held)

    def _file(self, file: File, *, held: bool) -> FileEntry:
        if held and file.sha256 not in self.contents:
            self.contents[file.sha256] = _fetched(file, self.folder / file.sha256)
        return FileEntry(
            vendor=file.vendor,
            account=file.account,
            file_kind=file.kind,
            file_id=file.file_id,
            name="",
            sha256=file.sha256,
            size=file.size,
            held=held,
        )


def _remembered(used: Used) -> Answer | None:
    """The very answer, from whichever client of its account has it."""
    found = (client.remembered(used) for client in _clients(used.vendor, used.account))
    return next((answer for answer in found if answer is not None), None)


def _lost(lost: list[Used]) -> str:
    shown = ", ".join(f"{one.method} {redact.text(one.url)}" for one in lost[:_LONGEST_LIST])
    shown += ", ..." if len(lost) > _LONGEST_LIST else ""
    msg = f"{count(len(lost), 'answer')} cannot go in as used: the cache was cleared, or another answer took "
    msg += f"the place of one that was used ({shown}). Run capsule.forget(), then the notebook from its top, and save "
    msg += "then; or name the frames that are to go in: capsule.save(path, frame, ...)."
    if journal.JOURNAL.packed >= journal.MOST_KEPT:
        msg += f" Of answers that no cache keeps, {size(journal.MOST_KEPT)} are remembered and no more."
    return msg


def _fetched(file: File, path: Path) -> Path:
    client = _clients(file.vendor, file.account)[0]
    what = f"{file.vendor} {file.kind}/{file.file_id}"
    try:
        FileRef(file.vendor, file.kind, file.file_id).save(path, client=client)
    except DocframesError as error:
        raise CapsuleError(f"{what} is to go into the capsule and could not be fetched again: {error}") from error
    if digest_of(path) != file.sha256:
        raise CapsuleError(
            f"{what} is another file now than the one that was used. Open it again, and what rests on it."
        )
    return path
