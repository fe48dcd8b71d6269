"""The frames of Veridox.  Field names are documented but for those that the contract marks as assumed."""

from __future__ import annotations

import dataclasses

from docframes.tables.schema import Column, FileColumns, Level, Table
from docframes.vendors.veridox.api import RISK_LEVELS, THE_FILE

DOCS = "docs.veridox.ai"
FILE = FileColumns(THE_FILE, "file_id", "label")
#: Signed links are asked for when a file is wanted; those that other answers carry are left out.
LINKS = (
    "thumbnail_url", "file_download_url", "file_download_url_expires_at", "pdf_report_url", "log_output_url",
    "ela_overlay_url", "download_url",
)  # fmt: skip


def risk(name: str, meaning: str, *, source: str = "", optional: bool = False) -> Column:
    """A column of a risk, from Informational to High."""
    return Column(name, "ordered", meaning, source=source, categories=RISK_LEVELS, optional=optional)


CASES = Table(
    "cases",
    "one row per case",
    ("case_id",),
    (
        Column("case_id", "str", "id of the case", aliases=("id",)),
        Column("label", "str", "name of the case, at most 255 characters", aliases=("reference_label",)),
        Column("metadata", "json", "what its maker noted, free form"),
        Column("is_locked", "boolean", "whether no more files can be added"),
        Column("locked_at", "timestamp", "when it was locked"),
        Column(
            "file_analysis_status",
            "str",
            "waiting_for_file_analysis or file_analysis_complete; an open set",
            optional=True,
        ),
        Column("file_analysis_completed_at", "timestamp", "when the last file was analysed", optional=True),
        Column("created_at", "timestamp", "when the case was made"),
        Column("updated_at", "timestamp", "when the case was last changed"),
        Column("team_id", "str", "id of the team it is shared with", optional=True),
        Column("team_name", "str", "name of that team", optional=True),
    ),
    f"{DOCS}, cases-list",
)

FILE_ID = Column("file_id", "str", "id of the file; its first 48 bits are the moment it was made", aliases=("id",))
LABEL = Column("label", "str", "file name", aliases=("file_name", "file_label"))
MIME = Column("mime_type", "str", "media type of the file; missing before the upload", aliases=("mimetype",))
STATE = (
    risk("current_risk_score", "risk of forgery, after a person's override; missing until scored"),
    Column("analysis_status", "str", "waiting_for_upload, processing or settled; an open set"),
    Column("analysis_outcome", "str", "success or failed; missing until settled; an open set"),
    Column("current_analysis_phase", "str", "what is done just now; an open set", optional=True),
)
MOMENTS = (
    Column("uploaded_at", "timestamp", "when the file was uploaded; missing before"),
    Column("created_at", "timestamp", "when the file was announced"),
)

FILES = Table(
    "files",
    "one row per file",
    ("file_id",),
    (
        FILE_ID,
        Column("case_id", "str", "id of the case the file belongs to"),
        Column("case_label", "str", "name of that case", optional=True),
        LABEL,
        MIME,
        *STATE,
        *MOMENTS,
    ),
    f"{DOCS}, files-list",
    file=FILE,
    secret=LINKS,
)

FOUND_FILES = dataclasses.replace(FILES, grain="one row per file that was found", source=f"{DOCS}, search")

# --- one case with its files --------------------------------------------------------------------------------------

_CASE_ID_ABOVE = Column("case_id", "str", "id of the case", inherited=True)

CASE_DETAIL = Level(
    dataclasses.replace(CASES, source=f"{DOCS}, cases-get"),
    children=(
        Level(
            dataclasses.replace(
                FILES,
                grain="one row per file of a case",
                columns=(
                    FILE_ID,
                    _CASE_ID_ABOVE,
                    Column("case_label", "str", "name of the case", source="label", inherited=True),
                    LABEL,
                    MIME,
                    *STATE,
                    *MOMENTS,
                ),
                source=f"{DOCS}, cases-get",
            ),
            items="files",
        ),
    ),
)

# --- signing ------------------------------------------------------------------------------------------------------

SIGNED_FILES = Table(
    "signed_files",
    "one row per file id that was asked for, signed or not; the links themselves are in no frame",
    ("file_id",),
    (
        Column("vendor", "str", "the room: veridox"),
        Column("kind", "str", "what was signed: file_download"),
        Column("file_id", "str", "id of the file, as it was given"),
        Column("label", "str", "file name"),
        Column("expires_at", "timestamp", "when the link expires"),
        Column("error", "str", "why there is no link; missing where there is one"),
    ),
    f"{DOCS}, files-download-bulk",
    file=FILE,
    secret=LINKS,
)

#: The tables of lists, cases and links; a list's and a detail's may share a name.
ALL = (CASES, FILES, SIGNED_FILES, *(level.table for level in CASE_DETAIL.walk()))
