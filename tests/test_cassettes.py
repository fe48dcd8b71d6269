"""The recordings of four vendors, replayed through their loaders; and what may stand in any recording at all."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import yaml
from conftest import CASSETTES
from record_cassettes import CASES, record

from docframes import load_record
from docframes.errors import AccessWarning, AuthError, QuotaExhausted, RateLimited
from docframes.settings import Settings
from docframes.transport import redact
from docframes.transport.download import SignedLink
from docframes.vendors import docdigitizer, papershift, validis, veridox

case = pytest.mark.vcr_case
ROOMS = {
    "docdigitizer": (docdigitizer.Client, {"api_key": "6e1f0c52-9a7b-4d3e-8c15-b2d4f6a80931"}),
    "papershift": (papershift.Client, {"email": "someone@example.org", "password": "an-invented-one"}),
    "validis": (validis.Client, {"api_key": "5d1c0e9b7a3f48d2" * 2, "region": "sandbox"}),
    "veridox": (veridox.Client, {"api_key": "vdx_" + "m3" * 20}),
}
PAPERS = [
    "2e1c204b-1e43-4737-9117-dbe4967bbec9",
    "c2a45147-067b-4b6c-a676-ed4f6b6f9d4e",
    "d601760f-c9ec-4b23-a7ab-2440d69649d3",
]
USERS = [
    "c15ef997-d238-4c93-a8d6-80d3f8543d20",
    "ce3ce32c-f538-4ae5-87e4-b4fa7327f322",
    "fd01b9b9-73ee-40cf-9853-3b84f3219af5",
]
FORBIDDEN, HIDDEN = "1df901d9-15b3-4dde-b026-de22a377d665", "95e38c56-5db3-46d1-bb13-50162b05e120"
SURVEY, WAITING, UNKNOWN = (
    "019a92a9-9afc-7eb1-9066-dcac46fd1706",
    "019a92a9-9af7-7141-8136-cc103770f323",
    "019a92a9-0000-7000-8000-000000000000",
)
EVERY = sorted(CASSETTES.rglob("*.yaml"))
#: Their links were invented by the authors of a contract, and are what the case is about.
INVENTED_LINKS = {"validocx/signed_file", "veridox/contract_asset", "veridox/contract_download"}


def name_of(path):
    """Vendor and case, as the README writes them."""
    return path.relative_to(CASSETTES).with_suffix("").as_posix()


every_recording = pytest.mark.parametrize("path", EVERY, ids=name_of)


@pytest.fixture
def client(request, tmp_path):
    """At the address of the vendor whose cassette the test names: one call at a time, from an empty cache."""
    kind, credentials = ROOMS[request.node.get_closest_marker("vcr_case").args[0].partition("/")[0]]
    settings = Settings(cache_dir=tmp_path / "cache", workers=1, tries=1, time_scale=0.0)
    with kind(**credentials, settings=settings) as made:
        yield made


# --- DocDigitizer -------------------------------------------------------------------------------------------------


@case("docdigitizer/first_page.yaml")
def test_docdigitizers_first_page_names_more(client):
    """Two documents, one never reviewed; the limit ends the load although the header says that more are there."""
    frame = docdigitizer.load_documents(client=client, page_size=2, limit=2)

    assert frame["document_id"].tolist() == PAPERS[:2]
    assert frame["document_class"].tolist() == ["contract", "financial-document"]
    assert frame["reviewed"].tolist() == [False, True]
    assert frame["tags"].tolist() == ["[]", '["creditors","2025-10"]']
    assert frame["created"].tolist()[0] == pd.Timestamp("2025-04-04T09:49:19.167Z")


@case("docdigitizer/last_page.yaml")
def test_docdigitizers_last_page_ends_the_walk(client):
    """The cursor is encoded in the URL; the last page has a cursor too, and its header says that no more follow."""
    frame = docdigitizer.load_documents(client=client, page_size=2)

    assert frame["document_id"].tolist() == PAPERS
    assert frame["file_name"].tolist()[2] == "statement-2025-10.pdf"
    assert load_record(frame).calls == 2
    assert "said after the last that it was" in load_record(frame).certificate.reason


@case("docdigitizer/restart.yaml")
def test_docdigitizers_broken_cursor_begins_the_walk_anew(client):
    """The page that came for it is the first again; no document is there twice."""
    frame = docdigitizer.load_documents(client=client, page_size=2)

    assert frame["document_id"].tolist() == PAPERS
    assert "lost the place in the list once" in load_record(frame).certificate.reason


@case("docdigitizer/no_reviews.yaml")
def test_a_document_without_reviews_has_no_row(client):
    """Nor is it an error, or a column short."""
    frame = docdigitizer.load_reviews(PAPERS[:1], client=client)

    assert len(frame) == 0
    assert {"document_id", "review_id", "status", "created", "changes"} <= set(frame.columns)
    assert str(frame["created"].dtype) == "datetime64[us, UTC]"


@case("docdigitizer/revoked_key.yaml")
def test_docdigitizers_revoked_key_is_an_auth_error(client):
    """401, with the vendor's own code."""
    with pytest.raises(AuthError, match="authorization refused") as refused:
        docdigitizer.load_documents(client=client)

    assert (refused.value.status, refused.value.code) == (401, "WRONG_AUTH")


