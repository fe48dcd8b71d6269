"""The Veridox room of the sandbox keeps to the contract."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

import pytest
import requests

import docframes.sandbox as sandbox
from docframes.sandbox.company.invoices import bill

VERSION_7 = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
CASE = {
    "case_id",
    "label",
    "metadata",
    "is_locked",
    "locked_at",
    "file_analysis_status",
    "file_analysis_completed_at",
    "created_at",
    "updated_at",
    "team_id",
    "team_name",
}
FILE = {
    "file_id",
    "case_id",
    "case_label",
    "label",
    "mime_type",
    "thumbnail_url",
    "current_risk_score",
    "analysis_status",
    "analysis_outcome",
    "current_analysis_phase",
    "uploaded_at",
    "created_at",
}
LEVELS = ["Informational", "Low", "Medium", "High"]


@pytest.fixture(scope="module")
def running():
    with sandbox.running(jobs=30, environment=False) as box:
        yield box


@pytest.fixture
def box(running):
    """The module's sandbox, an hour and more after whatever was asked before."""
    running.advance(4000)
    running.clear_calls()
    return running


def ask(box, path, method="GET", key=None, json=None, **params):
    headers = {"x-api-key": key or box.key("veridox")}
    url = box.url("veridox") + path
    return requests.request(method, url, params=params, headers=headers, json=json, timeout=10)


def lab(box):
    return box.state["veridox"].lab


def refused(answer):
    """Status and code of an error body, after a look at its shape."""
    body = answer.json()
    assert set(body) - {"error_details"} == {"error_code", "error_message"}
    assert isinstance(body["error_message"], str)
    assert isinstance(body.get("error_details", {}), dict)
    return answer.status_code, body["error_code"]


def uploaded(box, count=None):
    return [row["file_id"] for row in lab(box).files if row["uploaded_at"]][:count]


def test_the_key_begins_as_documented(box):
    """vdx_, and not as a key of ValiDocX."""
    assert box.key("veridox").startswith("vdx_")
    assert not box.key("veridox").startswith("vdx_org_")


def test_cases_have_the_envelope_and_the_fields(box):
    """cases, total, limit and offset; newest first; 50 by default."""
    body = ask(box, "/cases").json()
    moments = [row["created_at"] for row in body["cases"]]

    assert set(body) == {"cases", "total", "limit", "offset"}
    assert (body["limit"], body["offset"], body["total"]) == (50, 0, len(lab(box).cases))
    assert moments == sorted(moments, reverse=True)
    for row in body["cases"]:
        assert set(row) == CASE
        assert VERSION_7.fullmatch(row["case_id"])
        assert MOMENT.fullmatch(row["created_at"])
        assert row["file_analysis_status"] in ("waiting_for_file_analysis", "file_analysis_complete")


def test_files_have_the_envelope_and_the_fields(box):
    """files and total, nothing said back; newest first, 50 by default."""
    body = ask(box, "/files").json()
    moments = [row["created_at"] for row in body["files"]]

    assert set(body) == {"files", "total"}
    assert (len(body["files"]), body["total"]) == (50, len(lab(box).files))
    assert moments == sorted(moments, reverse=True)
    for row in body["files"]:
        assert set(row) == FILE
        assert VERSION_7.fullmatch(row["file_id"])
        assert row["analysis_status"] in ("waiting_for_upload", "processing", "settled")
        assert (row["analysis_outcome"] is None) == (row["analysis_status"] != "settled")
        assert row["current_risk_score"] in (None, *LEVELS)
        assert (row["mime_type"] is None) == (row["uploaded_at"] is None)


def test_an_id_tells_when_the_thing_was_made(box):
    """The first 48 bits of a version 7 id are the milliseconds of created_at."""
    for row in ask(box, "/files").json()["files"]:
        made = datetime.fromisoformat(row["created_at"].replace("Z", "+00:00"))
        assert int(row["file_id"].replace("-", "")[:12], 16) == round(made.timestamp() * 1000)


def test_walking_by_offset_gives_every_file_once(box):
    """Pages of 40, oldest first and then by risk."""
    for order in ({"sort_by": "date_created"}, {"sort_by": "risk_score"}):
        rows, offset = [], 0
        while page := ask(box, "/files", limit=40, offset=offset, sort_order="asc", **order).json()["files"]:
            rows, offset = rows + page, offset + 40
        assert sorted(row["file_id"] for row in rows) == sorted(row["file_id"] for row in lab(box).files)
        if order["sort_by"] == "risk_score":
            ranks = [LEVELS.index(row["current_risk_score"]) if row["current_risk_score"] else -1 for row in rows]
            assert ranks == sorted(ranks)


