"""What the forgery laboratory writes about a file: the analysis in full, made from the file alone."""

from __future__ import annotations

import random
from typing import Any

from docframes.sandbox.company.forensics import Laboratory, z
from docframes.sandbox.company.seeds import DAY, MINUTE, moment, stream

Row = dict[str, Any]

SIGNS = {
    "edited_total": ("Total edited after issue", "Glyphs of another font in the totals row.", "invoice total"),
    "edited_date": ("Date edited after issue", "The date row was written by another program.", "invoice date"),
    "pasted_bank_details": ("Bank details pasted over", "A picture covers the bank details.", "bank details"),
}


def report(lab: Laboratory, seed: int, row: Row, md5: str) -> Row:
    """The body of an analysis, links left out."""
    rng = stream(seed, "report", row["file_id"])
    settled = row["analysis_outcome"] == "success"
    body = {
        **{name: row[name] for name in ("file_id", "case_id", "label", "mime_type")},
        "reverse_search": _reverse(lab, row),
        "file_info": {"md5": md5, "metadata": _metadata(lab, row)},
        **{name: row[name] for name in ("analysis_status", "analysis_outcome", "current_analysis_phase")},
        **{name: row[name] for name in ("current_risk_score", "uploaded_at", "created_at")},
        "analysis_results": _results(lab, rng, row) if settled else None,
    }
    sign = SIGNS.get(lab.forged.get(row["file_id"], ""))
    if sign is not None:
        body["highlights"] = [sign[0]]
    return body


def _made(row: Row) -> int:
    return moment(row["created_at"][:19])


def _reverse(lab: Laboratory, row: Row) -> Row:
    twin = lab.twins.get(row["file_id"])
    if twin is None:
        return {"matches": None, "total": 0}
    return {"matches": [{"file_id": twin, "similarity": 1.0}], "total": 1}


def _metadata(lab: Laboratory, row: Row) -> Row:
    if row["mime_type"] == "image/jpeg":
        return {"Software": "Camera 14.2"}
    created = z(_made(row) - 3 * DAY)
    if row["file_id"] in lab.forged:
        return {"Producer": "PDF Editor 9", "CreateDate": created, "ModifyDate": z(_made(row) - DAY)}
    return {"Producer": "Sandbox Accounts 50", "CreateDate": created} if row["mime_type"] else {}


def _results(lab: Laboratory, rng: random.Random, row: Row) -> Row:
    picture = row["mime_type"] == "image/jpeg"
    context = {
        "mime_type": row["mime_type"],
        "format_classification": "photograph" if picture else "digital_pdf",
        "file_category": "image" if picture else "document",
        "summary": "A photo of building work." if picture else "A paper of an installation job.",
        "classifications": [{"category": "photo" if picture else _category(lab, row), "custom_guess": None}],
        "contains_embedded_images": lab.forged.get(row["file_id"]) == "pasted_bank_details",
    }
    return {"full_analysis": _full(lab, rng, row), "context_analysis": context}


def _category(lab: Laboratory, row: Row) -> str:
    return "invoice" if row["file_id"] in lab.invoices else "certificate"


def _full(lab: Laboratory, rng: random.Random, row: Row) -> Row:
    score = lab.found[row["file_id"]]
    sign = SIGNS.get(lab.forged.get(row["file_id"], ""))
    modules = [_metadata_module(sign), *([_lookup_module(lab, rng, row)] if row["file_id"] in lab.invoices else [])]
    searched = [module for module in modules if module["search_evidence"]]
    full: Row = {
        "overall_risk_score": score,
        "summary": f"{sign[0]}." if sign else "Nothing speaks for a forgery.",
        "findings": [_finding(sign, row)] if sign else [],
        "observations": [sign[1]] if sign else rng.choice(([], ["The file has one page."])),
        "risk_assessments": [_assessment(score, sign)],
        "suggested_actions": [_action(sign)] if sign else [],
        "audit_trail": [f"{z(_made(row) + MINUTE)} metadata read", f"{z(_made(row) + 2 * MINUTE)} scored"],
        "modules": modules,
    }
    # Older analyses lack the summary of searches.
    if rng.random() < 0.8:
        full["search_evidence_summary"] = _summary(searched) if searched else None
    return full


def _finding(sign: tuple[str, str, str], row: Row) -> Row:
    evidence = [f"ModifyDate {z(_made(row) - DAY)[:10]}", f"CreateDate {z(_made(row) - 3 * DAY)[:10]}"]
    text = "The modification time is two days after the creation time."
    return {"category": "metadata", "heading": sign[0], "description": text, "supporting_evidence": evidence}


def _assessment(score: str, sign: tuple[str, str, str] | None) -> Row:
    return {
        "target": sign[2] if sign else "whole file",
        "risk_level": score,
        "summary": "Likely altered." if sign else "No sign of a change.",
        "justification": sign[1] if sign else "Metadata and layout agree.",
    }


def _action(sign: tuple[str, str, str]) -> Row:
    return {"action": "Ask the supplier for the original", "justification": f"The {sign[2]} is in doubt."}


def _metadata_module(sign: tuple[str, str, str] | None) -> Row:
    findings = []
    if sign is not None:
        findings.append(
            {
                "alert_type": "edited_after_creation",
                "severity": "High",
                "description": "Editor traces in the file.",
                "severity_justification": f"The change concerns the {sign[2]}.",
                "evidence": ["Producer: PDF Editor 9"],
                "evidence_refs": [],
            }
        )
    return _module("metadata_analysis", "Metadata Analysis", findings, None)


def _lookup_module(lab: Laboratory, rng: random.Random, row: Row) -> Row:
    supplier = lab.invoices[row["file_id"]].supplier
    odd = rng.random() < 0.1
    finding = {
        "alert_type": "address_mismatch",
        "severity": "Low",
        "description": "The supplier lists another postcode.",
        "severity_justification": "May be a second site.",
        "evidence": ["Directory entry"],
        "evidence_refs": ["q1.0"],
    }
    results = [
        {"result_id": "q1.0", "title": f"Supplier {supplier}", "url": f"https://example.org/{supplier.lower()}"},
        {"result_id": "q1.1", "title": f"Supplier {supplier}, reviews", "url": "https://example.org/reviews"},
    ]
    query = {"query_id": "q1", "query": f"supplier {supplier}", "answer": None}
    evidence = {"queries": [query], "results": results, "failures": []}
    return _module("business_lookup", "Business Lookup", [finding] if odd else [], evidence)


def _module(module_id: str, name: str, findings: list[Row], evidence: Row | None) -> Row:
    return {
        "module_id": module_id,
        "module_name": name,
        "findings": findings,
        "search_evidence": evidence,
        "verification_evidence": None,
    }


def _summary(searched: list[Row]) -> Row:
    per_module = {
        module["module_id"]: {
            "queries": len(module["search_evidence"]["queries"]),
            "results": len(module["search_evidence"]["results"]),
        }
        for module in searched
    }
    return {
        "total_queries": sum(each["queries"] for each in per_module.values()),
        "total_results": sum(each["results"] for each in per_module.values()),
        "per_module": per_module,
    }