@case("docdigitizer/too_many_calls.yaml")
def test_docdigitizer_takes_so_many_documents_a_minute(client, tmp_path):
    """429 without a word on how long to wait."""
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(b"%PDF-1.4")
    with pytest.raises(RateLimited, match="more than 30 documents") as refused:
        docdigitizer.submit_document(paper, client=client)

    assert refused.value.retry_after is None


# --- Papershift ---------------------------------------------------------------------------------------------------


@case("papershift/first_page.yaml")
def test_papershifts_first_page_declares_the_rest(client):
    """Two of twelve users, after a sign-in; numbers keep their noughts."""
    frame = papershift.load_users(client=client, page_size=2, limit=2)

    assert frame["user_id"].tolist() == USERS[:2]
    assert frame["employee_number"].tolist() == ["00017", "00018"]
    assert load_record(frame).certificate.declared_first == 12


@case("papershift/last_page.yaml")
def test_papershifts_last_page_links_to_no_other(client):
    """Three users in pages of two; the third has neither a mail address nor a number."""
    frame = papershift.load_users(client=client, page_size=2)

    assert frame["user_id"].tolist() == USERS
    assert frame["name"].tolist()[2] == "Zoë Brannock"
    assert frame["email"].isna().tolist() == frame["employee_number"].isna().tolist() == [False, False, True]
    assert str(load_record(frame).certificate) == "PASS: 3 rows, as declared"


@case("papershift/empty.yaml")
def test_papershifts_empty_list_is_an_empty_frame(client):
    """Nobody bears the name that was asked for."""
    frame = papershift.load_users(client=client, filters={"name": ("eq", "Nobody")})

    assert len(frame) == 0
    assert str(frame["discarded_at"].dtype) == "datetime64[us, UTC]"


@case("papershift/sign_in.yaml")
def test_a_token_that_is_over_is_replaced_by_another_sign_in(client):
    """The refused call is made again, once."""
    users = papershift.load_users(client=client, page_size=2, limit=2)
    teams = papershift.load_teams(client=client, page_size=2, limit=2)

    assert users["user_id"].tolist() == USERS[:2]
    assert teams["name"].tolist() == ["Northmoor Retrofit Partnership CIC", "Board"]
    assert teams["parent_team_id"].fillna("").tolist() == ["", teams["team_id"].tolist()[0]]


@case("papershift/no_access.yaml")
def test_documents_that_may_not_be_seen_are_told_and_not_taken_for_none(client):
    """One user may be read, one is refused (403), one is hidden (404)."""
    with pytest.warns(AccessWarning):
        frame = papershift.load_documents([USERS[0], FORBIDDEN, HIDDEN], client=client)

    assert frame["user_id"].tolist() == [USERS[0]] * 2
    assert frame["name"].tolist() == ["Data protection declaration", "Reference letter"]
    assert frame["visible_to_user"].tolist() == [True, False]
    assert set(load_record(frame).refused) == {FORBIDDEN, HIDDEN}
    assert load_record(frame).certificate.verdict == "CANNOT_PROVE"


@case("papershift/revoked_key.yaml")
def test_papershifts_wrong_password_is_an_auth_error(client):
    """The sign-in is refused, and nothing else is asked for."""
    with pytest.raises(AuthError, match="E-mail or password is wrong") as refused:
        papershift.load_users(client=client)

    assert (refused.value.status, refused.value.code) == (401, "invalid_credentials")


