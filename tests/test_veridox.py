"""The Veridox room: lists, analyses and links, against the sandbox and small scripted answers."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from datetime import UTC, datetime, timedelta

import orjson
import pandas as pd
import pytest

import docframes.sandbox as sandbox
from docframes import describe, load_record
from docframes import files as stored
from docframes.errors import (
    AuthError,
    BadRequest,
    ColumnError,
    ConfigError,
    IncompleteLoad,
    MissingKey,
    NotFound,
    SchemaDriftWarning,
    ServerError,
)
from docframes.settings import Settings
from docframes.tables.frames import empty
from docframes.transport.download import SignedLink
from docframes.vendors import veridox
from docframes.vendors.veridox import analyses as levels
from docframes.vendors.veridox import loaders, tables
from docframes.vendors.veridox.api import FILE_KINDS
from tests.conftest import Says

KEY = "vdx_" + "Ab3" * 13
#: A minute of the vendor's lasts 0.12 s here.
QUICK = 0.002
RISK = pd.CategoricalDtype(["Informational", "Low", "Medium", "High"], ordered=True)


def file_id(number: int) -> str:
    return f"019cadd3-7fcb-7133-b19b-{number:012x}"


def a_file(number: int = 1, **changes) -> dict:
    return {
        "file_id": file_id(number),
        "case_id": "019cadd3-7fc0-790f-88f0-3c28dc86b62c",
        "case_label": "Claim MTR-20417",
        "label": "repair_invoice.pdf",
        "mime_type": "application/pdf",
        "thumbnail_url": "https://files.example.invalid/t/1.png?sig=aa11",
        "current_risk_score": "High",
        "analysis_status": "settled",
        "analysis_outcome": "success",
        "current_analysis_phase": None,
        "uploaded_at": "2026-03-02T09:15:01.700Z",
        "created_at": "2026-03-02T09:14:05.131Z",
        **changes,
    }


def an_analysis(number: int = 1, full: dict | None = None, **changes) -> dict:
    body = a_file(number)
    del body["case_label"]
    full_analysis = {
        "overall_risk_score": "High",
        "summary": "The total was changed.",
        "findings": [],
        "observations": [],
        "risk_assessments": [],
        "suggested_actions": [],
        "audit_trail": [],
        "modules": [],
        **(full or {}),
    }
    return {**body, "analysis_results": {"full_analysis": full_analysis, "context_analysis": {}}, **changes}


@pytest.fixture(scope="module")
def lab():
    with sandbox.running(jobs=30, environment=False, time_scale=QUICK) as box:
        yield box


@pytest.fixture
def account(tmp_path):
    """A client of a sandbox: ``account(box)``."""
    with contextlib.ExitStack() as stack:

        def make(box, **options):
            settings = Settings(cache_dir=tmp_path / "cache", time_scale=box.clock.scale)
            defaults = {"api_key": box.key("veridox"), "base_url": box.url("veridox"), "settings": settings}
            return stack.enter_context(veridox.Client(**{**defaults, **options}))

        yield make


@pytest.fixture
def client(lab, account):
    lab.clear_calls()
    return account(lab)


@pytest.fixture
def answered(scripted, settings):
    """A client of a server that says what a function tells it, which is its ``.server``."""
    with contextlib.ExitStack() as stack:

        def make(answer, **options):
            server = scripted(answer)
            options = {"settings": settings, "api_key": KEY, "base_url": server.url, **options}
            made = stack.enter_context(veridox.Client(**options))
            made.server = server
            return made

        yield make


def rows_of(lab):
    return lab.state["veridox"].lab


def uploaded(lab):
    return [row["file_id"] for row in rows_of(lab).files if row["uploaded_at"]]


# --- lists --------------------------------------------------------------------------------------------------------


def test_files_are_all_there_oldest_first_and_proven(lab, client):
    """One row a file, in the order in which later files shift nothing, with the declared dtypes."""
    files = veridox.load_files(page_size=20, client=client)

    assert files["file_id"].tolist() == sorted(row["file_id"] for row in rows_of(lab).files)
    assert {name: str(dtype) for name, dtype in files.dtypes.items()} == tables.FILES.dtypes()
    assert files["current_risk_score"].dtype == RISK == empty(tables.FILES)["current_risk_score"].dtype
    assert load_record(files).certificate.verdict == "PASS"
    asked = [call.query for call in lab.calls if call.status == 200]
    assert {(query["sort_by"], query["sort_order"]) for query in asked} == {("date_created", "asc")}


def test_risks_compare(lab, client):
    """Medium and above are the files that a person should look at."""
    files = veridox.load_files(client=client)
    wanted = [row for row in rows_of(lab).files if row["current_risk_score"] in ("Medium", "High")]

    assert len(files[files["current_risk_score"] >= "Medium"]) == len(wanted) > 0


def test_the_newest_or_the_riskiest_few_can_be_asked_for(lab, client):
    """With a limit the order decides which; one page is enough for it."""
    newest = veridox.load_files(sort_order="desc", limit=5, client=client)
    riskiest = veridox.load_files(sort_by="risk_score", sort_order="desc", limit=2, page_size=2, client=client)

    assert newest["file_id"].tolist() == sorted((row["file_id"] for row in rows_of(lab).files), reverse=True)[:5]
    assert riskiest["current_risk_score"].tolist() == ["High", "High"]
    assert load_record(newest).certificate.verdict == "PASS"


def test_cases_are_loaded_and_found_by_label(lab, client):
    """Newest first; a label finds one case, and only in its own case of letters."""
    cases = veridox.load_cases(page_size=7, client=client)
    label = cases["label"][3]

    assert cases["case_id"].tolist() == [row["case_id"] for row in reversed(rows_of(lab).cases)]
    assert orjson.loads(cases["metadata"][0]).keys() == {"job_id", "supplier", "invoice"}
    assert veridox.load_cases(label=label, client=client)["case_id"].tolist() == [cases["case_id"][3]]
    assert len(veridox.load_cases(label=label.lower(), client=client)) == 0


def test_a_search_finds_beginnings_of_words(lab, client):
    """In names and in labels of cases; the columns are those of load_files."""
    found = veridox.search_files("invo", client=client)

    assert len(found) == len(rows_of(lab).invoices)
    assert list(found.columns) == list(tables.FILES.dtypes())
    assert len(veridox.search_files("oice", client=client)) == 0


@pytest.mark.parametrize("query", ["", "   ", "x" * 101, None])
def test_a_query_that_cannot_be_is_refused_before_it_is_sent(query, answered):
    """1 to 100 characters."""
    made = answered(lambda asked: Says({}))
    with pytest.raises(ConfigError, match="1 to 100"):
        veridox.search_files(query, client=made)

    assert made.server.asked == []


@pytest.mark.parametrize("options", [{"sort_by": "created_at"}, {"sort_order": "up"}])
def test_an_unknown_order_is_refused(options, answered):
    """The message names the known ones."""
    with pytest.raises(ConfigError, match="must be one of"):
        veridox.load_files(**options, client=answered(lambda asked: Says({})))


def test_signed_thumbnails_are_in_no_frame_and_no_cache(lab, client, tmp_path):
    """Neither as a column nor as bytes on the disk."""
    files = veridox.load_files(client=client)
    veridox.load_analyses(files[:3], client=client)
    client.close()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())

    assert not [name for name in files.columns if "url" in name]
    assert kept
    for secret in lab.canaries:
        assert secret.encode() not in kept


def test_cases_come_with_the_state_of_their_files(lab, client):
    """One call a case; the files carry the case they belong to."""
    cases = veridox.load_cases(limit=4, client=client)
    details = veridox.load_case_details(cases, client=client)
    wanted = {row["file_id"] for row in rows_of(lab).files if row["case_id"] in set(cases["case_id"])}

    assert details.cases["case_id"].tolist() == cases["case_id"].tolist()
    assert set(details.files["file_id"]) == wanted
    assert set(details.files["case_label"]) == set(cases["label"])
    assert details.files["current_risk_score"].dtype == RISK
    assert repr(details) == f"CaseDetails(4 cases, {len(wanted)} files)"


# --- analyses -----------------------------------------------------------------------------------------------------


def test_only_settled_files_are_asked_for_and_the_others_are_told(lab, client):
    """Files that are not settled stand in .skipped with their state, and the record counts them."""
    files = veridox.load_files(client=client)
    settled, waiting = files[files["analysis_status"] == "settled"], files[files["analysis_status"] != "settled"]
    assert len(waiting) > 0
    some = pd.concat([settled[:4], waiting])
    lab.clear_calls()
    analyses = veridox.load_analyses(some, client=client)

    assert analyses.files["file_id"].tolist() == settled["file_id"][:4].tolist()
    assert analyses.skipped["file_id"].tolist() == waiting["file_id"].tolist()
    assert set(analyses.skipped["analysis_status"]) <= {"processing", "waiting_for_upload"}
    assert load_record(analyses.files).arguments == {"files": 4, "skipped": len(waiting), "settled_only": True}
    assert not [call for call in lab.calls for name in waiting["file_id"] if name in call.path]


def test_files_not_settled_can_be_asked_for_all_the_same(lab, client):
    """Their rows have no results, and none of the other frames has rows of them."""
    files = veridox.load_files(client=client)
    waiting = files[files["analysis_status"] != "settled"]
    analyses = veridox.load_analyses(waiting, settled_only=False, client=client)

    assert len(analyses.files) == len(waiting)
    assert len(analyses.skipped) == len(analyses.observations) == len(analyses.modules) == 0
    assert analyses.files["overall_risk_score"].isna().all()
    assert analyses.files["overall_risk_score"].dtype == RISK


def test_planted_forgeries_are_found(lab, client):
    """Every forgery of the truth is High by its analysis and has a finding; a person lowered one of them."""
    forged = [fault["ids"][0] for fault in lab.truth() if fault["fault"].startswith("forged_invoice")]
    analyses = veridox.load_analyses(forged, client=client)

    assert len(forged) == 3
    assert analyses.files["overall_risk_score"].tolist() == ["High"] * 3
    assert analyses.files["current_risk_score"].tolist() == ["High", "Low", "High"]
    assert analyses.findings["file_id"].tolist() == forged
    assert set(analyses.module_findings.query("severity == 'High'")["file_id"]) == set(forged)
    assert orjson.loads(analyses.files["file_metadata"][0])["Producer"] == "PDF Editor 9"
    assert [orjson.loads(text) for text in analyses.files["highlights"]] == [
        ["Total edited after issue"],
        ["Date edited after issue"],
        ["Bank details pasted over"],
    ]


def test_references_lead_to_the_results_of_the_same_module(lab, client):
    """An entry of evidence_refs names a result_id of search_results, of that file and module."""
    analyses = veridox.load_analyses(sorted(rows_of(lab).invoices), client=client)
    found = analyses.module_findings.assign(result_id=analyses.module_findings["evidence_refs"].map(orjson.loads))
    named = found.explode("result_id").dropna(subset="result_id")
    joined = named.merge(analyses.search_results, on=["file_id", "module_number", "result_id"])

    assert len(joined) == len(named) > 0


def test_everything_of_an_analysis_is_in_some_frame(answered):
    """Lists of texts become rows with their place, or JSON text; what nobody declared becomes a column."""
    module = {
        "module_id": "business_lookup",
        "module_name": "Business Lookup",
        "findings": [
            {
                "alert_type": "address_mismatch",
                "severity": "low",
                "description": "Another postcode.",
                "severity_justification": "A second site.",
                "evidence": ["Directory entry"],
                "evidence_refs": ["q1.0"],
            }
        ],
        "search_evidence": {
            "queries": [{"query_id": "q1", "query": "Hale Motors", "answer": None}],
            "results": [{"result_id": "q1.0", "title": "Hale Motors", "url": "https://example.org/hale"}],
            "failures": [],
            "timing": {"seconds": 3},
        },
        "verification_evidence": {"checks": [{"check_id": "v1"}]},
    }
    full = {
        "findings": [
            {"category": "metadata", "heading": "Edited", "description": "Later.", "supporting_evidence": ["a", "b"]}
        ],
        "observations": ["Two fonts.", "One page."],
        "risk_assessments": [
            {"target": "total", "risk_level": "HIGH", "summary": "Altered.", "justification": "Other glyphs."}
        ],
        "suggested_actions": [{"action": "Ask", "justification": "In doubt."}],
        "audit_trail": ["read", "scored"],
        "modules": [{"module_id": "empty", "module_name": "Empty", "findings": []}, module],
        "search_evidence_summary": {"total_queries": 1, "total_results": 1, "per_module": {"business_lookup": {}}},
    }
    body = an_analysis(full=full, reverse_search={"matches": ["x"], "total": 1}, surprise={"a": 1})
    made = answered(lambda asked: Says(body))
    with pytest.warns(SchemaDriftWarning, match=r"search_evidence\.timing"):
        analyses = veridox.load_analyses([file_id(1)], client=made)

    assert analyses.findings["supporting_evidence"].tolist() == ['["a","b"]']
    assert analyses.observations[["observation_number", "observation"]].to_numpy().tolist() == [
        [1, "Two fonts."],
        [2, "One page."],
    ]
    assert analyses.risk_assessments["risk_level"].tolist() == ["High"]
    assert analyses.suggested_actions["action"].tolist() == ["Ask"]
    assert analyses.modules["module_id"].tolist() == ["empty", "business_lookup"]
    assert orjson.loads(analyses.modules["verification_evidence"][1]) == {"checks": [{"check_id": "v1"}]}
    assert analyses.modules["search_evidence.timing"].tolist()[1] == '{"seconds":3}'
    assert orjson.loads(analyses.modules["search_evidence_queries"][1])[0]["query"] == "Hale Motors"
    found = analyses.module_findings.iloc[0]
    assert (found["module_number"], found["severity"], found["evidence_refs"]) == (2, "Low", '["q1.0"]')
    assert analyses.search_results["result_id"].tolist() == ["q1.0"]
    assert analyses.search_results["url"].tolist() == ["https://example.org/hale"]
    row = analyses.files.iloc[0]
    assert row["audit_trail"] == '["read","scored"]'
    assert (row["search_queries"], row["reverse_search_total"], row["surprise"]) == (1, 1, '{"a":1}')
    assert not [name for frame in vars(analyses).values() for name in frame.columns if "_url" in name]


def test_two_kinds_of_findings_stay_apart():
    """Those of the analysis and those of a module have different keys, and a frame each."""
    names = {level.table.name: set(level.table.dtypes()) for level in levels.analysis(["highlights"]).walk()}

    assert {"category", "heading"} <= names["findings"]
    assert {"alert_type", "severity"} <= names["module_findings"]
    assert set(names) == {
        "files", "findings", "module_findings", "observations", "risk_assessments", "suggested_actions",
        "search_results", "modules",
    }  # fmt: skip


def test_no_file_at_all_has_every_frame(answered):
    """Nine frames with their dtypes, and no call."""
    made = answered(lambda asked: Says({}))
    analyses = veridox.load_analyses([], client=made)

    assert made.server.asked == []
    for level in levels.analysis(["highlights"]).walk():
        frame = getattr(analyses, level.table.name)
        pd.testing.assert_frame_equal(frame, empty(level.table))
    assert list(analyses.skipped.columns) == ["file_id", "label", "analysis_status"]


def test_a_settled_analysis_is_asked_for_again_only_when_its_score_moved(account):
    """Of a frame: none the second time, and one after a person overrode one score."""
    with sandbox.running(jobs=12, environment=False, time_scale=QUICK) as box:
        made = account(box)
        files = veridox.load_files(client=made)
        some = files[files["current_risk_score"].notna()][:5]
        veridox.load_analyses(some, client=made)
        again = veridox.load_analyses(some[::-1], client=made)
        assert load_record(again.files).calls == 0

        box.state["veridox"].lab.confirm(some["file_id"].iloc[2], "High")
        files = veridox.load_files(refresh=True, client=made)
        moved = files[files["file_id"].isin(some["file_id"])]
        analyses = veridox.load_analyses(moved, client=made)

        assert load_record(analyses.files).calls == 1
        assert analyses.files["current_risk_score"].tolist()[2] == "High"


def test_the_same_load_opens_again_with_the_same_dtypes(lab, account, monkeypatch):
    """Without a call, offline too; risks stay ordered in every frame, and skipped files stay told."""
    made = account(lab)
    listed = veridox.load_files(client=made)
    some = pd.concat([listed[listed["analysis_status"] != "settled"], listed[:6]])
    first = veridox.load_analyses(some, client=made)
    made.close()
    lab.clear_calls()
    monkeypatch.setenv("DOCFRAMES_OFFLINE", "1")
    offline = account(lab, settings=dataclasses.replace(made.settings, offline=True))
    again = veridox.load_analyses(some, client=offline)

    for name, frame in vars(first).items():
        pd.testing.assert_frame_equal(getattr(again, name), frame, check_exact=True)
    pd.testing.assert_frame_equal(veridox.load_files(client=offline), listed)
    assert again.module_findings["severity"].dtype == again.files["overall_risk_score"].dtype == RISK
    assert lab.calls == []


def test_an_empty_frame_of_files_gives_empty_analyses(answered):
    """Nothing found is nothing asked for."""
    made = answered(lambda asked: Says({"files": [], "total": 0}))
    analyses = veridox.load_analyses(veridox.load_files(client=made), client=made)

    assert [len(frame) for frame in vars(analyses).values()] == [0] * 9
    assert len(made.server.asked) == 1


def test_settled_answers_are_kept_long_and_others_briefly():
    """30 days where the state is known, 5 minutes where it is not settled or nobody knows."""
    made = veridox.Client(api_key=KEY)
    files = pd.DataFrame(
        {
            "file_id": [file_id(1), file_id(2)],
            "analysis_status": ["settled", "processing"],
            "analysis_outcome": ["success", None],
        }
    )
    state = loaders._with_state(files)
    calls = [loaders._analysis_call(made, *row) for row in zip(state["file_id"], state["version"], strict=True)]
    plain = loaders._analysis_call(made, *loaders._with_state([file_id(1)])[["file_id", "version"]].iloc[0])

    assert [call.endpoint.lifetime for call in (*calls, plain)] == [30 * 86_400, 300, 300]
    assert [bool(call.version) for call in (*calls, plain)] == [True, False, False]


def test_one_file_that_is_not_there_is_told_and_the_rest_can_be_had(lab, client):
    """IncompleteLoad with the frames of the others; allow_partial accepts them."""
    ids = [*uploaded(lab)[:2], rows_of(lab).foreign[0]]
    with pytest.raises(IncompleteLoad, match=rows_of(lab).foreign[0]) as told:
        veridox.load_analyses(ids, client=client)

    assert told.value.frame.files["file_id"].tolist() == ids[:2]
    accepted = veridox.load_analyses(ids, allow_partial=True, client=client)
    assert load_record(accepted.files).certificate.verdict == "FAIL"
    with pytest.raises(NotFound) as alone:
        veridox.load_analyses(ids[2:], client=client)
    assert alone.value.code == "request.cases.file.not-found"


@pytest.mark.parametrize("files", ["019cadd3-7fcb-7133-b19b-0abb09156756", pd.DataFrame({"id": ["x"]})])
def test_files_must_be_a_frame_with_ids_or_a_list(files):
    """One text would be taken for its letters; a frame without file_id says which columns it has."""
    with pytest.raises((ConfigError, ColumnError), match=r"list of ids|needs the column 'file_id'"):
        veridox.load_analyses(files, client=veridox.Client(api_key=KEY))


def test_an_answer_for_another_file_is_never_taken(answered):
    """The certificate says FAIL, which is an error."""
    made = answered(lambda asked: Says(an_analysis(7)))
    with pytest.raises(IncompleteLoad, match="for another id"):
        veridox.load_analyses([file_id(1)], client=made)


@pytest.mark.parametrize("score", ["critical", 4])
def test_a_score_nobody_knows_is_kept(answered, score):
    """Missing in the ordered column, as sent in the one beside it, and told."""
    rows = [a_file(1, current_risk_score="high"), a_file(2, current_risk_score=score)]
    made = answered(lambda asked: Says({"files": rows, "total": 2}))
    with pytest.warns(SchemaDriftWarning, match="current_risk_score"):
        files = veridox.load_files(client=made)

    assert files["current_risk_score"].isna().tolist() == [False, True]
    assert files["current_risk_score"][0] == "High"
    assert files["current_risk_score_as_sent"].tolist()[1] == str(score)


# --- signing ------------------------------------------------------------------------------------------------------


def test_sixty_ids_are_signed_in_three_calls(start, account):
    """One foreign, one malformed: 58 good rows and 2 with their errors; the malformed one is never sent."""
    box = start(jobs=30, time_scale=QUICK)
    foreign = rows_of(box).foreign[0]
    ids = [*uploaded(box)[:30], foreign, *uploaded(box)[30:58], "019cadd3-7fcb-4133-b19b-0abb09156756"]
    signed = veridox.sign_files(ids, client=account(box))
    bad = signed[signed["error"].notna()].set_index("file_id")

    assert len(ids) == 60
    assert signed["file_id"].tolist() == ids
    assert bad.index.tolist() == [foreign, ids[-1]]
    assert bad.loc[foreign, "error"] == "File not found"
    assert bad.loc[ids[-1], "error"].startswith("not sent: the id is no UUID of version 7")
    assert bad["expires_at"].isna().all()
    assert box.count("veridox", "/files/download") == 3
    assert signed["label"].notna().sum() == signed["expires_at"].notna().sum() == 58


def test_the_frame_names_the_files_and_holds_no_link(lab, client):
    """vendor, kind and file_id, as save_all reads them; no URL in any cell, repr or record."""
    ids = uploaded(lab)[:3]
    signed = veridox.sign_files(ids, client=client)
    record = load_record(signed)

    assert list(signed.columns) == ["vendor", "kind", "file_id", "label", "expires_at", "error"]
    assert {name: str(dtype) for name, dtype in signed.dtypes.items()} == tables.SIGNED_FILES.dtypes()
    assert set(signed["vendor"] + signed["kind"]) == {"veridoxfile_download"}
    shown = signed.to_csv() + repr(record) + repr(client) + repr(signed.attrs)
    assert "http" not in shown.replace(client.base_url, "")
    assert (record.certificate.verdict, record.calls, record.rows) == ("PASS", 1, 3)


def test_each_id_is_sent_once_whatever_its_spelling(answered):
    """Repeated ids, in another case of letters too, are one row and one id in the call."""
    sent = []

    def answer(asked):
        sent.append(asked)
        link = {"file_id": file_id(10), "download_url": "https://h.invalid/1?sig=a", "expires_at": None, "label": "a"}
        return Says({"files": [link], "errors": None})

    signed = veridox.sign_files([file_id(10), file_id(10).upper(), file_id(10)], client=answered(answer))

    assert (len(sent), signed["file_id"].tolist()) == (1, [file_id(10)])
    assert signed["error"].isna().all()


def test_answers_are_matched_by_id_and_never_by_place(answered):
    """The vendor may answer in any order, and leave one out: it counts as failed."""

    def answer(asked):
        rows = [
            {
                "file_id": file_id(n),
                "download_url": f"https://h.invalid/{n}",
                "expires_at": "2099-01-01",
                "label": str(n),
            }
            for n in (3, 1)
        ]
        return Says({"files": rows})

    made = answered(answer)
    signed = veridox.sign_files([file_id(n) for n in (1, 2, 3)], client=made)
    links = veridox.file_links("file_download", [file_id(n) for n in (1, 2, 3)], client=made)

    assert signed["label"].fillna("-").tolist() == ["1", "-", "3"]
    assert "neither among the links nor among the errors" in signed["error"][1]
    assert links[file_id(3)].url == "https://h.invalid/3"
    assert isinstance(links[file_id(2)], NotFound)
    assert links[file_id(1)].expires_at == datetime(2099, 1, 1, tzinfo=UTC)


def test_links_without_an_expiry_live_as_long_as_is_documented(answered):
    """60 minutes from when they were asked for; 30 for an asset."""

    def answer(asked):
        if asked.path == "/files/download":
            return Says({"files": [{"file_id": file_id(1), "download_url": "https://h.invalid/1"}]})
        return Says({"url": "https://h.invalid/2"})

    made = answered(answer)
    before = datetime.now(UTC)
    link = veridox.file_links("file_download", [file_id(1)], client=made)[file_id(1)]
    report = veridox.asset(file_id(1), "pdf_report", client=made)

    assert timedelta(minutes=60) <= link.expires_at - before < timedelta(minutes=61)
    assert timedelta(minutes=30) <= report.expires_at - before < timedelta(minutes=31)


def test_a_call_that_fails_as_a_whole_is_an_error_with_the_rest_in_it(answered, settings):
    """IncompleteLoad: the rows that came, the others with their error, and a way to resume."""
    answers = []

    def answer(asked):
        answers.append(asked)
        if len(answers) > 1:
            return Says({"error_code": "request.unavailable", "error_message": "Down."}, 503)
        links = [{"file_id": file_id(n), "download_url": "https://h.invalid/1", "label": "a"} for n in range(30)]
        return Says({"files": links})

    # One call after the other: the first 25 ids are answered, the last 5 are not.
    made = answered(answer, settings=dataclasses.replace(settings, workers=1))
    ids = [file_id(n) for n in range(30)]
    with pytest.raises(IncompleteLoad, match="5 of 30 ids were in calls that failed") as told:
        veridox.sign_files(ids, client=made)
    answers.clear()
    accepted = veridox.sign_files(ids, allow_partial=True, client=made)
    answers.clear()
    links = veridox.file_links("file_download", ids, client=made)
    made.server.answer = lambda asked: Says({"files": [], "errors": [{"id": n, "error": "gone"} for n in ids]})
    resumed = told.value.resume()

    assert told.value.frame["error"].notna().sum() == accepted["error"].notna().sum() == 5
    assert "Down." in told.value.frame["error"].iloc[-1]
    assert load_record(accepted).certificate.verdict == "FAIL"
    assert [isinstance(links[name], ServerError) for name in ids] == [False] * 25 + [True] * 5
    assert resumed["error"].tolist() == ["gone"] * 30


@pytest.mark.parametrize(("status", "kind"), [(400, BadRequest), (401, AuthError), (500, ServerError)])
def test_where_every_call_fails_the_reason_is_the_error(answered, status, kind):
    """Nothing came, so nothing is partial."""
    body = {"error_code": "request.refused", "error_message": "No."}
    with pytest.raises(kind, match=r"No\.") as told:
        veridox.sign_files([file_id(1)], client=answered(lambda asked: Says(body, status)))

    assert told.value.code == "request.refused"


def test_no_id_is_no_call(answered):
    """An empty frame of the same dtypes."""
    made = answered(lambda asked: Says({}))
    signed = veridox.sign_files([], client=made)

    pd.testing.assert_frame_equal(signed, empty(tables.SIGNED_FILES))
    assert made.server.asked == []
    assert veridox.file_links("file_download", [], client=made) == {}


def test_signed_files_are_saved_with_a_manifest(start, account, tmp_path):
    """save_all reads the frame's plain columns: good ids become files, the others keep their error."""
    box = start(jobs=12, time_scale=0.05)
    made = account(box)
    signed = veridox.sign_files([*uploaded(box)[:4], rows_of(box).foreign[0]], client=made)
    manifest = stored.save_all(signed, tmp_path / "saved", client=made, progress=False)

    assert manifest["error"].isna().tolist() == [True] * 4 + [False]
    assert "File not found" in manifest["error"][4]
    assert {path.suffix for path in (tmp_path / "saved").iterdir()} >= {".pdf", ".csv"}
    assert (manifest["bytes"][:4] > 100).all()
    assert box.leaks == []


