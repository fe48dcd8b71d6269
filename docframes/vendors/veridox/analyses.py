"""The frames of an analysis: file > findings, observations, risks, actions, modules > their findings and results."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from docframes.tables.schema import Column, FileColumns, Level, Table
from docframes.vendors.veridox.api import THE_FILE
from docframes.vendors.veridox.tables import DOCS, FILE, FILE_ID, LABEL, LINKS, MIME, MOMENTS, STATE, risk

_FILE_OF_ROW = FileColumns(THE_FILE, "file_id")

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
            FILE_ID,
            Column("case_id", "str", "id of the case the file belongs to"),
            LABEL,
            MIME,
            *STATE,
            risk(
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
            *(dataclasses.replace(column, optional=True) for column in MOMENTS),
        ),
        _ANALYSIS,
        file=FILE,
        secret=LINKS,
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
        risk("risk_level", "how high the risk is"),
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
        risk("severity", "how grave it is"),
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


#: The tables of an analysis.
ALL = tuple(level.table for level in analysis(("highlights",)).walk())
