"""The frames of Veridox.  Field names are documented but for those that the contract marks as assumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from docframes.tables.schema import Column, FileColumns, Level, Table
from docframes.vendors.veridox.api import RISK_LEVELS, THE_FILE

DOCS = "docs.veridox.ai"
_FILE = FileColumns(THE_FILE, "file_id", "label")
_FILE_OF_ROW = FileColumns(THE_FILE, "file_id")
#: Signed links are asked for when a file is wanted; those that other answers carry are left out.
_LINKS = (
    "thumbnail_url", "file_download_url", "file_download_url_expires_at", "pdf_report_url", "log_output_url",
    "ela_overlay_url", "download_url",
)  # fmt: skip


def _risk(name: str, meaning: str, *, source: str = "", optional: bool = False) -> Column:
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

_FILE_ID = Column("file_id", "str", "id of the file; its first 48 bits are the moment it was made", aliases=("id",))
_LABEL = Column("label", "str", "file name", aliases=("file_name", "file_label"))
_MIME = Column("mime_type", "str", "media type of the file; missing before the upload", aliases=("mimetype",))
_STATE = (
    _risk("current_risk_score", "risk of forgery, after a person's override; missing until scored"),
    Column("analysis_status", "str", "waiting_for_upload, processing or settled; an open set"),
    Column("analysis_outcome", "str", "success or failed; missing until settled; an open set"),
    Column("current_analysis_phase", "str", "what is done just now; an open set", optional=True),
)
_MOMENTS = (
    Column("uploaded_at", "timestamp", "when the file was uploaded; missing before"),
    Column("created_at", "timestamp", "when the file was announced"),
)

FILES = Table(
    "files",
    "one row per file",
    ("file_id",),
    (
        _FILE_ID,
        Column("case_id", "str", "id of the case the file belongs to"),
        Column("case_label", "str", "name of that case", optional=True),
        _LABEL,
        _MIME,
        *_STATE,
        *_MOMENTS,
    ),
    f"{DOCS}, files-list",
    file=_FILE,
    secret=_LINKS,
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
                    _FILE_ID,
                    _CASE_ID_ABOVE,
                    Column("case_label", "str", "name of the case", source="label", inherited=True),
                    _LABEL,
                    _MIME,
                    *_STATE,
                    *_MOMENTS,
                ),
                source=f"{DOCS}, cases-get",
            ),
            items="files",
        ),
    ),
)

# --- analyses: file > findings, observations, risk assessments, suggested actions, modules > findings, results -----

_ANALYSIS = f"{DOCS}, files-analysis-get"
_FULL = "analysis_results.full_analysis"
_CONTEXT = "analysis_results.context_analysis"
_FILE_ABOVE = (
    Column("file_id", "str", "id of the file", inherited=True),
    Column("case_id", "str", "id of the case", inherited=True),
)


def _optional(name: str, meaning: str, source: str, kind: str = "str", unit: str = "") -> Column:
    return Column(name, kind, meaning, source=source, unit=unit, optional=True)  # type: ignore[arg-type]


def _number(name: str, of: str) -> Column:
    return Column(name, "Int64", f"place of the {of} in its list, from 1", counted=True)


def _analysed_files(highlights: Sequence[str]) -> Table:
    first, *elsewhere = highlights
    return Table(
        "files",
        "one row per analysed file",
        ("file_id",),
        (
            _FILE_ID,
            Column("case_id", "str", "id of the case the file belongs to"),
            _LABEL,
            _MIME,
            *_STATE,
            _risk(
                "overall_risk_score",
                "risk of forgery as the analysis found it",
                source=f"{_FULL}.overall_risk_score",
                optional=True,
            ),
            _optional("summary", "the analysis in a few words", f"{_FULL}.summary"),
            Column(
                "highlights", "json", "what stands out, a list of texts", source=first, elsewhere=tuple(elsewhere),
                optional=True,
            ),
            _optional("audit_trail", "what was done to find out, a list of texts", f"{_FULL}.audit_trail", "json"),
            *_context(),
            _optional("md5", "MD5 of the file, in hexadecimal", "file_info.md5"),
            _optional("file_metadata", "metadata found in the file, free form", "file_info.metadata", "json"),
            _optional("reverse_search_total", "pictures like this one", "reverse_search.total", "Int64", "matches"),
            _optional("reverse_search_matches", "those pictures", "reverse_search.matches", "json"),
            *_search_summary(),
            *(dataclasses.replace(column, optional=True) for column in _MOMENTS),
        ),
        _ANALYSIS,
        file=_FILE,
        secret=_LINKS,
    )  # fmt: skip


def _context() -> tuple[Column, ...]:
    return (
        _optional("context_summary", "what the file is, in a few words", f"{_CONTEXT}.summary"),
        _optional("format_classification", "kind of format, such as digital_pdf", f"{_CONTEXT}.format_classification"),
        _optional("file_category", "kind of file, such as document", f"{_CONTEXT}.file_category"),
        _optional("context_mime_type", "media type as the analysis found it", f"{_CONTEXT}.mime_type"),
        _optional("classifications", "what it may be, a list of objects", f"{_CONTEXT}.classifications", "json"),
        _optional(
            "contains_embedded_images",
            "whether pictures are embedded",
            f"{_CONTEXT}.contains_embedded_images",
            "boolean",
        ),
    )


def _search_summary() -> tuple[Column, ...]:
    place = f"{_FULL}.search_evidence_summary"
    return (
        _optional("search_queries", "searches made", f"{place}.total_queries", "Int64", "queries"),
        _optional("search_results_total", "what they found", f"{place}.total_results", "Int64", "results"),
        _optional("search_per_module", "both, by module", f"{place}.per_module", "json"),
    )


FINDINGS = Table(
    "findings",
    "one row per finding of the analysis as a whole",
    ("file_id", "finding_number"),
    (
        *_FILE_ABOVE,
        _number("finding_number", "finding"),
        Column("category", "str", "what it concerns"),
        Column("heading", "str", "the finding in a few words"),
        Column("description", "str", "the finding"),
        Column("supporting_evidence", "json", "what it rests on, a list of texts", optional=True),
    ),
    _ANALYSIS,
    file=_FILE_OF_ROW,
)

OBSERVATIONS = Table(
    "observations",
    "one row per observation",
    ("file_id", "observation_number"),
    (*_FILE_ABOVE, _number("observation_number", "observation"), Column("observation", "str", "what was seen")),
    _ANALYSIS,
    file=_FILE_OF_ROW,
)

RISK_ASSESSMENTS = Table(
    "risk_assessments",
    "one row per risk that was assessed",
    ("file_id", "assessment_number"),
    (
        *_FILE_ABOVE,
        _number("assessment_number", "assessment"),
        Column("target", "str", "what is at risk"),
        _risk("risk_level", "how high the risk is"),
        Column("summary", "str", "the risk in a few words"),
        Column("justification", "str", "why it is so high"),
    ),
    _ANALYSIS,
    file=_FILE_OF_ROW,
)

SUGGESTED_ACTIONS = Table(
    "suggested_actions",
    "one row per action that is suggested",
    ("file_id", "action_number"),
    (
        *_FILE_ABOVE,
        _number("action_number", "action"),
        Column("action", "str", "what to do"),
        Column("justification", "str", "why"),
    ),
    _ANALYSIS,
    file=_FILE_OF_ROW,
)

MODULES = Table(
    "modules",
    "one row per module that looked at a file",
    ("file_id", "module_number"),
    (
        *_FILE_ABOVE,
        _number("module_number", "module"),
        Column("module_id", "str", "id of the module; an open set"),
        Column("module_name", "str", "its name"),
        _optional("search_evidence_queries", "what it searched for, a list", "search_evidence.queries", "json"),
        _optional("search_evidence_failures", "searches that failed, a list", "search_evidence.failures", "json"),
        Column("verification_evidence", "json", "checks it made; missing today", optional=True),
    ),
    _ANALYSIS,
    file=_FILE_OF_ROW,
)

_MODULE_ABOVE = (
    *_FILE_ABOVE,
    Column("module_number", "Int64", "place of the module in its list, from 1", inherited=True),
    Column("module_id", "str", "id of the module", inherited=True),
    Column("module_name", "str", "its name", inherited=True),
)

MODULE_FINDINGS = Table(
    "module_findings",
    "one row per finding of one module",
    ("file_id", "module_number", "finding_number"),
    (
        *_MODULE_ABOVE,
        _number("finding_number", "finding"),
        Column("alert_type", "str", "what was found; an open set"),
        _risk("severity", "how grave it is"),
        Column("description", "str", "the finding"),
        Column("severity_justification", "str", "why it is so grave"),
        Column("evidence", "json", "what it rests on, a list of texts", optional=True),
        Column(
            "evidence_refs",
            "json",
            "result_id of search_results of the same module, or check_id in its verification_evidence; a list",
            optional=True,
        ),
    ),
    _ANALYSIS,
    file=_FILE_OF_ROW,
)

SEARCH_RESULTS = Table(
    "search_results",
    "one row per result of a module's searches",
    ("file_id", "module_number", "result_number"),
    (
        *_MODULE_ABOVE,
        _number("result_number", "result"),
        Column("result_id", "str", "what evidence_refs of the module's findings name"),
        Column("title", "str", "title of what was found", optional=True),
        Column("url", "str", "where it was found", optional=True),
    ),
    _ANALYSIS,
    file=_FILE_OF_ROW,
)


def analysis(highlights: Sequence[str]) -> Level:
    """The levels of an analysis.  highlights : where they are looked for, in order."""
    modules = Level(
        MODULES,
        items=f"{_FULL}.modules",
        children=(
            Level(MODULE_FINDINGS, items="findings"),
            # Older analyses call it grounding_sources: a column of that name holds those, as they came.
            Level(SEARCH_RESULTS, items="search_evidence.results"),
        ),
    )
    return Level(
        _analysed_files(highlights),
        children=(
            Level(FINDINGS, items=f"{_FULL}.findings"),
            Level(OBSERVATIONS, items=f"{_FULL}.observations", plain="observation"),
            Level(RISK_ASSESSMENTS, items=f"{_FULL}.risk_assessments"),
            Level(SUGGESTED_ACTIONS, items=f"{_FULL}.suggested_actions"),
            modules,
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
    file=_FILE,
    secret=_LINKS,
)

#: Every table of the room; a list's and a detail's may share a name.
ALL = (
    CASES, FILES, SIGNED_FILES, *(level.table for level in CASE_DETAIL.walk()),
    *(level.table for level in analysis(("highlights",)).walk()),
)  # fmt: skip