def test_an_asset_opens_the_file_without_the_key(start, account):
    """Each kind that is there; the storage host sees no credential."""
    box = start(jobs=12, time_scale=0.05)
    photo = next(
        row["file_id"]
        for row in rows_of(box).files
        if row["mime_type"] == "image/jpeg" and row["analysis_status"] == "settled"
    )
    made = account(box)
    opened = {kind: veridox.asset(photo, kind, client=made).bytes()[:4] for kind in FILE_KINDS}

    assert opened["pdf_report"] == b"%PDF"
    assert opened["file_download"][:2] == opened["thumbnail"][:2] == opened["ela_overlay"][:2] == b"\xff\xd8"
    assert opened["log_output"] == b"meta"
    assert box.leaks == []


def test_an_asset_that_is_not_there_says_what_to_wait_for(lab, client):
    """404 with the vendor's code; a report comes once the file is settled."""
    waiting = next(row["file_id"] for row in rows_of(lab).files if row["analysis_status"] == "processing")
    with pytest.raises(NotFound, match="once the file is settled") as told:
        veridox.asset(waiting, "pdf_report", client=client)
    links = veridox.file_links("pdf_report", [waiting, uploaded(lab)[0]], client=client)

    assert told.value.code == "request.cases.case-file.asset-not-found"
    assert isinstance(links[waiting], NotFound)
    assert isinstance(links[uploaded(lab)[0]], SignedLink)


