"""Capsules for tests: with real contents, and with contents that no capsule would be written with."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from docframes.capsule import archive, container
from docframes.capsule.manifest import Account, AnswerEntry, FileEntry, LedgerEntry, Manifest, StateEntry
from docframes.capsule.seal import Sealer, seal_size

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)
JOBS = Account(vendor="validocx", account="0123456789ab", base_url="https://api.validocx.test/v1")
#: Random, so that nothing of them shrinks: they stand in the archive as they are.
FIRST, SECOND = Random(1).randbytes(6_000), Random(2).randbytes(9_000)
TEXT = b'{"jobs": [{"id": "j-1"}, {"id": "j-2"}]}' * 40


def facts(body):
    """What every entry says of its bytes."""
    return {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}


def answer(body, path="/jobs?page=1", **changed):
    """An answer of 200 to a GET."""
    told = {
        "vendor": JOBS.vendor,
        "account": JOBS.account,
        "key": hashlib.sha256(path.encode()).hexdigest(),
        "method": "GET",
        "url": f"https://api.validocx.test{path}",
        "status": 200,
        "headers": {"Content-Type": "application/json"},
        "fetched_at": NOW,
        **facts(body),
    }
    return AnswerEntry(**{**told, **changed})


def file(body, **changed):
    """A document that was opened."""
    told = {"vendor": JOBS.vendor, "account": JOBS.account, "file_kind": "document", "file_id": "d-1", "name": "a.pdf"}
    return FileEntry(**{**told, **facts(body), **changed})


def ledger(body, **changed):
    """The archive of a ledger."""
    return LedgerEntry(**{"vendor": JOBS.vendor, "account": JOBS.account, "name": "4711", **facts(body), **changed})


def state(body, **changed):
    """A small file of an account."""
    told = {"vendor": JOBS.vendor, "account": JOBS.account, "name": "loads/jobs.json"}
    return StateEntry(**{**told, **facts(body), **changed})


def manifest(*entries, **changed):
    """A manifest of one account."""
    return Manifest(**{"created_at": NOW, "docframes": "0.1.0", "accounts": (JOBS,), "entries": entries, **changed})


def save(path, written, *bodies):
    """Write a capsule of *written*, whose contents are among *bodies*; gives the digest."""
    by_sha256 = {hashlib.sha256(body).hexdigest(): body for body in bodies}
    return container.write(path, written, lambda entry: by_sha256[entry.sha256])


def usual(path):
    """A capsule of several blocks: three answers, a file and a state.  Gives the digest."""
    entries = [answer(FIRST), answer(SECOND, "/jobs?page=2"), answer(TEXT, "/projects"), file(FIRST), state(TEXT)]
    return save(path, manifest(*entries), FIRST, SECOND, TEXT)


def forge(path, members, *, gap=b"", comment=b"", behind=b""):
    """A file with a right seal around an archive of any members, given as name and bytes.

    gap : bytes between the members.  comment : of the archive.  behind : bytes that count as packed ones of a member,
    after those that hold its content.
    """
    packed, made = io.BytesIO(), []
    for name, body in members:
        member = archive.pack(packed, name, body, **facts(body))
        packed.write(behind)
        member = replace(member, packed=member.packed + len(behind))
        with packed.getbuffer() as data:
            data[member.offset : member.offset + len(member.header())] = member.header()
        made.append(member)
        packed.write(gap)
    data = packed.getvalue()
    shift = 0
    for _ in range(3):
        end = archive.directory(made, len(data), shift)
        end = end[:-2] + len(comment).to_bytes(2, "little") + comment
        shift = seal_size(len(data) + len(end))
    reseal(path, data + end)


def reseal(path, data):
    """Write *data* with a right seal before it."""
    sealer = Sealer()
    sealer.update(data)
    path.write_bytes(sealer.seal + data)
