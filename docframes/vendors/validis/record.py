"""What is remembered of an extract's frames: where they come from, which files they are of, and how whole they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from docframes.tables.certificates import EXPORT_CEILINGS, Certificate
from docframes.tables.loads import Load, new_load_id
from docframes.tables.schema import Table
from docframes.vendors.validis.fetching import Fetched, Wanted


@dataclass(frozen=True, repr=False)
class ExtractLoad(Load):
    """The record of an extract's frame, with what it was read from."""

    upload_id: str = ""  #: of every file; empty where no file says it
    files: Mapping[str, str] = field(default_factory=dict)  #: name to SHA-256


def record_of(
    table: Table,
    rows: int,
    wanted: Wanted[Any],
    fetched: Fetched,
    uploads: list[str],
    certificate: Certificate,
    seconds: float,
) -> ExtractLoad:
    """The record of a frame of *table* with so many rows."""
    when = datetime.fromtimestamp(fetched.extract.fetched_at, UTC)
    return ExtractLoad(
        load_id=new_load_id("validis", table.name),
        vendor="validis",
        loader=wanted.book.loader,
        table=table.name,
        arguments={
            "engagement_id": wanted.engagement_id,
            "include_future_years": wanted.include_future_years,
        },
        calls=fetched.calls,
        from_cache=fetched.from_cache,
        fetched_from=when,
        fetched_to=when,
        rows=rows,
        seconds=seconds,
        certificate=_of(certificate, rows, [when] * fetched.from_cache),
        declared=table,
        upload_id=", ".join(uploads),
        files={piece.name: piece.sha256 for piece in fetched.extract.pieces},
    )


def _of(certificate: Certificate, rows: int, cached: list[datetime]) -> Certificate:
    """*certificate* for a frame with so many rows.  cached : when its files were fetched that were here already."""
    facts: dict[str, Any] = {"received": rows, "unique": rows}
    if rows in EXPORT_CEILINGS:
        why = f"exactly {rows:,} rows is {EXPORT_CEILINGS[rows]}, so the file may be cut off there"
        reason = f"{certificate.reason}; {why}"
        facts |= {"reason": reason, "round_count": rows}
    return dataclasses.replace(certificate, **facts).aged(cached)


def origin_of(wanted: Wanted[Any], uploads: list[str]) -> dict[str, str]:
    """``.origin``: the engagement, and the upload where a file names it."""
    return {"engagement": wanted.engagement_id, **({"upload": ", ".join(uploads)} if uploads else {})}


def certificate_of(uploads: list[str], files: int, came: str, compare: str) -> Certificate:
    """What is known of the whole: an extract declares no total.

    came : what was read, in words.  compare : what a reader may compare it with.
    """
    if len(uploads) > 1:
        return mixed_uploads(uploads)
    of = f"of the upload {uploads[0]}" if uploads else "of an upload that no file names"
    reason = f"{files} files {of}, each whole; {came}; the extract declares no total, so compare {compare}"
    return Certificate("CANNOT_PROVE", reason)


def mixed_uploads(uploads: list[str]) -> Certificate:
    """Files of several uploads are no snapshot of any."""
    reason = f"the files are of {len(uploads)} uploads, {', '.join(uploads)}; of each some are missing"
    return Certificate("FAIL", reason)
