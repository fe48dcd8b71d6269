"""What is in a capsule: the accounts, and every answer, file, ledger and piece of state in the order of its use.

A manifest is JSON with sorted keys, written in one form only, so that equal manifests are equal bytes.  Its entries are
chained: the first link is the SHA-256 of what stands above the entries (format, date, versions, note, accounts), each
further link that of the link before it and one entry, and the last link stands in the manifest.  An entry that is
changed, left out, added or moved gives another last link.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import orjson

from docframes.capsule.checks import check_fields, is_inside
from docframes.errors import CapsuleError

#: The form of manifest, archive and seal that this module writes and reads.
FORMAT = 1
#: Parameters that say which page of a list a call asked for.
_PAGES = {"page": "page", "page[number]": "page", "offset": "offset"}


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account at one vendor."""

    vendor: str  #: the room's name, such as ``validocx``
    account: str  #: 12 hex digits that stand for vendor, address and credential; ``Client.account``
    base_url: str  #: where its calls go; without user, password or query

    def __post_init__(self) -> None:
        check_fields(self)
        if not (self.vendor and self.account):
            raise CapsuleError("An account in a capsule has a vendor and a fingerprint; one of them is empty.")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that was used, whose bytes stand in the capsule under the name of their SHA-256."""

    kind: ClassVar[str]
    folder: ClassVar[str]

    vendor: str
    account: str  #: with the vendor, one of the manifest's accounts
    sha256: str  #: of the bytes, 64 lower-case hex digits
    size: int  #: of the bytes

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def member(self) -> str | None:
        """Where the bytes stand in the archive; None where they were not asked to go in."""
        return f"{self.folder}/{self.sha256}" if getattr(self, "held", True) else None

    @property
    def label(self) -> str:
        """What it is, in words: ``validocx GET /jobs, page 3``."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The entry as it stands in the manifest's JSON."""
        facts = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "held"}
        return {"kind": self.kind, **facts, "member": self.member}


@dataclass(frozen=True, kw_only=True)
class AnswerEntry(Entry):
    """What a vendor answered to one call, redacted."""

    kind: ClassVar[str] = "answer"
    folder: ClassVar[str] = "answers"

    key: str  #: the cache key, 64 hex digits
    method: str
    url: str  #: redacted
    status: int
    headers: Mapping[str, str] = field(hash=False)  #: those that are kept
    fetched_at: datetime  #: with a time zone; written as UTC

    @property
    def label(self) -> str:
        """``validocx GET /jobs, page 3``."""
        parts = urlsplit(self.url)
        pages = (f", {_PAGES[name]} {value}" for name, value in parse_qsl(parts.query) if name in _PAGES)
        return f"{self.vendor} {self.method} {parts.path or '/'}{next(pages, '')}"

    def to_dict(self) -> dict[str, Any]:
        """The entry as it stands in the manifest's JSON."""
        return {**super().to_dict(), "headers": dict(self.headers), "fetched_at": _moment(self.fetched_at)}


@dataclass(frozen=True, kw_only=True)
class FileEntry(Entry):
    """A file that was opened: a document, an image."""

    kind: ClassVar[str] = "file"
    folder: ClassVar[str] = "files"

    file_kind: str
    file_id: str
    name: str
    held: bool = True  #: whether its bytes are in the capsule; in JSON, ``member`` is null where they are not

    @property
    def label(self) -> str:
        """``validocx document 17 (invoice.pdf)``."""
        named = f" ({self.name})" if self.name else ""
        return f"{self.vendor} {self.file_kind} {self.file_id}{named}"


@dataclass(frozen=True, kw_only=True)
class LedgerEntry(Entry):
    """A ledger's archive.  ``vendor`` and ``account`` are empty for one that was read from a file of the user's."""

    kind: ClassVar[str] = "ledger"
    folder: ClassVar[str] = "ledgers"

    name: str
    held: bool = True  #: whether its bytes are in the capsule; in JSON, ``member`` is null where they are not

    @property
    def label(self) -> str:
        """``validis ledger 4711``."""
        return f"{self.vendor} ledger {self.name}".strip()


@dataclass(frozen=True, kw_only=True)
class StateEntry(Entry):
    """A small file of an account that a load reads besides answers."""

    kind: ClassVar[str] = "state"
    folder: ClassVar[str] = "states"

    name: str  #: its path below the account's folder, with ``/`` between the parts

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_inside(self.name):
            raise CapsuleError(f"{self.name!r} is no path below an account's folder, with / between its parts.")

    @property
    def label(self) -> str:
        """``validocx state loads/ab12.json``."""
        return f"{self.vendor} state {self.name}"