@pytest.mark.parametrize(("given", "said"), [(("x", "pdf_report"), "UUID"), ((file_id(1), "video"), "one of")])
def test_what_cannot_be_an_asset_is_refused_before_it_is_sent(answered, given, said):
    """An id that is no UUID, a kind that is none."""
    made = answered(lambda asked: Says({}))
    with pytest.raises(ConfigError, match=said):
        veridox.asset(*given, client=made)
    with pytest.raises(ConfigError, match="must be one of"):
        veridox.file_links("video", [file_id(1)], client=made)

    assert made.server.asked == []


def test_a_link_is_in_no_repr(answered):
    """A SignedLink shows what it opens and until when."""
    made = answered(lambda asked: Says({"url": "https://h.invalid/1?sig=secret", "expires_at": "2099-01-01T00:00:00Z"}))
    link = veridox.asset(file_id(1), client=made)

    assert link.url == "https://h.invalid/1?sig=secret"
    assert "invalid" not in repr(link)
    assert "secret" not in repr(vars(veridox))


# --- the account --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({}, "https://api.uk.veridox.ai"),
        ({"region": "ca"}, "https://api.ca.veridox.ai"),
        ({"region": "UK"}, "https://api.uk.veridox.ai"),
        ({"base_url": "https://api.uk.neo.veridox.ai/"}, "https://api.uk.neo.veridox.ai"),
        ({"region": "ca", "assumptions": {"host_ca": "https://ca.example.org"}}, "https://ca.example.org"),
    ],
)
def test_a_region_has_its_address(options, address):
    """uk unless it is said otherwise; a full address goes too."""
    assert veridox.Client(api_key=KEY, **options).base_url == address


