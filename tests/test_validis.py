"""The Validis room: tokens and keys, the count of calls, engagements, lists, reports and webhooks."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading

import pandas as pd
import pytest
from conftest import Says

import docframes.sandbox as sandbox
from docframes import describe, load_record, offline
from docframes.errors import (
    AuthError,
    BadRequest,
    CacheWarning,
    ConfigError,
    IncompleteLoad,
    MissingKey,
    NoAnswer,
    NotFound,
    OfflineMiss,
    QuotaExhausted,
    SchemaDriftWarning,
    ServerError,
    ShapeError,
)
from docframes.settings import Settings
from docframes.transport.limits import Quota, QuotaLimit
from docframes.transport.paging import Page
from docframes.vendors import validis
from docframes.vendors.validis.api import API, PAGES, UNPAGED
from docframes.vendors.validis.assumptions import ASSUMPTIONS
from docframes.vendors.validis.auth import wait_in
from docframes.vendors.validis.reports import Words, rows_of

KEY = "5d1c0e9b7a3f48d2" * 2
IDS = {"clientId": "0b1f7c52-9b0e-4c56-8d3a-2f4f1f8f7a10", "vconnectClientId": "9a0f3d5e-2f0c-4f0b-a0de-6f4f26a1c6a2"}
TOKEN = {"access_token": "eyJh.eyJz.c2ln", "token_type": "JWT", "expires_in": 1800, **IDS}
DAY = 86_400


@pytest.fixture(scope="module")
def office():
    """A sandbox for the tests that only read."""
    with sandbox.running(jobs=5, environment=False) as box:
        yield box


@pytest.fixture
def connect(settings):
    """A client of a sandbox with both keys: ``connect(box)``; clients share the test's cache folder."""
    with contextlib.ExitStack() as stack:

        def make(box, **options):
            keys = {"api_key": box.key("validis"), "secondary_api_key": box.state["validis"].secondary}
            given = {**keys, "base_url": box.url("validis"), "settings": settings, **options}
            return stack.enter_context(validis.Client(**given))

        yield make


@pytest.fixture
def told(scripted, settings):
    """A client of a server that gives a token, and else says what a function tells it: ``told(answer).server``."""
    with contextlib.ExitStack() as stack:

        def make(answer, **options):
            server = scripted(lambda asked: Says(TOKEN) if asked.path == "/v1/oauth/token" else answer(asked))
            made = validis.Client(**{"api_key": KEY, "base_url": server.url, "settings": settings, **options})
            made.server = server
            return stack.enter_context(made)

        yield make


def tokens(box):
    return box.count("validis", "/v1/oauth/token")


def lists(server):
    return [asked for asked in server.asked if asked.path != "/v1/oauth/token"]


# --- regions and keys -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["sandbox", "uk", "us", "ca", "au"])
def test_a_region_is_an_address(region, settings):
    """https, the region's name, below validis.com."""
    client = validis.Client(api_key=KEY, region=region, settings=settings)

    assert client.base_url == f"https://api.{region}.validis.com"


def test_a_region_is_needed_and_known(monkeypatch, settings):
    """Nobody guesses where a key belongs; an unknown name is told with those there are."""
    with pytest.raises(ConfigError, match="DOCFRAMES_VALIDIS_REGION"):
        validis.Client(api_key=KEY, settings=settings)
    with pytest.raises(ConfigError, match="au, ca, sandbox, uk, us"):
        validis.Client(api_key=KEY, region="eu", settings=settings)

    monkeypatch.setenv("DOCFRAMES_VALIDIS_REGION", "CA")
    assert validis.Client(api_key=KEY, settings=settings).base_url == "https://api.ca.validis.com"


def test_an_argument_goes_before_the_environment(monkeypatch, settings):
    """A region that is given is not overruled by an address that is set; an address goes before both."""
    monkeypatch.setenv("DOCFRAMES_VALIDIS_BASE_URL", "http://127.0.0.1:9/x")

    assert validis.Client(api_key=KEY, settings=settings).base_url == "http://127.0.0.1:9/x"
    assert validis.Client(api_key=KEY, region="uk", settings=settings).base_url == "https://api.uk.validis.com"
    given = validis.Client(api_key=KEY, region="uk", base_url="https://example.org/", settings=settings)
    assert given.base_url == "https://example.org"


def test_a_missing_key_says_where_it_is_made(settings):
    """The variable, the argument, and the vendor's own page."""
    with pytest.raises(MissingKey, match=r"DOCFRAMES_VALIDIS_API_KEY.*DataShare Admin"):
        validis.Client(region="uk", settings=settings)


def test_loaders_take_the_account_of_the_environment(monkeypatch, office):
    """Key, second key and address of the variables, without any argument."""
    for name, value in office.environment().items():
        if name != "DOCFRAMES_CACHE_DIR":
            monkeypatch.setenv(name, value)

    assert validis.load_engagements()["engagement_id"].tolist() == ["4711", "4712", "4713", "4714"]


