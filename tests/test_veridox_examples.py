"""The examples of the Veridox contract, replayed: every value arrives where it belongs."""

from __future__ import annotations

import orjson
import pandas as pd
import pytest

from docframes import load_record
from docframes.errors import NotFound
from docframes.settings import Settings
from docframes.vendors import veridox

case = pytest.mark.vcr_case
KEY = "vdx_" + "m3" * 20
CASE = "019cadd3-7fc0-790f-88f0-3c28dc86b62c"
INVOICE, BUMPER = "019cadd3-7fcb-7133-b19b-0abb09156756", "019cadd3-7fd3-76bc-a112-75840801ecf5"
LICENCE = "019cb981-b6fe-7867-812e-6c400929905c"


@pytest.fixture
def client(tmp_path):
    """At the vendor's own address: one call at a time, from an empty cache."""
    settings = Settings(cache_dir=tmp_path / "cache", workers=1, tries=1, time_scale=0.0)
    with veridox.Client(api_key=KEY, settings=settings) as made:
        yield made


@case("veridox/contract_cases.yaml")
def test_cases(client):
    """Two cases, newest first; what is null is missing, what is free form is JSON."""
    cases = veridox.load_cases(client=client)

    assert cases["label"].tolist() == ["Claim MTR-20881", "Claim MTR-20417"]
    assert cases["is_locked"].tolist() == [False, True]
    assert cases["metadata"].tolist() == ["{}", '{"channel":"broker"}']
    assert cases["team_name"].fillna("").tolist() == ["", "Motor claims"]
    assert cases["file_analysis_completed_at"].tolist()[1] == pd.Timestamp("2026-03-02T09:17:02.310Z")
    assert load_record(cases).certificate.verdict == "PASS"


@case("veridox/contract_files.yaml")
def test_files(client):
    """One scored, one failed, one not uploaded."""
    files = veridox.load_files(client=client)

    assert files["file_id"].tolist() == [INVOICE, BUMPER, LICENCE]
    assert files["current_risk_score"].fillna("Informational").tolist() == ["High", "Informational", "Informational"]
    assert files["current_risk_score"].isna().tolist() == [False, True, True]
    assert files["analysis_status"].tolist() == ["settled", "settled", "waiting_for_upload"]
    assert files["analysis_outcome"].fillna("").tolist() == ["success", "failed", ""]
    assert files["mime_type"].isna().tolist() == files["uploaded_at"].isna().tolist() == [False, False, True]
    assert not [name for name in files.columns if "url" in name]


@case("veridox/contract_search.yaml")
def test_search(client):
    """One file, with the columns of load_files."""
    found = veridox.search_files("repair", client=client)

    assert found[["file_id", "label"]].to_numpy().tolist() == [[INVOICE, "repair_invoice.pdf"]]


@case("veridox/contract_case.yaml")
def test_a_case_with_its_files(client):
    """The case and its one file."""
    details = veridox.load_case_details([CASE], client=client)

    assert details.cases["label"].tolist() == ["Claim MTR-20417"]
    assert details.files[["file_id", "case_id", "case_label"]].to_numpy().tolist() == [
        [INVOICE, CASE, "Claim MTR-20417"]
    ]


@case("veridox/contract_analysis.yaml")
def test_an_analysis(client):
    """Every part of the long example is in the frame it belongs to."""
    analyses = veridox.load_analyses([INVOICE], client=client)
    row = analyses.files.iloc[0]

    assert (row["overall_risk_score"], row["current_risk_score"]) == ("High", "High")
    assert row["summary"] == "The invoice total was changed with an editor after issue."
    assert orjson.loads(row["highlights"]) == ["Totals were edited after the file was first saved"]
    assert row["md5"] == "5f2b8c1e9a7d4436b0c1d2e3f4a59687"
    assert orjson.loads(row["file_metadata"])["Producer"] == "PDF Editor 9"
    assert (row["search_queries"], row["search_results_total"], row["reverse_search_total"]) == (1, 2, 0)
    assert (row["format_classification"], row["contains_embedded_images"]) == ("digital_pdf", False)
    assert len(orjson.loads(row["audit_trail"])) == 2
    assert analyses.findings["heading"].tolist() == ["Edited after creation"]
    assert orjson.loads(analyses.findings["supporting_evidence"][0])[1] == "CreateDate 2026-02-27"
    assert analyses.observations["observation"].tolist() == ["Two fonts are used in the totals row."]
    assert analyses.risk_assessments["risk_level"].tolist() == ["High"]
    assert analyses.suggested_actions["action"].tolist() == ["Ask the garage for the original"]
    assert analyses.modules["module_id"].tolist() == ["metadata_analysis", "business_lookup"]
    assert analyses.module_findings["severity"].tolist() == ["High", "Low"]
    assert analyses.module_findings["evidence_refs"].tolist() == ["[]", '["q1.0"]']
    assert analyses.search_results["result_id"].tolist() == ["q1.0", "q1.1"]
    assert analyses.search_results["module_id"].tolist() == ["business_lookup"] * 2
    assert load_record(analyses.files).unknown_keys == {}


@case("veridox/contract_download.yaml")
def test_links_to_three_files(client):
    """Two links and one error, matched by id."""
    signed = veridox.sign_files([LICENCE, INVOICE, BUMPER], client=client)

    assert signed["label"].fillna("").tolist() == ["", "repair_invoice.pdf", "bumper.jpg"]
    assert signed["error"].fillna("").tolist() == ["File has not been uploaded", "", ""]
    assert signed["expires_at"].tolist()[1] == pd.Timestamp("2026-03-05T11:00:00Z")


@case("veridox/contract_asset.yaml")
def test_a_link_to_a_report(client):
    """The link and its expiry; the repr has neither host nor signature."""
    link = veridox.asset(INVOICE, "pdf_report", client=client)

    assert link.url == "https://files.example.invalid/r/019cadd3-7fcb.pdf?sig=0a77"
    assert pd.Timestamp(link.expires_at) == pd.Timestamp("2026-03-05T10:30:00Z")
    assert "invalid" not in repr(link)


@case("veridox/contract_no_case.yaml")
def test_a_case_that_is_not_there(client):
    """NotFound with the vendor's code and words."""
    with pytest.raises(NotFound, match="No such case") as told:
        veridox.load_case_details([CASE], client=client)

    assert (told.value.status, told.value.code) == (404, "request.cases.case.not-found")