def test_the_environment_names_key_region_and_address(monkeypatch):
    """An argument goes before them, and an address before a region."""
    monkeypatch.setenv("DOCFRAMES_VERIDOX_API_KEY", KEY)
    monkeypatch.setenv("DOCFRAMES_VERIDOX_REGION", "ca")
    assert veridox.Client().base_url == "https://api.ca.veridox.ai"
    assert veridox.Client(region="uk").base_url == "https://api.uk.veridox.ai"

    monkeypatch.setenv("DOCFRAMES_VERIDOX_BASE_URL", "http://127.0.0.1:9")
    assert veridox.Client().base_url == "http://127.0.0.1:9"
    assert veridox.Client(region="ca").base_url == "https://api.ca.veridox.ai"


@pytest.mark.parametrize(
    "options",
    [
        {"region": "us"},
        {"region": "uk", "base_url": "https://x.example.org"},
        {"rates": {"defualt": 60}},
        {"rates": {"default": 0}},
        {"rates": {"default": 1.5}},
        {"assumptions": {"columns": {"files": {"nothing": "x"}}}},
        {"assumptions": {"guess": 1}},
    ],
)
def test_what_the_client_cannot_take_is_refused(options):
    """Nothing is swallowed."""
    with pytest.raises(ConfigError):
        veridox.Client(api_key=KEY, **options)