@case("papershift/too_many_calls.yaml")
def test_papershifts_spent_minute_says_how_long_to_wait(client):
    """The sign-in was the last of the 300 calls."""
    with pytest.raises(RateLimited) as refused:
        papershift.load_users(client=client)

    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (429, "rate_limited", 60.0)


# --- Validis ------------------------------------------------------------------------------------------------------


@case("validis/first_page.yaml")
def test_validis_first_page_declares_the_rest(client):
    """Two of four engagements, of the client that the token names; one has an upload."""
    frame = validis.load_engagements(client=client, page_size=2, limit=2)

    assert frame["engagement_id"].tolist() == ["4711", "4712"]
    assert frame["company_name"].tolist() == ["Northmoor Retrofit Partnership CIC", "Harrowbeck Van Hire Ltd"]
    assert frame["owner_last_name"].tolist() == ["Łoś", "Łoś"]
    # 1775542364 seconds since 1970
    assert frame["last_upload_at"].tolist()[0] == pd.Timestamp("2026-04-07T06:12:44Z")
    assert frame["last_upload_at"].isna().tolist() == [False, True]
    assert load_record(frame).certificate.declared_first == 4


@case("validis/last_page.yaml")
def test_validis_last_page_ends_the_walk_although_it_is_full(client):
    """Pages are counted from 0; the second says that it is the last."""
    frame = validis.load_engagements(client=client, page_size=2)

    assert frame["engagement_id"].tolist() == ["4711", "4712", "4713", "4714"]
    assert frame["external_engagement_id"].tolist()[2:] == ["AUD-013", "AUD-014"]
    assert str(load_record(frame).certificate) == "PASS: 4 rows, as declared"


@case("validis/empty.yaml")
def test_validis_empty_list_is_an_empty_frame(client):
    """No engagement has that reference."""
    frame = validis.load_engagements(client=client, external_engagement_id="AUD-999")

    assert len(frame) == 0
    assert str(frame["last_upload_at"].dtype) == "datetime64[us, UTC]"


@case("validis/extract.yaml")
def test_an_extract_is_waited_for_and_then_linked(client):
    """A token, 202 although the body says 409, then location and signature apart, which make one link."""
    links = validis.file_links("general-ledger", ["4711"], client=client)
    link = links["4711"]

    assert isinstance(link, SignedLink)
    assert link.name == "general-ledger/4711"
    assert link.url == f"https://storage.example.invalid/validis/sign/extracts/0~all.zip?{redact.MASK}"


@case("validis/revoked_key.yaml")
def test_validis_revoked_key_is_an_auth_error(client):
    """The token call is refused already."""
    with pytest.raises(AuthError, match="invalid subscription key") as refused:
        validis.load_engagements(client=client)

    assert refused.value.status == 401


@case("validis/too_many_calls.yaml")
def test_validis_spent_day_is_read_from_the_text(client):
    """The wait stands in the message, and is too long to sit through."""
    with pytest.raises(QuotaExhausted) as refused:
        validis.load_engagements(client=client)

    assert refused.value.retry_after == pytest.approx(86_401, abs=5)


# --- Veridox ------------------------------------------------------------------------------------------------------


@case("veridox/first_page.yaml")
def test_veridoxs_first_page_declares_the_rest(client):
    """Two of three cases, newest first; an invoice number keeps its nought."""
    frame = veridox.load_cases(client=client, page_size=2, limit=2)

    assert frame["label"].tolist() == ["Job HUG2-0104-ASHP", "Job HUG2-0103-ASHP"]
    assert frame["is_locked"].tolist() == [True, False]
    assert '"invoice":"083113560"' in frame["metadata"].tolist()[0]
    assert load_record(frame).certificate.declared_first == 3


@case("veridox/last_page.yaml")
def test_veridoxs_last_page_ends_the_walk(client):
    """The second page is short, and no third is asked for."""
    frame = veridox.load_cases(client=client, page_size=2)

    assert frame["label"].tolist()[2] == "Job HUG2-0101-IWI"
    assert frame["locked_at"].tolist()[2] == pd.Timestamp("2025-10-27T14:35:00.277Z")
    assert str(load_record(frame).certificate) == "PASS: 3 rows, as declared"