def test_nothing_of_a_key_or_token_is_seen(start, connect, settings, caplog):
    """Not in a repr, a log line, the cache folder or an error."""
    box = start(jobs=2)
    client = connect(box)
    with caplog.at_level("DEBUG"):
        frame = validis.load_engagements(client=client)
        validis.load_gl_extract(4711, client=client)
        box.state["validis"].limit = 0
        with pytest.raises(QuotaExhausted) as caught:
            validis.load_periods(4711, client=client)

    seen = [repr(client), repr(client.auth), str(frame.attrs), caplog.text, repr(caught.value), str(caught.value)]
    files = [path.read_bytes() for path in settings.cache_dir.rglob("*") if path.is_file()]
    assert len(box.canaries) > 4
    for canary in box.canaries:
        assert not any(canary in text for text in seen)
        assert not any(canary.encode() in content for content in files)


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "calls"), [(1739, 1), (1741, 2)])
@pytest.mark.parametrize("told_how_long", [True, False])
def test_a_token_is_renewed_a_minute_before_its_end(start, connect, later, calls, told_how_long):
    """Of 1800 seconds, said or assumed, the last 60 are not used."""
    box = start(jobs=2)
    box.state["validis"].expires_in = told_how_long
    now = [1000.0]
    client = connect(box, clock=lambda: now[0])
    validis.load_periods(4711, client=client)
    now[0] += later
    validis.load_accounts(4711, client=client)

    assert tokens(box) == calls


def test_a_token_that_is_refused_is_renewed_once(start, connect):
    """It was over at the vendor's, for whatever reason; the call is made again with a new one."""
    box = start(jobs=2)
    client = connect(box)
    validis.load_periods(4711, client=client)
    box.advance(1801)

    assert len(validis.load_accounts(4711, client=client)) == 26
    assert tokens(box) == 2


def test_a_key_that_stays_refused_is_an_error_after_one_repetition(told):
    """401 twice is AuthError; nobody asks a third time."""
    client = told(lambda asked: Says({"statusCode": 401, "message": "Access denied"}, 401))
    with pytest.raises(AuthError, match="Access denied") as caught:
        validis.load_periods(1, client=client)

    assert caught.value.status == 401
    assert len(lists(client.server)) == 2


def test_a_wrong_key_is_told_by_the_token_call(office, connect):
    """The gateway's message, and no part of the key."""
    with pytest.raises(AuthError, match="invalid subscription key") as caught:
        validis.load_periods(4711, client=connect(office, api_key=KEY, secondary_api_key=None))

    assert KEY not in str(caught.value)


def test_a_token_refusal_is_told_in_the_words_of_oauth(office, connect):
    """error_description is the text; here of a body that the assumption A02 turned into multipart."""
    with pytest.raises(BadRequest, match="x-www-form-urlencoded"):
        validis.load_periods(4711, client=connect(office, assumptions={"A02": "multipart"}))


def test_a_failing_token_call_is_tried_again(start, connect):
    """500 twice, then a token; the same for the call itself."""
    box = start("500_burst", jobs=2)

    assert len(validis.load_periods(4711, client=connect(box))) == 12


def test_a_token_answer_without_a_token_is_a_shape_error(scripted, settings):
    """A sign-in page in place of JSON says what came."""
    server = scripted(lambda asked: Says(b"<html>Sign in</html>"))
    with pytest.raises(ShapeError, match="access_token"):
        validis.load_periods(1, client=validis.Client(api_key=KEY, base_url=server.url, settings=settings))


def test_the_headers_are_those_of_the_contract(told):
    """Key, bearer token and Accept with each call."""
    client = told(lambda asked: Says([]))
    validis.load_periods(1, client=client)

    token, call = client.server.asked
    assert (token.method, token.headers["ocp-apim-subscription-key"]) == ("POST", KEY)
    assert "authorization" not in token.headers
    assert call.headers["authorization"] == "Bearer eyJh.eyJz.c2ln"
    assert (call.headers["ocp-apim-subscription-key"], call.headers["accept"]) == (KEY, "application/json")


def test_the_scheme_word_is_an_assumption(told):
    """A server that insists on lower case is met with one argument."""
    client = told(lambda asked: Says([]), assumptions={"A05": {"scheme": "bearer"}})
    validis.load_periods(1, client=client)

    assert client.server.asked[1].headers["authorization"].startswith("bearer ")


# --- the quota --------------------------------------------------------------------------------------------------------


def test_the_second_key_takes_over_with_a_token_of_its_own(start, connect):
    """After a 429 on the quota the walk goes on, and no call carries one key's token with the other key."""
    box = start(jobs=2)
    state = box.state["validis"]
    state.limit = 3
    client = connect(box)
    frame = validis.load_payable_items(4711, page_size=2000, client=client)
    more = validis.load_periods(4711, client=client)
    items = validis.load_accounts(4711, client=client)

    assert (len(more), len(items)) == (12, 26)
    assert load_record(frame).certificate.verdict == "PASS"
    assert tokens(box) == 2
    assert 401 not in [call.status for call in box.calls]
    # The refused call was counted here; the vendor did not count what it refused.
    assert client.quota_used()["primary"] == state.used(box.key("validis")) + 1
    assert client.quota_used()["secondary"] == state.used(state.secondary)