def test_a_missing_key_says_where_it_is_made():
    """The variable and the place."""
    with pytest.raises(MissingKey, match=r"DOCFRAMES_VERIDOX_API_KEY.*dashboard"):
        veridox.Client()


def test_a_key_shows_its_beginning_only():
    """vdx_ tells nothing; the rest is never shown."""
    assert repr(veridox.Client(api_key=KEY)).endswith("key vdx_…>")


def test_raised_rates_and_separate_budgets_are_settings():
    """Numbers by rule; where the default budget is not shared, each path has its own, and an analysis just one."""
    raised = veridox.Client(api_key=KEY, rates={"default": 60})
    apart = veridox.Client(api_key=KEY, assumptions={"shared_default_budget": False})
    rules = {name: endpoint.rule for name, endpoint in apart.api.endpoints.items()}

    assert raised.api.rates["default"].calls == 60
    assert raised.api.rates["cases"].calls == 30
    assert rules["files"] != rules["search"] != rules["asset"]
    assert rules["analysis"] == rules["analysis_now"]
    assert {apart.api.rates[rule].calls for rule in set(rules.values())} == {10, 30, 60, 20}


def test_an_expired_key_says_so(lab, account):
    """401 with its own code, and what to do."""
    state = lab.state["veridox"]
    state.expired.add("vdx_" + "e" * 40)
    with pytest.raises(AuthError, match="past its date") as told:
        veridox.load_files(client=account(lab, api_key="vdx_" + "e" * 40))

    assert told.value.code == "request.authentication.api-key.expired"


