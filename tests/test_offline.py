"""Offline no socket is opened, by whatever a user can call; a miss says what would have been asked."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from widget_files import Vault

import docframes
from docframes import (
    cache,
    capsule,
    docdigitizer,
    explain,
    files,
    load_record,
    papershift,
    sandbox,
    trace,
    validis,
    validocx,
    veridox,
)
from docframes.errors import AccessWarning, DocframesError, OfflineMiss
from docframes.transport import journal
from docframes.transport.answers import Call
from docframes.transport.download import SignedLink
from docframes.transport.upload import PresignedForm
from docframes.widgets.preview import Files
from tests.conftest import Says
from tests.sockets import forbidden
from tests.test_every_loader import LOADS

VERIDOX_ID = "0196a0de-38de-72cd-b4ea-306c30a9145d"

#: Whatever asks a vendor, each with words of the call that a miss has to name.
CALLS = {
    "validocx.load_projects": (lambda: validocx.load_projects(), "GET .*/projects"),
    "validocx.load_jobs": (lambda: validocx.load_jobs(project_id="p-77"), "GET .*/jobs.*project_id=p-77"),
    "validocx.load_jobs last": (lambda: validocx.load_jobs(updated_after="last"), "GET .*/jobs"),
    "validocx.load_job_details": (lambda: validocx.load_job_details(["j-77"]), "GET .*/job-full-detail/j-77"),
    "validocx.load_answers": (lambda: validocx.load_answers(job_id="j-77"), "GET .*j-77"),
    "validocx.load_documents": (lambda: validocx.load_documents(), "GET .*/documents"),
    "validocx.load_images": (lambda: validocx.load_images(), "GET .*/images"),
    "validocx.sign_file": (lambda: validocx.sign_file("images", "i-77"), "signed-files"),
    "docdigitizer.load_documents": (lambda: docdigitizer.load_documents(), "GET .*/documents"),
    "docdigitizer.load_annotation_fields": (lambda: docdigitizer.load_annotation_fields(["d-77"]), "GET .*d-77"),
    "docdigitizer.load_line_items": (lambda: docdigitizer.load_line_items(["d-77"]), "GET .*d-77"),
    "docdigitizer.load_tasks": (lambda: docdigitizer.load_tasks(), "GET .*/tasks"),
    "docdigitizer.load_reviews": (lambda: docdigitizer.load_reviews(["d-77"]), "GET .*d-77"),
    "docdigitizer.load_assets": (lambda: docdigitizer.load_assets(["d-77"]), "GET .*d-77"),
    "docdigitizer.submit_document": (lambda: docdigitizer.submit_document(_paper()), "POST "),
    "veridox.load_cases": (lambda: veridox.load_cases(), "GET .*/cases"),
    "veridox.load_case_details": (lambda: veridox.load_case_details(["c-77"]), "GET .*c-77"),
    "veridox.load_files": (lambda: veridox.load_files(), "GET .*/files"),
    "veridox.load_analyses": (lambda: veridox.load_analyses([VERIDOX_ID]), f"GET .*{VERIDOX_ID}"),
    "veridox.search_files": (lambda: veridox.search_files("bill"), "GET .*/search.*query=bill"),
    "veridox.sign_files": (lambda: veridox.sign_files([VERIDOX_ID]), "POST .*/files/download"),
    "veridox.file_links": (lambda: veridox.file_links("thumbnail", [VERIDOX_ID]), "GET .*/files/asset-url"),
    "veridox.asset": (lambda: veridox.asset(VERIDOX_ID), "GET .*/files/asset-url"),
    "validis.load_engagements": (lambda: validis.load_engagements(), "organisation's id is not in the cache"),
    "validis.load_engagements of": (lambda: validis.load_engagements(client_id="c-77"), "GET .*c-77"),
    "validis.load_accounts": (lambda: validis.load_accounts(4711), "GET .*4711"),
    "validis.load_periods": (lambda: validis.load_periods(4711), "GET .*4711"),
    "validis.load_journals": (lambda: validis.load_journals(4711), "GET .*4711"),
    "validis.load_receivable_items": (lambda: validis.load_receivable_items(4711), "GET .*4711"),
    "validis.load_payable_items": (lambda: validis.load_payable_items(4711), "GET .*4711"),
    "validis.load_report": (lambda: validis.load_report("income-statement-standard", 4711), "GET .*4711"),
    "validis.load_gl_extract": (lambda: validis.load_gl_extract(4711), "general ledger of engagement 4711"),
    "validis.load_gl_extract of two": (lambda: validis.load_gl_extract([4711, 4712]), "general ledger of engagement"),
    "validis.load_ar_extract": (lambda: validis.load_ar_extract(4711), "receivables extract of engagement 4711"),
    "validis.load_ap_extract": (lambda: validis.load_ap_extract(4711), "payables extract of engagement 4711"),
    "validis.file_links": (lambda: _raised(validis.file_links("general-ledger", [4711])), "GET .*4711"),
    "papershift.load_users": (lambda: papershift.load_users(), "GET .*/users"),
    "papershift.load_teams": (lambda: papershift.load_teams(), "GET .*/teams"),
    "papershift.load_documents": (lambda: papershift.load_documents(["u-77"]), "GET .*u-77"),
    "papershift.load_account_documents": (lambda: papershift.load_account_documents(), "GET .*documents"),
    "papershift.sign_file": (lambda: papershift.sign_file("documents", "u-77/d-77"), "GET .*u-77.*d-77"),
    "papershift.upload_document": (lambda: papershift.upload_document("u-77", _paper()), "POST .*u-77"),
    "papershift.update_document": (lambda: papershift.update_document("u-77", "d-77", name="x"), "PUT .*d-77"),
    "papershift.delete_document": (lambda: papershift.delete_document("u-77", "d-77", confirm=True), "DELETE .*d-77"),
    "validis.client_ids": (lambda: validis.Client().client_ids(), "organisation's id is not in the cache"),
}
#: A file of each room that nobody has opened.
FILES = [
    files.FileRef("validocx", "images", "i-77"),
    files.FileRef("docdigitizer", "assets", "d-77/1"),
    files.FileRef("veridox", "file_download", VERIDOX_ID),
    files.FileRef("veridox", "pdf_report", VERIDOX_ID),
    files.FileRef("validis", "general-ledger", "4711"),
    files.FileRef("papershift", "documents", "u-77/d-77"),
]
IDS = [f"{ref.vendor}.{ref.kind}" for ref in FILES]


def _paper() -> str:
    return __file__.removesuffix(".py") + ".pdf"


def _raised(links: dict[str, Any]) -> None:
    """Raise what stands in place of the first link."""
    raise next(iter(links.values()))


@pytest.fixture(scope="module")
def company():
    with sandbox.running(jobs=6, time_scale=0.01, environment=False) as running:
        yield running


@pytest.fixture(autouse=True)
def _account(company, monkeypatch, tmp_path):
    """The sandbox is the environment's, and nothing has been used."""
    for name, value in company.environment().items():
        if name != "DOCFRAMES_CACHE_DIR":
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(journal, "JOURNAL", journal.Journal())
    path = tmp_path / "paper.pdf"
    path.write_bytes(b"%PDF-1.4 a bill")
    monkeypatch.setitem(globals(), "_paper", lambda: str(path))


