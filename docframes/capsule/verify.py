"""Whether a capsule is as it was saved, and where it is not.

Three things are asked, and the first that fails is told:

1. Is the archive what the seal says?  Where one byte of a block of 4,096 is another, that byte is named, with the value
   that it had; where more are, the block.  A byte of the seal itself is named too, and so are bytes cut off or added.
2. Is every member what the manifest says, is nothing else there, and is the chain of the entries whole?
3. Is the digest the one that was written down when the capsule was saved?

Whoever alters a capsule on purpose can seal it anew, and then 1 and 2 hold.  Only 3 tells it from the one that was
saved: write the digest down apart from the file, and give it as ``digest=``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from docframes.capsule.contents import first_fault, place
from docframes.capsule.damage import Alteration, Comparison, compare
from docframes.capsule.seal import BLOCK, HEADER, RECORD
from docframes.errors import CapsuleAltered, ConfigError
from docframes.words import count


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was found.  True in a condition where the capsule is as it was saved."""

    intact: bool
    digest: str  #: SHA-256 of the archive as it stands in the file, 64 hex digits; empty where no archive is found
    size: int  #: of the file, in bytes
    altered: int | None = None  #: offset in the file of the first altered byte; None where none can be named
    exact: bool = False  #: whether ``altered`` is that very byte; else the first byte of what holds it
    original: int | None = None  #: the value that the byte at ``altered`` had, where it is known
    where: str = ""  #: ``byte 12,345, in answers/... (validocx GET /jobs, page 3)``; ``byte 70, in the seal``
    several: int = 0  #: how many blocks of 4,096 bytes are altered; the seal counts as one
    reason: str = ""  #: what was found, in a sentence or two

    def __bool__(self) -> bool:
        return self.intact


def verify(path: str | os.PathLike[str], digest: str | None = None) -> Verification:
    """Say whether the capsule at *path* is as it was saved.  Any length of file is read a piece at a time.

    digest : what :func:`.container.write` gave, as it was written down then; None asks only whether the file is intact
    in itself, which one that was altered and sealed anew is too.
    Raises CapsuleError where the file is no capsule at all, ConfigError where *digest* is none; OSError where the file
    cannot be read.
    """
    said = None if digest is None else _plain(digest)
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        comparison = compare(file, size)
        if comparison.alterations:
            return _altered(file, comparison)
        fault = first_fault(file, comparison.start)
    found = Verification(intact=True, digest=comparison.digest, size=size, reason=_intact(said))
    if fault is not None:
        told = f"{fault.where}: {fault.reason} The seal agrees with the file, so it was sealed anew after the change."
        return replace(found, intact=False, where=f"in {fault.where}", altered=fault.start, reason=told)
    if said not in (None, comparison.digest):
        return replace(found, intact=False, where="the file as a whole", reason=_another(said, comparison.digest))
    return found


def check(path: str | os.PathLike[str], digest: str | None = None) -> Verification:
    """As :func:`verify`, and raises CapsuleAltered, which carries the verification, where it is not intact."""
    found = verify(path, digest)
    if not found:
        raise CapsuleAltered(f"{path} is not as it was saved. {found.reason}", verification=found)
    return found


def _plain(digest: str) -> str:
    plain = digest.strip().lower().removeprefix("sha256:")
    if not re.fullmatch("[0-9a-f]{64}", plain):
        raise ConfigError(f"digest={digest!r} is no SHA-256; give the 64 hex digits that were told when it was saved.")
    return plain


def _intact(said: str | None) -> str:
    whole = "Every byte is as the seal says, and every member as the manifest says."
    if said is not None:
        return f"{whole} The digest is the one that was given, so this is the capsule that was saved."
    return f"{whole} Whether it was altered and then sealed anew, only the digest that was written down can tell."


def _another(said: str | None, came: str) -> str:
    msg = f"Its digest is {came}; {said} was given. The file is whole in itself: it is another capsule than the one "
    return msg + "that the digest was written down for, or that one was altered and sealed anew."


def _altered(file: BinaryIO, comparison: Comparison) -> Verification:
    first = comparison.alterations[0]
    where = _where(file, comparison, first)
    reason = f"{_first(file, comparison, first, where)} {_more(comparison, first)}".rstrip()
    return Verification(
        intact=False,
        digest=comparison.digest,
        size=comparison.size,
        altered=first.start,
        exact=first.exact,
        original=first.original,
        where=where,
        several=comparison.blocks,
        reason=reason,
    )


def _where(file: BinaryIO, comparison: Comparison, first: Alteration) -> str:
    # Of a record in the seal the first altered byte is known, whatever else of it is altered.
    at = f"byte {first.start:,}" if first.exact else f"bytes {first.start:,} to {first.end - 1:,}"
    if first.start >= min(comparison.size, comparison.end):
        return f"{at}, at the end of the file"
    if first.start < HEADER:
        return f"{at}, in the seal (its header)"
    if first.start < comparison.start:
        return f"{at}, in the seal (its record of block {(first.start - HEADER) // RECORD:,})"
    return f"{at}, in {place(file, comparison, first)}"


def _first(file: BinaryIO, comparison: Comparison, first: Alteration, where: str) -> str:
    if first.start >= comparison.size:
        rest = "" if first.exact else " Whether the last bytes before the cut are as they were, the seal cannot tell."
        return f"The file ends at byte {comparison.size:,}: {_cut(comparison)} cut off.{rest}"
    if first.start >= comparison.end:
        added = count(comparison.size - comparison.end, "byte")
        return f"The file ended at byte {comparison.end:,}, and {added} came after it."
    sentence = f"{where[0].upper()}{where[1:]}"
    if first.original is not None:
        file.seek(first.start)
        return f"{sentence}, was 0x{first.original:02x} and is 0x{file.read(1).hex()}."
    if comparison.length is None:
        why = "the size of the file is that of no capsule, and here, where the length should be told, it is not"
        return f"{sentence}: {why}. More than one byte was altered, cut off or added."
    return f"{sentence}: more than one byte was altered, so that the seal cannot tell which of them."


def _more(comparison: Comparison, first: Alteration) -> str:
    told = []
    if comparison.size < comparison.end and first.start < comparison.size:
        told.append(f"The file is shorter than it was by {count(comparison.end - comparison.size, 'byte')}.")
    if comparison.size > comparison.end > first.start:
        told.append(f"The file is longer than it was by {count(comparison.size - comparison.end, 'byte')}.")
    if comparison.digest and all(each.start < comparison.start for each in comparison.alterations):
        told.append("Only the seal is altered: the archive behind it agrees with the rest of the seal.")
    if comparison.blocks > 1:
        told.append(f"In all, {comparison.blocks:,} blocks of {BLOCK:,} bytes are altered; this is the first.")
    return " ".join(told)


def _cut(comparison: Comparison) -> str:
    # Where not even the header is there, nothing says how long the file was.
    if comparison.length is None:
        return "an unknown number of bytes was"
    cut = comparison.end - comparison.size
    return f"{count(cut, 'byte')} {'was' if cut == 1 else 'were'}"