@pytest.mark.parametrize("path", ["/cases", "/files", "/search"])
@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"offset": -1}, {"offset": 2**53}])
def test_a_page_outside_the_limits_is_refused(box, path, wrong):
    """limit from 1 to 100, offset from 0 to 9007199254740991."""
    answer = ask(box, path, query="a", **wrong)

    assert refused(answer) == (400, "request.validation")
    assert next(iter(wrong)) in answer.json()["error_message"]


@pytest.mark.parametrize("wrong", [{"sort_by": "created_at"}, {"sort_order": "up"}])
def test_an_unknown_order_is_refused(box, wrong):
    """The sort key is called date_created, the field created_at."""
    assert refused(ask(box, "/files", **wrong))[0] == 400


def test_a_label_is_looked_up_exactly(box):
    """Case-sensitive; another label finds nothing."""
    label = lab(box).cases[2]["label"]

    assert [row["label"] for row in ask(box, "/cases", label=label).json()["cases"]] == [label]
    assert ask(box, "/cases", label=label.lower()).json()["cases"] == []


def test_one_case_has_the_state_of_its_files(box):
    """The case's fields and files; 404 with its code for an unknown one."""
    row = lab(box).cases[0]
    body = ask(box, f"/cases/{row['case_id']}").json()

    assert set(body) == CASE | {"files"}
    assert {file["file_id"] for file in body["files"]} == {
        file["file_id"] for file in lab(box).files if file["case_id"] == row["case_id"]
    }
    unknown = "019cadd3-7fc0-790f-88f0-3c28dc86b62c"
    assert refused(ask(box, f"/cases/{unknown}")) == (404, "request.cases.case.not-found")


def test_a_search_matches_the_beginnings_of_words(box):
    """In labels of cases and names of files; 1 to 100 characters."""
    by_name = ask(box, "/search", query="INVOICE").json()
    by_case = ask(box, "/search", query=lab(box).cases[0]["label"]).json()

    assert set(by_name) == {"results", "total"}
    assert by_name["total"] == len(lab(box).invoices)
    assert {row["case_label"] for row in by_case["results"]} == {lab(box).cases[0]["label"]}
    assert all(set(row) == FILE for row in by_name["results"])
    assert ask(box, "/search", query="voice").json()["total"] == 0
    assert refused(ask(box, "/search"))[0] == refused(ask(box, "/search", query="x" * 101))[0] == 400


def test_an_analysis_has_the_fields_of_the_contract(box):
    """Of a settled file: links, hash, scores, and the results with their modules."""
    row = next(row for row in lab(box).files if row["file_id"] in lab(box).forged)
    body = ask(box, f"/files/{row['file_id']}/analysis").json()
    full = body["analysis_results"]["full_analysis"]

    assert set(body) == (
        {"file_id", "case_id", "label", "mime_type", "file_download_url", "file_download_url_expires_at"}
        | {"thumbnail_url", "pdf_report_url", "log_output_url", "ela_overlay_url", "reverse_search", "file_info"}
        | {"analysis_status", "analysis_outcome", "current_analysis_phase", "current_risk_score", "uploaded_at"}
        | {"created_at", "highlights", "analysis_results"}
    )
    assert set(body["reverse_search"]) == {"matches", "total"}
    assert full["overall_risk_score"] == "High"
    assert {"findings", "observations", "risk_assessments", "suggested_actions", "audit_trail", "modules"} <= set(full)
    for module in full["modules"]:
        assert set(module) == {"module_id", "module_name", "findings", "search_evidence", "verification_evidence"}
        results = (module["search_evidence"] or {"results": []})["results"]
        for finding in module["findings"]:
            assert finding["severity"] in LEVELS
            assert set(finding["evidence_refs"]) <= {result["result_id"] for result in results}


def test_the_hash_is_of_the_file_behind_the_link(box):
    """file_info.md5 is what the storage host's bytes give."""
    body = ask(box, f"/files/{uploaded(box, 1)[0]}/analysis").json()
    content = requests.get(body["file_download_url"], timeout=10).content

    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == body["file_info"]["md5"]