@pytest.fixture(params=["a block", "the variable"])
def offline(request, monkeypatch):
    """Both ways of saying it."""
    with forbidden():
        if request.param == "the variable":
            monkeypatch.setenv("DOCFRAMES_OFFLINE", "1")
            yield
            return
        with docframes.offline():
            yield


@pytest.mark.parametrize("call", CALLS)
def test_nothing_is_asked_offline(offline, call):
    """Loaders, links, what is sent and what signs in: each is a miss that names the call."""
    use, words = CALLS[call]

    with pytest.raises(OfflineMiss, match=words):
        use()


def test_every_public_function_is_among_these():
    """Whatever a room can be asked for; what is missing here reads files, or what was loaded."""
    rooms = {"validocx": validocx, "docdigitizer": docdigitizer, "veridox": veridox, "validis": validis}
    asked = {call.partition(" ")[0] for call in CALLS}
    local = {"answers_wide", "parse_webhook", "read_extractions", "annotations_wide"}
    for vendor, room in (rooms | {"papershift": papershift}).items():
        public = {name for name in room.__all__ if name[0].islower()} - local

        assert {f"{vendor}.{name}" for name in public if callable(getattr(room, name))} - asked == set()


@pytest.mark.parametrize("call", [call for call in CALLS if "load_" in call and "last" not in call])
def test_explaining_asks_nothing_offline(offline, call, monkeypatch):
    """What a load would cost is told, or that it cannot be made; nothing is sent for it."""
    vendor, _, rest = call.partition(".")
    name = rest.partition(" ")[0]
    room: Any = {"validocx": validocx, "docdigitizer": docdigitizer, "veridox": veridox, "validis": validis}.get(
        vendor, papershift
    )
    loader, said = getattr(room, name), []
    monkeypatch.setattr(room, name, lambda *args, **kwargs: said.append(explain(loader, *args, **kwargs)))
    CALLS[call][0]()

    assert [one.calls for one in said] == [0]


# --- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", FILES, ids=IDS)
def test_no_file_is_fetched_offline(offline, ref, tmp_path):
    """Neither its bytes nor a link to it; nothing is written."""
    for use in (ref.bytes, ref.url, lambda: ref.save(tmp_path / "file"), lambda: ref.bytes_up_to(10)):
        with pytest.raises(OfflineMiss):
            use()
    assert not (tmp_path / "file").exists()


def test_files_of_a_folder_are_not_fetched_offline(offline, tmp_path):
    """The threads that fetch them know it too; each file has its reason in the manifest."""
    for ref in FILES:
        frame = pd.DataFrame([{"vendor": ref.vendor, "kind": ref.kind, "file_id": ref.file_id}])

        assert _misses(frame, tmp_path / "folder") == 1


def _misses(frame: pd.DataFrame, folder: Path) -> int:
    """How many files say that they were not fetched; Veridox signs many in one call, which fails as a whole."""
    try:
        manifest = files.save_all(frame, folder)
    except OfflineMiss:
        return len(frame)
    return int(manifest["error"].str.contains("ffline").sum())