@case("veridox/empty.yaml")
def test_veridoxs_empty_search_is_an_empty_frame(client):
    """No file has such a word."""
    frame = veridox.search_files("nothing", client=client)

    assert len(frame) == 0
    assert str(frame["uploaded_at"].dtype) == "datetime64[us, UTC]"


@case("veridox/partial_download.yaml")
def test_a_file_that_cannot_be_signed_does_not_stop_the_others(client):
    """Asked for in another order than they come in: one link and two reasons, each with its own id."""
    frame = veridox.sign_files([UNKNOWN, SURVEY, WAITING], client=client)

    assert frame["file_id"].tolist() == [UNKNOWN, SURVEY, WAITING]
    assert frame["error"].fillna("").tolist() == ["File not found", "", "File has not been uploaded"]
    assert frame["label"].tolist()[1] == "ashp-survey.pdf"
    assert frame["expires_at"].tolist()[1] == pd.Timestamp("2026-03-05T11:00:00Z")
    assert frame["expires_at"].isna().tolist() == [True, False, True]


@case("veridox/revoked_key.yaml")
def test_veridoxs_revoked_key_is_an_auth_error(client):
    """401, with the vendor's own code."""
    with pytest.raises(AuthError) as refused:
        veridox.load_cases(client=client)

    assert (refused.value.status, refused.value.code) == (401, "request.authentication.api-key.invalid")


@case("veridox/too_many_calls.yaml")
def test_veridoxs_spent_minute_says_how_long_to_wait(client):
    """By its header; the body says what the limit is."""
    with pytest.raises(RateLimited) as refused:
        veridox.load_cases(client=client)

    assert (refused.value.code, refused.value.retry_after) == ("request.rate-limit", 60.0)


# --- every recording ----------------------------------------------------------------------------------------------


@every_recording
def test_no_recording_holds_a_secret_or_a_machine(box, path):
    """No key or token of a sandbox, no address of this machine."""
    text = path.read_text(encoding="utf-8")
    secrets = [*box.canaries, box.state["validis"].give_token(box.key("validis"))["access_token"]]

    assert not [secret for secret in secrets if secret in text]
    assert not re.findall(r"sandboxsig|127\.0\.0\.1|localhost|eyJ\w{8,}|pulse_\w{8,}|vdx_\w{20,}", text)


@every_recording
def test_the_redactor_finds_nothing_left_in_a_recording(path):
    """No signed link, no credential under its name, no header of whoever asked."""
    for interaction in yaml.safe_load(path.read_text(encoding="utf-8"))["interactions"]:
        request, response = interaction["request"], interaction["response"]
        headers = {name.lower(): values for name, values in response["headers"].items()}

        assert set(request["headers"]) == {"Accept"}
        assert headers.pop("authorization", [redact.MASK]) == [redact.MASK]
        assert not redact.SECRET_HEADERS & set(headers)
        assert redact.text(request["uri"]) == request["uri"]
        for body in (request["body"] or "", response["body"]["string"]):
            assert name_of(path) in INVENTED_LINKS or redact.text(body) == body


@every_recording
def test_a_recording_is_small(path):
    """A few rows; one detail of a job, with all that hangs on it, is the largest."""
    assert path.stat().st_size < (25_000 if name_of(path) == "validocx/job_detail" else 10_000)


def test_the_readme_says_of_every_recording_what_it_is():
    """Each has its row, and no row is of one that is gone."""
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|$", (CASSETTES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = {}
    for names, what in rows:
        vendor, _, first = names.replace("`", "").partition("/")
        told |= {f"{vendor}/{name}": what.partition(" ")[0] for name in first.split(", ")}

    assert sorted(told) == [name_of(path) for path in EVERY]
    assert {name for name, what in told.items() if what == "recorded"} == set(CASES)
    assert set(told.values()) == {"recorded", "written"}


@pytest.mark.parametrize(
    "name", ["docdigitizer/restart", "papershift/sign_in", "validis/extract", "validocx/last_page",
             "veridox/partial_download"],
)  # fmt: skip
def test_recording_a_case_again_changes_nothing(tmp_path, name):
    """No port, moment, cursor or token of one run is in it."""
    again = tmp_path / f"{name}.yaml"
    record(CASES[name], again)

    assert again.read_text(encoding="utf-8") == (CASSETTES / f"{name}.yaml").read_text(encoding="utf-8")