def test_the_own_count_turns_to_the_second_key_before_the_vendor_refuses(start, connect):
    """Where every call is counted here, no call is wasted on a refusal."""
    box = start(jobs=2)
    state = box.state["validis"]
    state.limit = 3
    client = connect(box, api=dataclasses.replace(API, quota=QuotaLimit(3, DAY)))
    for load in (validis.load_periods, validis.load_accounts, validis.load_payable_items):
        load(4711, client=client)

    assert 429 not in [call.status for call in box.calls]
    assert client.quota_used() == {"primary": 3, "secondary": 2}
    assert [state.used(box.key("validis")), state.used(state.secondary)] == [3, 2]


def test_both_keys_spent_is_an_error_with_the_wait(start, connect):
    """Nothing is sent, nobody waits for hours, and what is in the cache is still there."""
    box = start(jobs=2)
    client = connect(box, api=dataclasses.replace(API, quota=QuotaLimit(2, DAY)))
    validis.load_periods(4711, client=client)
    validis.load_accounts(4711, client=client)
    box.clear_calls()
    with pytest.raises(QuotaExhausted) as caught:
        validis.load_payable_items(4711, client=client)

    assert box.calls == []
    assert DAY - 60 < caught.value.retry_after <= DAY
    assert len(validis.load_periods(4711, client=client)) == 12


@pytest.mark.parametrize(("status", "form"), [(429, "{} seconds"), (429, "{}"), (403, "{} seconds")])
def test_the_vendor_says_for_how_long_a_key_is_spent(start, connect, status, form):
    """One key only: seconds in words, hh:mm:ss, and a 403 that speaks of a quota; raised after one call."""
    box = start(jobs=2)
    state = box.state["validis"]
    client = connect(box, secondary_api_key=None)
    validis.load_periods(4711, client=client)
    state.limit, state.quota_status, state.wait_form = 1, status, form
    box.clear_calls()
    with pytest.raises(QuotaExhausted, match="SECONDARY_API_KEY") as caught:
        validis.load_accounts(4711, client=client)

    assert [call.status for call in box.calls] == [status]
    assert DAY - 60 < caught.value.retry_after <= DAY
    assert caught.value.status == status


def test_what_the_vendor_says_holds_for_other_processes_too(start, connect, settings):
    """A key that is spent for hours is not tried again meanwhile, whatever was counted here."""
    box = start(jobs=2)
    box.state["validis"].limit = 0
    patient = dataclasses.replace(settings, time_scale=1.0)
    options = {"secondary_api_key": None, "settings": patient}
    with pytest.raises(QuotaExhausted):
        validis.load_periods(4711, client=connect(box, **options))
    box.clear_calls()
    with pytest.raises(QuotaExhausted):
        validis.load_periods(4711, client=connect(box, **options))

    assert box.calls == []


def test_a_short_wait_is_sat_through(told):
    """Five seconds in the message's words are waited as a Retry-After is."""
    waits = []
    refusals = [Says({"statusCode": 429, "message": "Rate limit is exceeded. Try again in 5 seconds."}, 429)]
    client = told(
        lambda asked: refusals.pop() if refusals else Says([]),
        sleep=waits.append,
        settings=Settings(time_scale=1.0),
    )
    validis.load_periods(1, client=client)

    assert waits == [5.0]


def test_a_token_call_without_a_call_left_turns_to_the_second_key(start, connect):
    """The first key was spent elsewhere before its first token."""
    box = start(jobs=2)
    state = box.state["validis"]
    client = connect(box)
    others = connect(box, secondary_api_key=None, cached=False)
    validis.load_periods(4711, client=others)
    state.limit = 2

    assert len(validis.load_accounts(4711, client=client)) == 26
    assert state.used(state.secondary) == 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Rate limit is exceeded. Try again in 5 seconds.", 5),
        ("Rate limit is exceeded. Try again in 42.", 42),
        ("Try again in 3 minutes.", 180),
        ("Try again in 2 hours 5 minutes", 7500),
        ("Try again in 1 hour", 3600),
        ("Try again in 01:02:03.", 3723),
        ("Quota will be replenished in 23:59:59.", 86_399),
        ("Please come back later", None),
        ("", None),
    ],
)
def test_the_wait_in_a_message_is_read(text, seconds):
    """A bare number, units, hours:minutes:seconds; anything else is no guess."""
    assert wait_in(text, ASSUMPTIONS["A08"].value) == seconds


def test_the_window_rolls(tmp_path):
    """A call is free again when its window is over, not at midnight."""
    now = [0.0]
    quota = Quota(tmp_path / "q", QuotaLimit(2, 100.0), clock=lambda: now[0])
    assert quota.take("a") is None
    now[0] = 40.0
    assert quota.take("a") is None
    now[0] = 60.0
    assert quota.take("a") == 40.0
    assert quota.take("b") is None
    now[0] = 101.0

    assert quota.used("a") == 1
    assert quota.take("a") is None
    assert quota.take("a") == 39.0


def test_a_block_counts_no_calls_and_ends(tmp_path):
    """What the vendor says keeps calls back for that long, and leaves the count as it is."""
    now = [0.0]
    quota = Quota(tmp_path / "q", QuotaLimit(5, 100.0), clock=lambda: now[0])
    quota.take("a")
    quota.block("a", 30.0)

    assert quota.take("a") == 30.0
    assert quota.take("b") is None
    assert quota.used("a") == 1
    now[0] = 30.0
    assert quota.take("a") is None