def test_the_threads_of_a_folder_know_that_they_are_offline(scripted, monkeypatch, tmp_path):
    """Also where a room makes its links without a call, so that only the threads would open a socket."""
    frame = Vault(scripted, monkeypatch).hold({"a.pdf": b"%PDF-1.4 a", "b.pdf": b"%PDF-1.4 b"})
    with docframes.offline(), forbidden():
        assert _misses(frame, tmp_path / "folder") == 2

    assert files.save_all(frame, tmp_path / "folder")["error"].isna().all()


@pytest.fixture
def held():
    """What a session holds from before: frames with files, links that live, and the ways to bytes of each room."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccessWarning)
        frames = [
            validocx.load_images(limit=2),
            docdigitizer.load_assets(docdigitizer.load_documents(limit=3)),
            veridox.load_files(limit=2),
            papershift.load_documents().head(2),
        ]
    refs = [ref for frame in frames for ref in files.refs(frame)]
    links = [link for ref in refs for link in files.fetch_links(ref.vendor, ref.kind, [ref.file_id]).values()]
    return frames, refs, links


def test_links_of_before_open_nothing_offline(held, tmp_path):
    """Those that files remembers, those that somebody holds, and those that the API serves itself."""
    frames, refs, links = held
    assert len(links) == len(refs) >= 6
    assert any(isinstance(link, SignedLink) for link in links)
    with docframes.offline(), forbidden():
        for use in [*(link.bytes for link in links), *(ref.bytes for ref in refs)]:
            with pytest.raises(OfflineMiss):
                use()
        for link in links:
            with pytest.raises(OfflineMiss):
                link.save(tmp_path / "file")
        for frame in frames:
            assert _misses(frame, tmp_path / "folder") == len(frame)
            with pytest.raises(DocframesError, match="docframes is offline"):
                Files.of(frame).content(0)
            with pytest.raises(DocframesError, match="docframes is offline"):
                Files.of(frame).link(0)


def test_they_work_again_afterwards(held):
    """Nothing was forgotten meanwhile."""
    _, refs, _ = held
    with docframes.offline(), pytest.raises(OfflineMiss):
        refs[0].bytes()

    assert all(len(ref.bytes()) > 0 for ref in refs)


def test_nothing_is_sent_by_a_form_of_before_offline(scripted, settings, tmp_path):
    """A presigned form takes its file while online only."""
    server = scripted(lambda asked: Says(status=204))
    form = PresignedForm("paper.pdf", server.url, {"key": "k"}, settings)
    with docframes.offline(), forbidden(), pytest.raises(OfflineMiss, match=r"paper\.pdf would have to be sent"):
        form.post(_paper())
    form.post(_paper())

    assert len(server.asked) == 1


# --- what is at hand ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        (vendor, name)
        for vendor, loads in LOADS.items()
        for name in loads
        if (vendor, name) != ("docdigitizer", "load_assets")
    ],
    ids=".".join,
)
def test_what_was_loaded_is_loaded_again_offline(place, monkeypatch):
    """Cell by cell, however it is kept; with refresh=True too, since nothing newer can be had."""
    vendor, name = place
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccessWarning)
        online = LOADS[vendor][name]()
        with docframes.offline(), forbidden():
            again = LOADS[vendor][name]()
    frames = [online, again] if isinstance(online, pd.DataFrame) else []
    pairs = [frames] if frames else [(getattr(online, key), getattr(again, key)) for key in vars(online)]
    for one, other in pairs:
        if isinstance(one, pd.DataFrame):
            assert_frame_equal(one, other)


def test_looking_at_what_was_loaded_asks_nothing(tmp_path):
    """Records, traces, the cache's own figures, and a capsule of it all."""
    jobs = validocx.load_jobs(trace=True)
    with docframes.offline(), forbidden():
        assert load_record(jobs).rows == len(jobs)
        assert trace(jobs, 0).record is not None
        assert len(cache.info()) >= 1
        assert explain(validocx.load_jobs).calls in (0, 1)
        assert capsule.save(tmp_path / "used.dfz").manifest.entries
        assert len(cache.clear(dry_run=True)) >= 1


def test_workers_know_that_they_are_offline():
    """What runs side by side runs in threads of its own, each with the block's word."""
    client = validocx.Client()
    endpoint = client.api.endpoint("job_detail_now")
    calls = [Call(endpoint, {"job_id": f"j-{number}"}) for number in range(20)]
    with docframes.offline(), forbidden():
        outcomes = list(client.outcomes(calls))

    assert len(outcomes) == 20
    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, OfflineMiss)
        assert re.search(f"GET .*/j-{number}[^0-9]", str(outcome))


def test_a_stream_of_bytes_is_a_miss_offline():
    """It passes the cache by, and so is never in it."""
    client = docdigitizer.Client()
    call = Call(client.api.endpoint("assets"), {"document_id": "d-77"})
    with docframes.offline(), forbidden(), pytest.raises(OfflineMiss, match="never kept"), client.stream(call):
        pass
