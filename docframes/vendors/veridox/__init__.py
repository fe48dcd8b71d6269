"""Veridox: forgery analysis of documents and images: cases, files, scores, findings, and links to the files.

from docframes import veridox

files = veridox.load_files()
analyses = veridox.load_analyses(files[files["current_risk_score"] >= "Medium"])
signed = veridox.sign_files(analyses.files["file_id"])
report = veridox.asset(file_id, "pdf_report")
"""

from __future__ import annotations

from docframes.vendors.veridox.client import Client
from docframes.vendors.veridox.loaders import (
    Analyses,
    CaseDetails,
    load_analyses,
    load_case_details,
    load_cases,
    load_files,
    search_files,
)
from docframes.vendors.veridox.signing import asset, file_links, sign_files

__all__ = [
    "Analyses",
    "CaseDetails",
    "Client",
    "asset",
    "file_links",
    "load_analyses",
    "load_case_details",
    "load_cases",
    "load_files",
    "search_files",
    "sign_files",
]
