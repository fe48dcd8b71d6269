"""Whether a capsule's archive holds what its manifest says, and nothing else."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import BinaryIO, cast

from docframes.capsule import archive
from docframes.capsule.container import MANIFEST, open_archive, read_manifest
from docframes.capsule.damage import Alteration, Comparison, Mended
from docframes.capsule.manifest import Manifest
from docframes.errors import CapsuleError

#: Of the members in an altered block, so many are named.
_MOST_NAMED = 3


@dataclass(frozen=True)
class Fault:
    """What is wrong inside."""

    where: str
    reason: str
    start: int | None = None  #: where in the file it begins, where there is such a place


def first_fault(file: BinaryIO, start: int) -> Fault | None:
    """The first thing in the archive, which begins at *start*, that is not as its manifest says; None if all is.

    Every member is read, a piece at a time.
    """
    try:
        opened = open_archive(file)
    except CapsuleError as error:
        return Fault("the archive", str(error), start)
    with opened:
        try:
            manifest = read_manifest(opened)
        except CapsuleError as error:
            return Fault(MANIFEST, str(error), _offset(opened, MANIFEST))
        members = [_member(info, start) for info in opened.infolist()]
        fault = _names(opened, manifest)
    if fault is None and not archive.in_our_form(file, members, start):
        why = "something stands beside its members, or their headers are not as docframes writes them."
        fault = Fault("the archive", why, start)
    return fault or _contents(file, members, manifest, start)


def _member(info: zipfile.ZipInfo, start: int) -> archive.Member:
    return archive.Member(
        info.filename, info.compress_type, info.CRC, info.compress_size, info.file_size, info.header_offset - start
    )


def _names(opened: zipfile.ZipFile, manifest: Manifest) -> Fault | None:
    names, wanted = opened.namelist(), [MANIFEST, *manifest.members]
    twice = [name for name, times in Counter(names).items() if times > 1]
    other = [name for name in names if name != MANIFEST and name not in manifest.members]
    gone = [name for name in manifest.members if name not in set(names)]
    for found, reason in (
        (other, "the manifest does not name it"),
        (twice, "it is there more than once"),
        (gone, "the manifest names it, and it is not there"),
    ):
        if found:
            return Fault(_named(manifest, found), f"{reason}.", _offset(opened, found[0]))
    if names != wanted:
        return Fault("the archive", "its members are not in the order of the manifest.")
    return None


def _contents(file: BinaryIO, members: list[archive.Member], manifest: Manifest, start: int) -> Fault | None:
    for member in members:
        entry = manifest.members.get(member.name)
        seal = hashlib.sha256()
        try:
            for piece in archive.unpack(file, member, start):
                seal.update(piece)
        except zlib.error as error:
            reason = f"it cannot be unpacked: {error}."
        else:
            # The manifest is what is compared with, and was read as it is.
            if entry is None or (member.size, seal.hexdigest()) == (entry.size, entry.sha256):
                continue
            reason = f"it holds {member.size:,} bytes of SHA-256 {seal.hexdigest()}; the manifest says {entry.size:,} "
            reason += f"of {entry.sha256}."
        return Fault(_named(manifest, [member.name]), reason, start + member.offset)
    return None


def place(file: BinaryIO, comparison: Comparison, alteration: Alteration) -> str:
    """Which part of the archive *alteration* is in: members with what they are, or the directory."""
    mended = Mended(file, comparison.end, comparison.former)
    try:
        with open_archive(cast(BinaryIO, mended)) as opened:
            return _parts(opened, alteration, comparison.end)
    except CapsuleError:
        return "the archive"


def _parts(opened: zipfile.ZipFile, alteration: Alteration, end: int) -> str:
    try:
        manifest = read_manifest(opened)
    except CapsuleError:
        manifest = None
    begins = [*sorted((info.header_offset, info.filename) for info in opened.infolist()), (opened.start_dir, "")]
    ends = [*(offset for offset, _ in begins[1:]), end]
    names = [
        name
        for (start, name), stop in zip(begins, ends, strict=True)
        if start < alteration.end and stop > alteration.start
    ]
    return _named(manifest, names)


def _named(manifest: Manifest | None, names: list[str]) -> str:
    """Members with what they are; the empty name is the directory."""
    told = [_one(manifest, name) for name in names[:_MOST_NAMED]]
    more = len(names) - len(told)
    return " and ".join([*told, *([f"{more:,} more"] if more else [])]) or "the archive"


def _one(manifest: Manifest | None, name: str) -> str:
    if not name:
        return "the archive's directory"
    if manifest is None or name not in manifest.members:
        return name
    uses = [entry.label for entry in manifest.entries if entry.member == name]
    more = f", and {len(uses) - 1:,} more" if len(uses) > 1 else ""
    return f"{name} ({uses[0]}{more})"


def _offset(opened: zipfile.ZipFile, name: str) -> int | None:
    return next((info.header_offset for info in opened.infolist() if info.filename == name), None)