@pytest.mark.parametrize("status", ["processing", "waiting_for_upload"])
def test_an_analysis_not_settled_has_no_results(box, status):
    """200, results null, and no highlights; nothing uploaded means no link."""
    row = next(row for row in lab(box).files if row["analysis_status"] == status)
    answer = ask(box, f"/files/{row['file_id']}/analysis")
    body = answer.json()

    assert (answer.status_code, body["analysis_results"]) == (200, None)
    assert "highlights" not in body
    assert body["pdf_report_url"] is None
    assert (body["file_download_url"] is None) == (status == "waiting_for_upload")


def test_invoices_are_those_of_the_ledger(box):
    """The file's name carries the number of the very bill that the ledger posts for the job."""
    for job in box.jobs[:10]:
        if job["status"] == "completed":
            invoice = bill(box.company.seed, job, box.company.measure(job))
            case = next(row for row in lab(box).cases if row["metadata"]["job_id"] == job["id"])
            names = {row["label"] for row in lab(box).files if row["case_id"] == case["case_id"]}
            assert case["metadata"]["invoice"] == invoice.number
            assert f"invoice-{invoice.number}.pdf" in names


def test_forgeries_are_in_the_truth(box):
    """Each planted one names its file and says what was done."""
    forged = [fault for fault in box.truth() if fault["fault"].startswith("forged_invoice")]

    assert {fault["ids"][0] for fault in forged} == set(lab(box).forged)
    assert len(forged) == 3
    assert all(fault["where"] == "veridox files" and fault["reason"] for fault in forged)


def test_one_seed_gives_one_laboratory():
    """The same ids, scores and forgeries; another seed has others."""
    told = []
    for seed in (3, 3, 4):
        with sandbox.running(seed=seed, jobs=8, environment=False) as box:
            told.append((lab(box).cases, lab(box).files, lab(box).truth, lab(box).foreign))

    assert told[0] == told[1]
    assert told[0] != told[2]


def test_a_company_without_jobs_has_no_files():
    """Empty lists, totals of nought."""
    with sandbox.running(jobs=0, environment=False) as box:
        assert ask(box, "/files").json() == {"files": [], "total": 0}
        assert box.state["veridox"].truth() == []


# --- links --------------------------------------------------------------------------------------------------------


def test_bulk_links_open_the_files_for_an_hour(box):
    """download_url on the storage host, with label and expiry; 403 a moment after it."""
    ids = uploaded(box, 3)
    body = ask(box, "/files/download", "POST", json={"file_ids": ids}).json()
    links = [row["download_url"] for row in body["files"]]

    assert set(body) == {"files"}
    assert [row["file_id"] for row in body["files"]] == ids
    assert all(set(row) == {"file_id", "download_url", "expires_at", "label"} for row in body["files"])
    assert all(link.startswith(box.storage_url) for link in links)
    box.advance(3598)
    assert requests.get(links[0], timeout=10).status_code == 200
    box.advance(3)
    assert requests.get(links[0], timeout=10).status_code == 403
    assert box.leaks == []


def test_bulk_downloads_succeed_in_part(box):
    """Foreign files and those not uploaded stand in errors; the status is 200 all the same."""
    foreign, late = lab(box).foreign[0], next(row for row in lab(box).files if not row["uploaded_at"])["file_id"]
    answer = ask(box, "/files/download", "POST", json={"file_ids": [foreign, *uploaded(box, 1), late]})

    assert answer.status_code == 200
    assert [row["file_id"] for row in answer.json()["files"]] == uploaded(box, 1)
    assert answer.json()["errors"] == [
        {"file_id": foreign, "error": "File not found"},
        {"file_id": late, "error": "File has not been uploaded"},
    ]


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"file_ids": []},
        {"file_ids": "019cadd3-7fcb-7133-b19b-0abb09156756"},
        {"file_ids": ["019cadd3-7fcb-7133-b19b-0abb09156756"] * 26},
        {"file_ids": ["019cadd3-7fcb-7133-b19b-0abb09156756", "3f0c9a52-6a0e-4c1e-9d57-0c2b7e1f8a44"]},
        {"file_ids": [17]},
    ],
)
def test_a_malformed_call_is_refused_as_a_whole(box, body):
    """1 to 25 ids of version 7; one wrong id is 400 for all."""
    assert refused(ask(box, "/files/download", "POST", json=body)) == (400, "request.validation")