def test_many_takers_never_take_more_than_there_is(tmp_path):
    """Eight threads with a counter each, as processes have: exactly as many permits as calls."""
    permits = []

    def take():
        quota = Quota(tmp_path / "q", QuotaLimit(30, 1000.0))
        permits.extend(quota.take("a") is None for _ in range(8))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert permits.count(True) == 30
    assert Quota(tmp_path / "q", QuotaLimit(30, 1000.0)).used("a") == 30


def test_a_count_that_cannot_be_kept_costs_no_data(start, connect, settings):
    """A broken file is told in a warning; the calls are made all the same."""
    box = start(jobs=2)
    settings.cache_dir.mkdir(parents=True)
    (settings.cache_dir / "validis.quota").write_bytes(b"no database at all, but long enough to be looked at" * 4)
    with pytest.warns(CacheWarning, match="cannot be counted"):
        frame = validis.load_periods(4711, client=connect(box))

    assert len(frame) == 12


# --- killed and started again -----------------------------------------------------------------------------------------

LOAD = "from docframes.vendors import validis; print(len(validis.load_journals(4711, page_size=100, progress=False)))"


def kill_at(box, number, environment):
    """Start a load in a process of its own and kill it while its *number*-th page of journals is under way."""
    reached, answered = threading.Event(), threading.Event()
    pages = []

    def before(path):
        if path.endswith("/journals"):
            pages.append(path)
            if len(pages) == number:
                reached.set()
                answered.wait(30)

    box.state["validis"].before = before
    process = subprocess.Popen([sys.executable, "-c", LOAD], env=environment, stdout=subprocess.PIPE)
    assert reached.wait(60)
    finished = [call for call in box.calls if call.path.endswith("/journals")]
    process.kill()
    process.communicate()
    answered.set()
    box.state["validis"].before = None
    return finished