_KINDS: dict[str, type[Entry]] = {kind.kind: kind for kind in (AnswerEntry, FileEntry, LedgerEntry, StateEntry)}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is in a capsule.

    Raises CapsuleError for an entry of an account that is not among ``accounts``, for an account named twice, and for
    two entries that give one content two sizes.
    """

    created_at: datetime  #: with a time zone; written as UTC
    docframes: str  #: version of docframes that wrote it
    note: str = ""  #: the user's own words
    accounts: tuple[Account, ...] = ()
    entries: tuple[Entry, ...] = ()  #: in the order of their use

    def __post_init__(self) -> None:
        check_fields(self)
        known = {(each.vendor, each.account) for each in self.accounts}
        if len(known) < len(self.accounts):
            raise CapsuleError("An account is named twice in a capsule's manifest.")
        sizes: dict[str, int] = {}
        for entry in self.entries:
            own = isinstance(entry, LedgerEntry) and not (entry.vendor or entry.account)
            if not own and (entry.vendor, entry.account) not in known:
                raise CapsuleError(f"The entry {entry.label} is of an account that the manifest does not list.")
            if sizes.setdefault(entry.sha256, entry.size) != entry.size:
                raise CapsuleError(f"The entry {entry.label} gives another size than one before it of equal SHA-256.")

    @cached_property
    def members(self) -> dict[str, Entry]:
        """Every member of the archive besides the manifest, with the first entry that uses it, in their order."""
        found: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.member is not None:
                found.setdefault(entry.member, entry)
        return found

    @cached_property
    def chain(self) -> str:
        """The last link of the hash chain, 64 hex digits."""
        link = hashlib.sha256(_compact(self._head())).digest()
        for entry in self.entries:
            link = hashlib.sha256(link + _compact(entry.to_dict())).digest()
        return link.hex()

    def to_json(self) -> bytes:
        """The manifest as it stands in the archive."""
        whole = {**self._head(), "entries": [entry.to_dict() for entry in self.entries], "chain": self.chain}
        return orjson.dumps(whole, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def from_json(cls, raw: bytes) -> Manifest:
        """Read what :meth:`to_json` wrote.

        Raises CapsuleError where it is not of this form, where the chain does not end in the link that it names, and
        where anything stands in it that the entries do not say.
        """
        try:
            whole = orjson.loads(raw)
            if whole["format"] != FORMAT:
                msg = f"The capsule is of format {whole['format']}; this docframes reads format {FORMAT}. "
                raise CapsuleError(msg + f"It was written by docframes {whole.get('docframes')}.")
            made = cls(
                created_at=datetime.fromisoformat(whole["created_at"]),
                docframes=whole["docframes"],
                note=whole["note"],
                accounts=tuple(Account(**each) for each in whole["accounts"]),
                entries=tuple(_entry(each) for each in whole["entries"]),
            )
            chain = whole["chain"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CapsuleError(f"The capsule's manifest is not of format {FORMAT}: {_told(error)}.") from error
        if chain != made.chain:
            msg = "The chain of the capsule's manifest does not end in the link that it names: an entry or the head "
            raise CapsuleError(msg + "was changed, left out, added or moved after it was saved.")
        if raw != made.to_json():
            raise CapsuleError("The capsule's manifest is not in the one form that docframes writes it in.")
        return made

    def _head(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "created_at": _moment(self.created_at),
            "docframes": self.docframes,
            "note": self.note,
            "accounts": [{each.name: getattr(one, each.name) for each in fields(one)} for one in self.accounts],
        }


def _entry(facts: dict[str, Any]) -> Entry:
    given = dict(facts)
    kind, member = _KINDS[given.pop("kind")], given.pop("member")
    if kind in (FileEntry, LedgerEntry):
        given["held"] = member is not None
    if kind is AnswerEntry:
        given["fetched_at"] = datetime.fromisoformat(given["fetched_at"])
    made = kind(**given)
    if made.member != member:
        raise CapsuleError(f"The entry {made.label} names another member than that of its SHA-256.")
    return made


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _compact(facts: Mapping[str, Any]) -> bytes:
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)


def _told(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)[:200]