def test_an_asset_lives_for_half_an_hour(box):
    """url and expires_at; 403 after it."""
    body = ask(box, "/files/asset-url", file_id=uploaded(box, 1)[0], asset="thumbnail").json()

    assert set(body) == {"url", "expires_at"}
    assert MOMENT.fullmatch(body["expires_at"])
    box.advance(1798)
    assert requests.get(body["url"], timeout=10).status_code == 200
    box.advance(3)
    assert requests.get(body["url"], timeout=10).status_code == 403


def test_an_asset_is_refused_as_documented(box):
    """No UUID and no such kind are 400; an unknown file and an asset not there are 404, with their codes."""
    paper = next(row for row in lab(box).files if row["mime_type"] == "application/pdf")["file_id"]
    late = next(row for row in lab(box).files if row["analysis_status"] == "processing")["file_id"]

    assert refused(ask(box, "/files/asset-url", file_id="17", asset="thumbnail"))[0] == 400
    assert refused(ask(box, "/files/asset-url", file_id=paper, asset="video"))[0] == 400
    unknown = ask(box, "/files/asset-url", file_id="3f0c9a52-6a0e-4c1e-9d57-0c2b7e1f8a44", asset="thumbnail")
    assert refused(unknown) == (404, "request.cases.file.not-found")
    missing = (404, "request.cases.case-file.asset-not-found")
    assert refused(ask(box, "/files/asset-url", file_id=paper, asset="ela_overlay")) == missing
    assert refused(ask(box, "/files/asset-url", file_id=late, asset="pdf_report")) == missing


# --- keys and rates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/cases", "/files/download", "/nowhere"])
def test_a_wrong_key_is_refused(box, path):
    """401 with the code of an invalid key, wherever it is sent; nothing is counted against the rates."""
    for _ in range(12):
        answer = ask(box, path, key="vdx_unknown")

    assert refused(answer) == (401, "request.authentication.api-key.invalid")


def test_an_expired_key_has_a_code_of_its_own(box):
    """401, but not invalid."""
    box.state["veridox"].expired.add("vdx_" + "e" * 40)

    assert refused(ask(box, "/files", key="vdx_" + "e" * 40)) == (401, "request.authentication.api-key.expired")


def test_an_address_that_is_not_there_is_refused_in_the_same_words(box):
    """404 and a method nobody serves."""
    assert refused(ask(box, "/nowhere")) == (404, "request.not-found")
    assert refused(ask(box, "/files", "DELETE"))[0] in (404, 405)


@pytest.mark.parametrize(
    ("path", "method", "limit"),
    [("/cases", "GET", 30), ("/files", "GET", 10), ("/cases/x", "GET", 60), ("/files/download", "POST", 20)],
)
def test_one_call_too_many_is_refused_until_the_window_has_passed(box, path, method, limit):
    """429 with its code and Retry-After in seconds; a minute later it goes on."""
    statuses = [ask(box, path, method, limit=1).status_code for _ in range(limit)]
    assert 429 not in statuses

    answer = ask(box, path, method, limit=1)
    assert refused(answer) == (429, "request.rate-limit")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    box.advance(61)
    assert ask(box, path, method, limit=1).status_code != 429


def test_paths_without_a_limit_of_their_own_share_one(box):
    """Files, search, analyses and assets together make ten a minute; cases have their own."""
    one = uploaded(box, 1)[0]
    calls = [
        ("/files", {}),
        ("/search", {"query": "a"}),
        (f"/files/{one}/analysis", {}),
        ("/files/asset-url", {"file_id": one, "asset": "thumbnail"}),
    ]
    statuses = [ask(box, *calls[turn % 4][:1], **calls[turn % 4][1]).status_code for turn in range(11)]

    assert statuses == [200] * 10 + [429]
    assert ask(box, "/cases").status_code == 200


def test_time_scale_shortens_the_windows():
    """With time_scale=0.1 a minute is six seconds, and Retry-After still speaks of the vendor's."""
    with sandbox.running(jobs=2, time_scale=0.1, environment=False) as box:
        statuses = [ask(box, "/files").status_code for _ in range(11)]
        waits = int(ask(box, "/files").headers["Retry-After"])
        box.advance(6.1)

        assert statuses == [200] * 10 + [429]
        assert 30 <= waits <= 60
        assert ask(box, "/files").status_code == 200