@pytest.mark.parametrize("workers", ["1", "8"])
def test_a_killed_load_goes_on_without_repeating_a_finished_call(start, tmp_path, workers, connect):
    """kill -9 while a page is under way: started again, pages that had come are not asked for; the count is right."""
    box = start(jobs=2)
    state = box.state["validis"]
    if workers == "1":
        state.envelope = "bare"
    environment = {**os.environ, **box.environment(), "DOCFRAMES_WORKERS": workers}
    environment["DOCFRAMES_CACHE_DIR"] = str(tmp_path / "kept")
    finished = kill_at(box, 12, environment)
    done = subprocess.run([sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "5000"
    asked = [call.query["page"] for call in box.calls if call.path.endswith("/journals")]
    answers = [call.query["page"] for call in finished]
    # The page whose answer was on its way when the process died may have to be asked for again.
    kept = answers if workers == "1" else answers[:-8]
    assert len(answers) >= (11 if workers == "1" else 3)
    assert all(asked.count(page) == 1 for page in kept)
    settings = Settings(cache_dir=tmp_path / "kept", time_scale=0.0)
    counted = connect(box, settings=settings).quota_used()["primary"]
    if workers == "1":
        assert counted == state.used(box.key("validis")) == box.count("validis")
    else:
        assert state.used(box.key("validis")) <= counted <= state.used(box.key("validis")) + 8


# --- engagements ------------------------------------------------------------------------------------------------------


def test_engagements_are_flat_rows(office, connect):
    """Nested owner and company beside the own fields, ids as text, seconds since 1970 as a moment."""
    frame = validis.load_engagements(client=connect(office))
    row = frame.iloc[0]

    assert row["company_name"] == "Northmoor Retrofit Partnership CIC"
    assert row["owner_email"].endswith("@northmoor.example.org")
    assert row["last_upload_at"] == pd.Timestamp("2026-04-07T06:12:44Z")
    assert frame["last_upload_at"].isna().tolist() == [False, True, True, True]
    assert str(frame["last_upload_at"].dtype) == "datetime64[us, UTC]"
    assert load_record(frame).certificate.verdict == "PASS"


def test_engagements_are_found_by_the_own_reference_and_sorted(office, connect):
    """Lists go into one parameter, with commas between."""
    client = connect(office)
    found = validis.load_engagements(
        external_engagement_id=["AUD-012", "AUD-014"], order_by=["-externalEngagementId"], client=client
    )

    assert found["external_engagement_id"].tolist() == ["AUD-014", "AUD-012"]


@pytest.mark.parametrize("field", ["clientId", "vconnectClientId"])
def test_either_reading_of_the_client_id_is_found_and_remembered(start, connect, field):
    """The pages disagree on which id stands in the path; the one that works is asked first the next time."""
    box = start(jobs=2)
    box.state["validis"].path_id = field
    assert len(validis.load_engagements(client=connect(box))) == 4
    refused = [call.status for call in box.calls].count(403)
    box.clear_calls()
    validis.load_engagements(client=connect(box), refresh=True)

    assert refused == (field == "vconnectClientId")
    assert [call.status for call in box.calls].count(403) == 0


def test_another_client_id_can_be_given(office, connect):
    """An explicit one is taken as it is, and no other is tried."""
    office.clear_calls()
    with pytest.raises(AuthError) as caught:
        validis.load_engagements(client_id="another", client=connect(office))

    assert [call.path for call in office.calls if "clients" in call.path] == ["/v1/clients/another/engagements"]
    assert "load_engagements(client_id=...)" in " ".join(caught.value.__notes__)


def test_both_readings_refused_says_so(told):
    """The first refusal stands, with a word on the other reading."""
    client = told(lambda asked: Says({"message": "No right"}, 403))
    with pytest.raises(AuthError, match="No right") as caught:
        validis.load_engagements(client=client)

    assert [asked.path.split("/")[3] for asked in lists(client.server)] == list(IDS.values())
    assert "A17" in " ".join(caught.value.__notes__)


def test_a_system_id_that_is_no_uuid_is_not_tried(scripted, settings):
    """Only what looks like an id of that kind goes into the path."""
    facts = {**TOKEN, "vconnectClientId": "system-7"}
    server = scripted(lambda asked: Says(facts) if "oauth" in asked.path else Says({"message": "Gone"}, 404))
    with pytest.raises(NotFound):
        validis.load_engagements(client=validis.Client(api_key=KEY, base_url=server.url, settings=settings))

    assert len(lists(server)) == 1


def test_a_404_is_not_told_as_proof(told):
    """Validis may hide a 401 or 403 behind it."""
    client = told(lambda asked: Says({"message": "Not found"}, 404))
    with pytest.raises(NotFound, match="does not prove"):
        validis.load_periods(9, client=client)


def test_offline_engagements_need_no_token(start, connect, no_sockets_after):
    """The organisation's id is kept beside the answers, for it is no secret."""
    box = start(jobs=2)
    loaded = validis.load_engagements(client=connect(box))
    no_sockets_after()
    with offline():
        again = validis.load_engagements(client=connect(box))
        with pytest.raises(OfflineMiss):
            validis.load_gl_extract(4711, client=connect(box))

    pd.testing.assert_frame_equal(loaded, again)


@pytest.fixture
def no_sockets_after(monkeypatch):
    """Call it, and opening a connection fails the test from then on."""
    import socket

    def refuse(*_):
        raise AssertionError("a socket was opened")

    return lambda: monkeypatch.setattr(socket.socket, "connect", refuse)


def test_offline_without_anything_kept_names_what_is_missing(settings):
    """Not a token call, but an OfflineMiss that says how to go on."""
    client = validis.Client(api_key=KEY, region="uk", settings=settings)
    with offline(), pytest.raises(OfflineMiss, match="client_id="):
        validis.load_engagements(client=client)


# --- lists below an engagement ----------------------------------------------------------------------------------------


def test_accounts_and_periods_come_at_once(office, connect):
    """Codes keep their zeros; filters are lists; periods have integer ids as text and days as days."""
    client = connect(office)
    accounts = validis.load_accounts(4711, tags=["Cash", "Trade debtors"], client=client)
    periods = validis.load_periods(4711, client=client)

    assert accounts["code"].tolist() == ["1100", "1200"]
    assert validis.load_accounts(4711, client=client)["code"].iloc[0] == "0030"
    assert (periods["period_id"].tolist()[:2], len(periods)) == (["1", "2"], 12)
    assert periods["start_date"].iloc[0] == pd.Timestamp("2025-04-01")
    assert str(periods["start_date"].dtype) == "datetime64[us]"


def test_journals_are_lines_with_their_journal(office, connect):
    """They are the lines of the ledger's extract: same journals, same amounts, account by account."""
    client = connect(office)
    lines = validis.load_journals(4711, client=client)
    accounts = validis.load_accounts(4711, client=client).set_index("account_id")["code"]
    ledger = validis.load_gl_extract(4711, client=client).transactions

    by_account = lines.groupby(lines["account_id"].map(accounts))["value"].sum().round(2)
    expected = ledger.groupby("account")["amount"].sum().round(2)
    assert by_account.to_dict() == expected.to_dict()
    assert lines["journal_id"].nunique() == ledger["transaction"].nunique()
    assert len(lines) == len(ledger) == 5000
    assert load_record(lines).certificate.reason.startswith(f"{lines['journal_id'].nunique()} records")


def test_journals_of_some_periods(office, connect):
    """Both ends are included."""
    lines = validis.load_journals(4711, from_period_id=2, to_period_id="3", client=connect(office))

    assert set(lines["journal_period_id"]) == {"2", "3"}


def test_limit_counts_lines(office, connect):
    """And no page is asked for that it does not need."""
    office.clear_calls()
    lines = validis.load_journals(4711, limit=7, page_size=50, client=connect(office))

    assert len(lines) == 7
    assert office.count("validis", "/v1/engagements/4711/journals") == 1


def test_receivables_are_signed_and_add_up_to_the_control_account(office, connect):
    """DisplayAbsolute=false is sent; what is open is the closing balance of the debtors in the ledger."""
    client = connect(office)
    office.clear_calls()
    items = validis.load_receivable_items(4711, client=client)
    ledger = validis.load_gl_extract(4711, client=client)

    sent = next(call.query for call in office.calls if call.path.endswith("receivableItems"))
    assert sent == {"DisplayAbsolute": "false", "page": "0", "size": "2000"}
    closing = ledger.period_balances.query("account == '1100' and period == '12'")["closing"].iloc[0]
    assert round(items["outstanding_amount"].sum(), 2) == round(closing, 2)
    assert (items.loc[items["item_type"] == "PAYMENT", "amount"] < 0).all()


def test_item_filters_are_spelt_as_documented(office, connect):
    """itemtypes in lower case, booleans in lower case, links and allocations only when wanted."""
    client = connect(office)
    office.clear_calls()
    items = validis.load_receivable_items(
        4711, open_items=True, item_types=["INVOICE", "PAYMENT"], customer_id="C0002", links=True, allocations=True,
        from_period_id=1, to_period_id=12, page_size=500, client=client,
    )  # fmt: skip

    sent = next(call.query for call in office.calls if call.path.endswith("receivableItems"))
    assert sent == {
        "DisplayAbsolute": "false", "openItems": "true", "itemtypes": "INVOICE,PAYMENT", "customerId": "C0002",
        "showLinks": "true", "showAllocations": "true", "fromPeriodId": "1", "toPeriodId": "12",
        "page": "0", "size": "500",
    }  # fmt: skip
    assert (items["outstanding_amount"] != 0).all()
    assert json.loads(items["links"].iloc[0])[0].keys() == {"glTxId", "amount"}


def test_payables_are_found_by_supplier(office, connect):
    """Bills are signed as sent; a customer's parameter becomes a supplier's."""
    items = validis.load_payable_items(4711, supplier_id="S0117", open_items=False, client=connect(office))

    assert set(items["supplier_name"]) == {'The "Green" Board Company'}
    assert {"INVOICE", "PAYMENT"} <= set(items["item_type"])


def test_a_page_is_never_larger_than_the_vendor_allows(office, connect):
    """A wish for more is lowered to 2000, since the vendor would refuse it."""
    assert len(validis.load_journals(4711, page_size=5000, client=connect(office))) == 5000


def test_an_engagement_without_an_upload_is_an_error(office, connect):
    """Not an empty frame: an outage is no empty result either."""
    with pytest.raises(BadRequest, match="no successful upload"):
        validis.load_periods(4712, client=connect(office))


def test_a_bare_array_at_a_lowered_size_is_loaded_whole(told):
    """A server that silently cuts pages at 200 rows does not end the walk early."""
    rows = [{"id": n} for n in range(450)]

    def answer(asked):
        start = int(asked.query["page"]) * 200
        return Says(rows[start : start + 200])

    frame = validis.load_receivable_items(1, client=told(answer))

    assert frame["item_id"].tolist() == [str(n) for n in range(450)]


def test_a_server_that_ignores_pages_is_an_error(told):
    """The page before once more: it cannot be known what is missing."""
    rows = [{"id": n} for n in range(20)]
    with pytest.raises(IncompleteLoad, match="repeated"):
        validis.load_receivable_items(1, page_size=20, client=told(lambda asked: Says(rows)))


def test_an_unpaged_list_that_declares_pages_is_walked(told):
    """Accounts state no paging; where the answer says that it is not the last, the rest is asked for."""
    rows = [{"accountId": str(n), "code": str(n)} for n in range(5)]

    def answer(asked):
        number = int(asked.query.get("page", 0))
        return Says({"content": rows[number * 2 : number * 2 + 2], "last": number == 2})

    client = told(answer)
    with pytest.warns(SchemaDriftWarning):
        frame = validis.load_accounts(1, client=client)

    assert frame["code"].tolist() == list("01234")
    assert [asked.query for asked in lists(client.server)] == [{}, *({"page": str(n), "size": "2"} for n in (1, 2))]


@pytest.mark.parametrize(
    ("envelope", "rows", "more"),
    [
        (None, 2000, True),  # a full page
        (None, 1999, False),  # a short one
        (None, 200, True),  # short, but of the default length: the size may have been lowered
        (None, 0, False),
        ({"last": True}, 2000, False),
        ({"last": True}, 200, False),
        ({"last": False}, 17, True),
        ({"totalPages": 1}, 200, False),
        ({"totalPages": 3}, 17, True),
        ({"totalElements": 17}, 17, False),
        ({"size": 200}, 200, True),
        ({"size": 200}, 199, False),
    ],
)
def test_when_a_walk_ends(envelope, rows, more):
    """The rules of the contract, 4.1, and the doubt about a lowered size."""
    paging = dataclasses.replace(
        PAGES, largest=2000, default=200, size_key="size", total_key="totalElements", pages_key="totalPages",
        last_key="last",
    )  # fmt: skip
    page = Page({"page": 0, "size": 2000}, [{"n": n} for n in range(rows)], envelope)

    assert (paging.following(page, []) is not None) == more


def test_the_declared_paging_is_filled_in():
    """Sizes and keys come from the register."""
    paging = API.endpoint("journals").paging

    assert (paging.largest, paging.default, paging.last_key) == (2000, 200, "last")
    assert API.with_assumptions({"A13": {"largest": 500}}).endpoint("journals").paging.largest == 500
    assert API.with_assumptions({"A13.largest": 500}).endpoint("receivable_items").paging.largest == 2000
    assert UNPAGED.first({"tags": "x"}, 7) == {"tags": "x"}


def test_a_journal_without_lines_keeps_its_row(told):
    """Its line is missing; nothing of it is dropped."""
    rows = [{"id": 1, "date": "2026-01-05", "lines": [{"accountId": "A", "value": 5}]}, {"id": 2, "lines": []}]
    frame = validis.load_journals(1, client=told(lambda asked: Says(rows)))

    assert frame["journal_id"].tolist() == ["1", "2"]
    assert frame["line"].tolist() == [1, pd.NA] or frame["line"].isna().tolist() == [False, True]


def test_debit_and_credit_stand_for_a_value(told):
    """Debit minus credit, exactly."""
    lines = [{"accountId": "A", "debit": 0.3}, {"accountId": "B", "debit": 0.1, "credit": "0.4"}]
    frame = validis.load_journals(1, client=told(lambda asked: Says([{"id": 1, "lines": lines}])))

    assert frame["value"].tolist() == [0.3, -0.3]


def test_lines_under_another_key_are_asked_for_by_name(told):
    """Without them the rows would be lost; one argument mends it."""
    rows = [{"id": 1, "postings": [{"accountId": "A", "value": 5}]}]
    with pytest.raises(ShapeError, match=r'assumptions=\{"A47": \{"lines"'):
        validis.load_journals(1, client=told(lambda asked: Says(rows)))

    mended = told(lambda asked: Says(rows), assumptions={"A47": {"lines": "postings"}})
    assert validis.load_journals(1, client=mended)["value"].tolist() == [5.0]


def test_unknown_keys_of_a_journal_and_of_its_lines_become_columns(told):
    """Under the vendor's own names, those of the journal with its name before them."""
    rows = [{"id": 1, "source": "PSC", "lines": [{"accountId": "A", "value": 5, "costCentre": "N"}]}]
    with pytest.warns(SchemaDriftWarning, match="costCentre"):
        frame = validis.load_journals(1, client=told(lambda asked: Says(rows)))

    assert (frame["journal.source"].tolist(), frame["costCentre"].tolist()) == (["PSC"], ["N"])


def test_a_drop_in_the_middle_of_a_body_is_tried_again(start, connect):
    """Each call's first answer is cut off; nothing is lost."""
    box = start("drop_mid_body", jobs=2)
    client = connect(box)

    assert len(validis.load_journals(4711, page_size=500, client=client)) == 5000
    assert len(validis.load_gl_extract(4711, client=client).transactions) == 5000


# --- reports ----------------------------------------------------------------------------------------------------------

WORDS = Words(
    **{name: ASSUMPTIONS["A54"].value[name] for name in ("label", "period", "value", "containers", "flipped")}
)


def test_a_report_is_one_row_a_figure(office, connect):
    """Labels from the top down, the figure as sent, and whether the vendor shows it negated."""
    client = connect(office)
    office.clear_calls()
    rows = validis.load_report("income-statement-detailed", 4711, client=client)
    ledger = validis.load_gl_extract(4711, client=client).transactions

    sent = next(call for call in office.calls if "reports" in call.path)
    assert sent.query == {"year": "current", "AcceptUnassigned": "false"}
    income = rows.set_index("path").loc["Income"]
    assert income["value"] == round(ledger.loc[ledger["category"] == "Income", "amount"].sum(), 2)
    assert bool(income["display_flipped"])
    assert rows["level"].max() == 2
    assert "Overheads / Office / Telephone" in set(rows["path"])
    assert json.loads(rows["heading"].iloc[0])["engagementId"] == 4711
    assert describe(rows)["column"].tolist() == list(rows.columns)


def test_a_report_of_periods_has_a_row_for_each(office, connect):
    """In place of a year."""
    client = connect(office)
    rows = validis.load_report("balance-sheet-standard", 4711, from_period_id=11, to_period_id=12, client=client)
    ledger = validis.load_gl_extract(4711, client=client).period_balances

    assets = rows[rows["path"] == "Current Assets"].set_index("period")["value"]
    closing = ledger[(ledger["category"] == "Current Assets") & (ledger["period"] == "12")]["closing"].sum()
    # One account of another category is misstated on purpose; this one is not.
    assert assets["12"] == round(closing, 2)
    assert list(assets.index) == ["11", "12"]


def test_a_report_on_accounts_that_are_not_mapped_is_refused_unless_wanted(start, connect):
    """Its figures may be wrong."""
    box = start(jobs=2)
    box.state["validis"].unassigned = True
    client = connect(box)
    with pytest.raises(BadRequest, match="not assigned"):
        validis.load_report("income-statement-standard", 4711, client=client)

    assert len(validis.load_report("income-statement-standard", 4711, accept_unassigned=True, client=client)) > 5


def test_what_is_no_report_is_refused_before_a_call(office, connect):
    """jeCompliance among them: nothing of it is known."""
    with pytest.raises(ConfigError, match="income-statement-standard"):
        validis.load_report("jeCompliance", 4711, client=connect(office))
    with pytest.raises(ConfigError, match="year or of periods"):
        validis.load_report("balance-sheet-standard", 1, year="current", to_period_id=3, client=connect(office))


@pytest.mark.parametrize(
    ("tree", "figures"),
    [
        ({"rows": [{"label": "Sales", "value": 5}]}, [("Sales", None, 5)]),
        ([{"name": "Sales", "amount": "5.5"}], [("Sales", None, "5.5")]),
        (
            {"data": {"sections": [{"title": "A", "lines": [{"name": "B", "value": 1}]}]}},
            [("A", None, None), ("A / B", None, 1)],
        ),
        ({"income": {"sales": {"value": 7}}}, [("income / sales", None, 7)]),
        ([{"label": "S", "values": {"2025": 1, "2026": 2}}], [("S", "2025", 1), ("S", "2026", 2)]),
        ([{"label": "S", "amounts": [3, 4]}], [("S", "1", 3), ("S", "2", 4)]),
        ([{"label": "S", "values": [{"periodId": 1, "value": 3}]}], [("S", "1", 3)]),
        ([{"label": "S", "current": 3, "previous": 4, "level": 2}], [("S", None, 3), ("S", None, 4)]),
    ],
)  # fmt: skip
def test_trees_of_other_layouts_are_read(tree, figures):
    """Children and figures under whatever key: path, period and value of each figure."""
    rows = rows_of(tree, WORDS)

    assert [(row["path"], row.get("period"), row.get("value")) for row in rows] == figures


def test_a_report_without_a_figure_is_a_shape_error(told):
    """It says which assumption mends it."""
    with pytest.raises(ShapeError, match="A54"):
        validis.load_report("balance-sheet-standard", 1, client=told(lambda asked: Says({"status": "none"})))


# --- webhooks ---------------------------------------------------------------------------------------------------------

PAYLOAD = {
    "event": "UPLOAD", "status": "COMPLETED", "clientId": IDS["clientId"], "engagementId": 4711,
    "externalEngagementId": 12, "uploadId": "2a0f8f0e-52f1-4e2c-9d2b-0f4c1f1b3a77",
    "apiUrl": "https://api.uk.validis.com/",
}  # fmt: skip


@pytest.mark.parametrize("form", [dict, json.dumps, lambda told: json.dumps(told).encode()])
def test_a_webhook_is_read_in_each_form(form):
    """As bytes, text or an object; numbers that are ids become text."""
    event = validis.parse_webhook(form(PAYLOAD))

    assert (event.engagement_id, event.external_engagement_id) == ("4711", "12")
    assert (event.status, event.completed) == ("COMPLETED", True)
    assert event.base_url == "https://api.uk.validis.com"


def test_a_webhook_of_the_future_is_read():
    """Another case of keys, another state, further keys."""
    event = validis.parse_webhook({"Status": "ARCHIVED", "ENGAGEMENTID": "7", "reason": {"code": 3}})

    assert (event.status, event.engagement_id, event.completed) == ("ARCHIVED", "7", False)
    assert event.others == {"reason": {"code": 3}}
    assert (event.event, event.upload_id, event.base_url) == (None, None, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.uk.validis.com/",
        "https://api.uk.validis.com.example.org/",
        "https://evilvalidis.com/",
        "https://api.uk.validis.com:8443/",
        "https://user@api.uk.validis.com/",
        "https://api.uk.validis.com:port/",
        "",
    ],
)
def test_a_key_is_not_sent_wherever_a_payload_says(url):
    """Payloads are unsigned: only https below validis.com is believed."""
    assert validis.parse_webhook({**PAYLOAD, "apiUrl": url}).base_url is None


@pytest.mark.parametrize("payload", [b"<html>", "[]", {"event": "UPLOAD"}, b""])
def test_what_is_no_webhook_is_a_shape_error(payload):
    """With what came."""
    with pytest.raises(ShapeError, match="webhook"):
        validis.parse_webhook(payload)


# --- the register -----------------------------------------------------------------------------------------------------


def test_a_wrong_override_is_refused(settings):
    """An id that is not in the register, a part that an entry has not, a part of an entry without any."""
    for wrong in ({"A60": 1}, {"A13": {"smallest": 1}}, {"A13.smallest": 1}, {"A13": 5}, {"A17.first": "x"}):
        with pytest.raises(ConfigError):
            validis.Client(api_key=KEY, region="uk", assumptions=wrong, settings=settings)


def test_a_wrong_column_is_refused(settings):
    """Corrections name a table and a column that there are."""
    with pytest.raises(ConfigError, match="no column"):
        validis.Client(
            api_key=KEY, region="uk", assumptions={"columns": {"accounts": {"colour": "x"}}}, settings=settings
        )


def test_an_outage_is_an_error(told):
    """500 for good is ServerError, and no answer at all NoAnswer; never an empty frame."""
    with pytest.raises(ServerError):
        validis.load_periods(1, client=told(lambda asked: Says({"message": "down"}, 500)))
    with pytest.raises(NoAnswer):
        validis.load_periods(1, client=validis.Client(api_key=KEY, base_url="http://127.0.0.1:9", settings=FAST))


FAST = Settings(time_scale=0.0, tries=2)
