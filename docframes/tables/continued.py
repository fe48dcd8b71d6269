"""Whether the rows of an earlier load, with what changed since, are all."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from docframes.tables.certificates import Certificate, certify
from docframes.tables.verdicts import Judgement


def certify_continued(part: Certificate, rows: int, declared: int | None, doubt: str, mark: datetime) -> Certificate:
    """The certificate of an earlier load's rows with what changed since.

    part : of what changed.  rows : with different keys, of both together.  declared : rows there are in all, as the
    vendor says now; None where it does not.  doubt : why it is not proven that the earlier rows were all; empty where
    it is.  mark : since when changes were asked for.
    """
    whole = certify(first=declared, last=declared, received=rows, unique=rows)
    since = f"{mark:%Y-%m-%d %H:%M:%S} UTC"
    verdict, reason = _judged(part, whole, doubt, since)
    return dataclasses.replace(
        whole, verdict=verdict, reason=reason, received=part.received, overlaps=part.overlaps,
        repeated_pages=part.repeated_pages, repeated_cursors=part.repeated_cursors,
    )  # fmt: skip


def _judged(part: Certificate, whole: Certificate, doubt: str, since: str) -> Judgement:
    """What is missing for sure comes first, then what may be."""
    rows, declared = whole.unique, whole.declared_last
    of_part = f"of what changed since {since}: {part.reason}"
    if part.verdict == "FAIL":
        return "FAIL", of_part
    if declared is not None and declared > rows:
        missing = f"{declared - rows} {'is' if declared - rows == 1 else 'are'} missing"
        return "FAIL", f"{rows} rows are here of {declared} declared now; {missing}"
    if declared is not None and declared < rows:
        gone = f"1 row of {rows} is" if rows - declared == 1 else f"{rows - declared} rows of {rows} are"
        return "CANNOT_PROVE", f"{gone} no longer declared; refresh=True loads all of them again and tells which"
    if whole.verdict != "PASS":
        return "CANNOT_PROVE", whole.reason
    if part.verdict != "PASS":
        return "CANNOT_PROVE", of_part
    if doubt:
        return "CANNOT_PROVE", f"an earlier load was not proven: {doubt}"
    return "PASS", f"{rows} rows, as declared now: {part.unique} came anew since {since}, the others are kept"