def test_calls_are_paced_so_that_none_is_refused_for_long(lab, client):
    """Twenty-five analyses, ten a minute: every one comes, and a refusal is waited out."""
    ids = uploaded(lab)[:25]
    analyses = veridox.load_analyses(ids, client=client)

    assert analyses.files["file_id"].tolist() == ids
    assert load_record(analyses.files).certificate.verdict == "PASS"


@pytest.mark.parametrize("chaos", ["short_pages", "null_objects", "500_burst", "drop_mid_body"])
def test_a_misbehaving_server_costs_no_file(start, account, chaos):
    """Smaller pages, no totals, faults: all files come, each once."""
    box = start(chaos, jobs=20, time_scale=QUICK)
    files = veridox.load_files(page_size=20, client=account(box))

    assert sorted(files["file_id"]) == sorted(row["file_id"] for row in rows_of(box).files)


@pytest.mark.parametrize("chaos", ["repeated_page", "total_too_high"])
def test_missing_rows_are_an_error(start, account, chaos):
    """Never a smaller frame."""
    box = start(chaos, jobs=20, time_scale=QUICK)
    with pytest.raises(IncompleteLoad):
        veridox.load_files(page_size=20, client=account(box))


def test_rows_that_shift_are_missed_with_a_word_and_come_on_resuming(start, account):
    """Rows that are put in front of pages already read: an error first, everything afterwards."""
    box = start("shifting_pages", jobs=20, time_scale=QUICK)
    with pytest.raises(IncompleteLoad) as told:
        veridox.load_files(page_size=10, client=account(box))

    assert sorted(told.value.resume()["file_id"]) == sorted(row["file_id"] for row in rows_of(box).files)


def test_every_column_of_every_table_is_described():
    """Meaning and source; risks name their order; a file stands behind each row of an analysis."""
    for table in (*tables.ALL, *levels.ALL):
        told = describe(table)
        assert (told["meaning"] != "").all()
        risks = told[told["dtype"] == "category"]
        assert set(risks["unit"]) <= {"Informational < Low < Medium < High"}
        if "file_id" in table.dtypes():
            assert table.file is not None
            assert table.file.kind in FILE_KINDS


def test_every_public_name_says_what_it_does():
    """Sorted, documented, and no more than is meant."""
    assert veridox.__all__ == sorted(veridox.__all__)
    assert all(re.search(r"\w", getattr(veridox, name).__doc__ or "") for name in veridox.__all__)
