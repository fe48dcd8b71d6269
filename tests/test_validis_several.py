"""The ledgers of several engagements at once: waits that pass together, and what is told where some fail."""

from __future__ import annotations

import contextlib
import io
import threading
import zipfile
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from conftest import Says

from docframes import load_record, offline
from docframes.errors import (
    AuthError,
    BadRequest,
    ColumnError,
    ConfigError,
    IncompleteLoad,
    QuotaExhausted,
    RoleError,
    ServerError,
)
from docframes.settings import Settings
from docframes.vendors import validis
from docframes.vendors.validis import extract

EXTRACT = "/v2/extracts/general-ledger/engagements/"
TOKEN = {"access_token": "eyJh.eyJz.c2ln", "expires_in": 1800, "clientId": "x"}
LINES = """UPLOAD_ID,COMPANY_NAME,GL_TX_ID,GL_TX_DATE,ACCOUNT_CODE,BASE_VALUE
{upload},Firm {upload},1,2026-01-05,0400,100.10
{upload},Firm {upload},1,2026-01-05,1200,-100.10
"""
#: Waits are told to a function of the test's own, which does not wait.
FAST = Settings(time_scale=0.5)


@pytest.fixture
def connect(settings):
    """A client of a sandbox: ``connect(box)``; clients share the test's cache folder."""
    with contextlib.ExitStack() as stack:

        def make(box, **options):
            given = {"api_key": box.key("validis"), "base_url": box.url("validis"), "settings": settings, **options}
            return stack.enter_context(validis.Client(**given))

        yield make


@pytest.fixture
def vendor(scripted, settings):
    """An API that gives each engagement a ledger of two lines, but for what ``vendor({"7": [...]})`` says of it.

    Of each engagement named, the answers in turn; after them, and for all others, the link to its zip.
    """
    with contextlib.ExitStack() as stack:

        def make(answers, **options):
            def stored(asked):
                return Says(zipped(asked.path.strip("/").removesuffix(".zip")))

            storage = scripted(stored)

            def answer(asked):
                if asked.path == "/v1/oauth/token":
                    return Says(TOKEN)
                number = asked.path.rpartition("/")[2]
                said = answers.get(number)
                return said.pop(0) if said else Says({"fileAccessUrl": f"{storage.url}/{number}.zip"})

            api = scripted(answer)
            given = {"api_key": "5d1c0e9b7a3f48d2" * 2, "base_url": api.url, "settings": settings, **options}
            client = stack.enter_context(validis.Client(**given))
            client.api_host = api
            return client

        yield make


def zipped(upload):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("GL_Transactions.csv", LINES.format(upload=upload))
    return out.getvalue()


def asked_for(client):
    """The engagements whose extract was asked for, in order."""
    return [one.path.rpartition("/")[2] for one in client.api_host.asked if one.path.startswith(EXTRACT)]


# --- waits that pass together -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("branches", [5, 19])
def test_the_waits_pass_together(start, connect, branches):
    """All are asked for before any is asked for again: two waits in all, as of one, of six engagements or of twenty."""
    box = start(jobs=2)
    box.state["validis"].branches = branches
    wanted = ["4711", *map(str, range(4801, 4801 + branches))]
    waits = []
    found = validis.load_gl_extract(wanted, client=connect(box, sleep=waits.append, settings=FAST, cached=False))

    calls = [(call.path.rpartition("/")[2], call.status) for call in box.calls if call.path.startswith(EXTRACT)]
    number = len(wanted)
    rounds = [calls[:number], calls[number : 2 * number], calls[2 * number :]]
    assert [{status for _, status in one} for one in rounds] == [{202}, {202}, {200}]
    assert all(sorted(name for name, _ in one) == sorted(wanted) for one in rounds)
    assert waits == [30.0 * FAST.time_scale] * 2
    assert list(found) == wanted
    assert {ledger.totals.lines for ledger in found.values()} == {5000}


def test_each_is_asked_again_when_its_own_wait_is_over(vendor):
    """One asks to wait 5 seconds, another 30: the first is asked again twice before the other is."""
    short, long = Says(b"", 202, headers={"Retry-After": "5"}), Says(b"", 202, headers={"Retry-After": "30"})
    waits = []
    client = vendor({"1": [long], "2": [short, short]}, sleep=waits.append, settings=FAST, cached=False)
    found = validis.load_gl_extract([1, 2], client=client)

    assert asked_for(client)[2:] == ["2", "2", "1"]
    assert waits[:2] == [5 * FAST.time_scale] * 2
    assert waits[2] <= 20 * FAST.time_scale
    assert list(found) == ["1", "2"]


def test_at_most_eight_are_asked_for_at_once(vendor):
    """Four meet at the vendor's door, or the test breaks; more than eight never do."""
    door, lock = threading.Barrier(4), threading.Lock()
    inside: list[int] = [0, 0]
    client = vendor({})
    answer = client.api_host.answer

    def meeting(asked):
        if asked.path.startswith(EXTRACT):
            with lock:
                inside[0] += 1
                inside[1] = max(inside)
            door.wait(timeout=20)
            with lock:
                inside[0] -= 1
        return answer(asked)

    client.api_host.answer = meeting
    found = validis.load_gl_extract(range(1, 13), client=client)

    assert len(found) == 12
    assert 4 <= inside[1] <= 8


def test_ledgers_are_read_one_after_the_other(vendor, monkeypatch):
    """Several zips in memory at once would be too many: they are read where the caller called, in no thread."""
    seen = []
    read = extract.read_into

    def reading(*args, **options):
        seen.append(threading.current_thread())
        return read(*args, **options)

    monkeypatch.setattr(extract, "read_into", reading)
    validis.load_gl_extract(range(1, 6), client=vendor({}))

    assert seen == [threading.current_thread()] * 5


def test_the_waiting_is_told_in_one_line(start, connect, capsys):
    """How many came of how many; nothing where no progress is wanted."""
    box = start(jobs=2)
    box.state["validis"].branches = 2
    client = connect(box)
    validis.load_gl_extract([4711, 4801, 4802], progress=True, client=client)
    told = capsys.readouterr().err
    box.state["validis"].new_upload()
    validis.load_gl_extract([4711, 4801, 4802], progress=False, client=client)

    assert "general ledger of 3 engagements" in told
    assert "0/3" in told
    assert "next in 30 s" in told
    assert "engagement 4801" not in told
    assert capsys.readouterr().err == ""


# --- what is asked and what comes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids",
    [
        ["4802", 4711, "4802"],
        ("4802", "4711"),
        np.array([4802, 4711]),
        pd.Series(["4802", "4711", "4802"], index=[7, 8, 9]),
        pd.Index([4802, 4711]),
        pd.DataFrame({"engagement_id": ["4802", "4711"], "name": ["b", "a"]}),
        {"4802": "b", "4711": "a"},
    ],
    ids=["list", "tuple", "array", "series", "index", "frame", "mapping"],
)
def test_several_ids_in_any_form_give_a_dict_in_their_order(start, connect, ids):
    """Keys are the ids as text, each once."""
    box = start(jobs=2)
    box.state["validis"].branches, box.state["validis"].polls = 2, 0
    found = validis.load_gl_extract(ids, client=connect(box))

    assert list(found) == ["4802", "4711"]
    assert [ledger.origin["engagement"] for ledger in found.values()] == ["4802", "4711"]
    assert box.count("validis", EXTRACT) == 2


@pytest.mark.parametrize("one", ["4711", 4711, np.int64(4711)])
def test_one_id_gives_one_ledger(start, connect, one):
    """Not a dict of one; a list of one gives a dict."""
    box = start(jobs=2)
    client = connect(box)

    assert validis.load_gl_extract(one, client=client).totals.lines == 5000
    assert list(validis.load_gl_extract([one], client=client)) == ["4711"]


@pytest.mark.parametrize("nothing", [[], (), pd.Series([], dtype="str"), pd.DataFrame({"engagement_id": []})])
def test_no_engagement_is_an_empty_dict_and_no_call(nothing):
    """No key is looked for either."""
    assert validis.load_gl_extract(nothing) == {}
    assert validis.load_ar_extract(nothing) == {}


@pytest.mark.parametrize("wrong", [[4711.0], ["4711", None], [""], [pd.NA], 4711.5, None])
def test_what_is_no_id_is_refused(wrong):
    """A number with a point is what a column with missing ids makes of them; nothing is left out without a word."""
    with pytest.raises(ConfigError, match="engagement_id is"):
        validis.load_gl_extract(wrong)


def test_a_frame_without_the_column_is_refused():
    """With the columns that it has."""
    with pytest.raises(ColumnError, match="'id'"):
        validis.load_gl_extract(pd.DataFrame({"id": ["4711"]}))


def test_each_ledger_is_of_its_own_upload_and_has_its_own_record(start, connect):
    """The same as when it is loaded alone."""
    box = start(jobs=2)
    state = box.state["validis"]
    state.branches = 1
    client = connect(box)
    found = validis.load_gl_extract([4711, 4801], client=client)
    alone = validis.load_gl_extract(4801, client=client)

    uploads = [state.extracts.upload_id(state.upload_of(number)) for number in (4711, 4801)]
    assert len(set(uploads)) == 2
    assert [ledger.origin["upload"] for ledger in found.values()] == uploads
    record = load_record(found["4801"].transactions)
    assert (record.upload_id, record.arguments["engagement_id"], record.calls) == (uploads[1], "4801", 3)
    pd.testing.assert_frame_equal(found["4801"].transactions, alone.transactions)


def test_the_second_time_nothing_is_sent_again(start, connect):
    """One call for each link; the storage host says of each file that it is the same."""
    box = start(jobs=2)
    box.state["validis"].branches = 2
    client = connect(box)
    wanted = [4711, 4801, 4802]
    validis.load_gl_extract(wanted, client=client)
    box.clear_calls()
    validis.load_gl_extract(wanted, client=client)
    with offline():
        again = validis.load_gl_extract(wanted, client=client)

    assert box.count("validis", EXTRACT) == 3
    assert [call.status for call in box.calls if call.host == "storage"] == [304] * 3
    assert list(again) == ["4711", "4801", "4802"]
    assert box.leaks == []


def test_options_go_to_every_ledger(vendor):
    """Roles and exact amounts, as for one."""
    found = validis.load_gl_extract([1, 2], roles={"text": "COMPANY_NAME"}, amounts="decimal", client=vendor({}))

    assert [ledger.transactions["text"].iloc[0] for ledger in found.values()] == ["Firm 1", "Firm 2"]
    assert all("decimal" in str(ledger.transactions["amount"].dtype) for ledger in found.values())


@pytest.mark.parametrize("shape", ["list", "sas", "href", "zip", "per_file"])
def test_every_shape_of_the_answer_is_loaded(start, connect, shape):
    """As of one engagement."""
    box = start(jobs=2)
    box.state["validis"].branches, box.state["validis"].shape = 2, shape
    found = validis.load_gl_extract([4711, 4801, 4802], client=connect(box))

    assert [len(ledger.sources) for ledger in found.values()] == [4, 4, 4]
    assert len({ledger.origin["upload"] for ledger in found.values()}) == 3


# --- where some fail --------------------------------------------------------------------------------------------------


def test_those_that_failed_are_named_and_the_rest_is_there(start, connect):
    """In the vendor's words, by engagement; what came is in the error."""
    box = start(jobs=2)
    box.state["validis"].branches = 1
    with pytest.raises(IncompleteLoad, match=r"4712: .*no successful upload") as caught:
        validis.load_gl_extract([4712, 4711, 4713, 4801], client=connect(box))

    error = caught.value
    assert list(error.frame) == ["4711", "4801"]
    assert "4713: " in str(error)
    assert "2 of 4 engagements came" in str(error)
    assert isinstance(error.__cause__, BadRequest)
    assert error.certificate.verdict == "FAIL"


def test_resume_loads_what_is_missing_and_gives_all(vendor):
    """In the order asked; those that came are neither asked for nor read again."""
    client = vendor({"2": [Says({"message": "not now"}, 400)]})
    with pytest.raises(IncompleteLoad, match=r"2: .*not now") as caught:
        validis.load_gl_extract([3, 2, 1], client=client)
    found = caught.value.resume()

    assert list(found) == ["3", "2", "1"]
    assert found["3"] is caught.value.frame["3"]
    assert Counter(asked_for(client)) == {"1": 1, "2": 2, "3": 1}


def test_ten_failures_are_told_and_the_others_counted(vendor):
    """A message of a thousand engagements helps nobody."""
    answers = {str(number): [Says({"message": f"no {number}"}, 400)] for number in range(2, 14)}
    with pytest.raises(IncompleteLoad, match="1 of 13 engagements came, 12 failed") as caught:
        validis.load_gl_extract(range(1, 14), client=vendor(answers))

    assert "no 11" in str(caught.value)
    assert "no 12" not in str(caught.value)
    assert "and 2 more" in str(caught.value)


def test_one_that_is_never_ready_does_not_keep_the_others(vendor):
    """After its 20 polls it is told; a later load finds it prepared."""
    client = vendor({"2": [Says(b"", 202) for _ in range(21)]})
    with pytest.raises(IncompleteLoad, match=r"2: .*not ready after 20 polls") as caught:
        validis.load_gl_extract([1, 2], client=client)

    assert list(caught.value.frame) == ["1"]
    assert list(caught.value.resume()) == ["1", "2"]


def test_a_ledger_that_cannot_be_read_is_one_failure(vendor):
    """Its error says why; the others are there."""
    client = vendor({})
    with pytest.raises(RoleError, match="NOWHERE"):
        validis.load_gl_extract([1], roles={"amount": "NOWHERE"}, client=client)
    broken = vendor({"2": [Says(b"PK\x03\x04 and no zip")]})
    with pytest.raises(IncompleteLoad, match=r"2: .*no zip") as caught:
        validis.load_gl_extract([1, 2], client=broken)

    assert list(caught.value.frame) == ["1"]


def test_files_of_two_uploads_are_loaded_again_once_or_told(start, connect):
    """Of one engagement among several, as of one alone."""
    box = start(jobs=2)
    state = box.state["validis"]
    state.branches, state.mixed = 1, 1
    found = validis.load_gl_extract([4711, 4801], client=connect(box))
    state.mixed = 100
    with pytest.raises(IncompleteLoad, match="several uploads") as caught:
        validis.load_gl_extract([4711], refresh=True, client=connect(box))
    state.mixed = 0

    assert [len(load_record(ledger.transactions).upload_id) for ledger in found.values()] == [36, 36]
    assert caught.value.resume().origin["engagement"] == "4711"


def test_where_none_came_the_first_error_is_raised(start, connect):
    """With a word on the others."""
    box = start(jobs=2)
    with pytest.raises(BadRequest, match="no successful upload") as caught:
        validis.load_gl_extract([4712, 4713], client=connect(box))

    assert "4713: " in " ".join(caught.value.__notes__)


def test_a_refused_key_is_raised_as_it_is(start, connect):
    """It is no matter of one engagement."""
    box = start(jobs=2)
    box.state["validis"].branches = 2
    client = connect(box)
    validis.load_gl_extract(4711, client=client)
    box.revoke_key("validis")
    with pytest.raises(AuthError, match="401"):
        validis.load_gl_extract([4711, 4801, 4802], client=client)


def test_a_refusal_of_one_engagement_is_its_own(vendor):
    """A 403 says that this key has no right to that engagement."""
    client = vendor({"2": [Says({"message": "no right"}, 403)]})
    with pytest.raises(IncompleteLoad, match=r"2: .*no right") as caught:
        validis.load_gl_extract([1, 2, 3], client=client)

    assert list(caught.value.frame) == ["1", "3"]


def test_spent_calls_are_raised_as_they_are(start, connect):
    """The next engagement would meet the same; those that came are on disk."""
    box = start(jobs=2)
    state = box.state["validis"]
    state.branches, state.polls, state.limit = 3, 0, 3
    with pytest.raises(QuotaExhausted):
        validis.load_gl_extract([4711, 4801, 4802, 4803], client=connect(box))


def test_offline_those_on_disk_come_and_the_others_are_named(start, connect):
    """Nothing is asked for; resume goes on when there is a network again."""
    box = start(jobs=2)
    box.state["validis"].branches = 1
    client = connect(box)
    validis.load_gl_extract(4711, client=client)
    box.clear_calls()
    with offline(), pytest.raises(IncompleteLoad, match="4801: Offline") as caught:
        validis.load_gl_extract([4711, 4801], client=client)

    assert list(caught.value.frame) == ["4711"]
    assert box.calls == []
    assert list(caught.value.resume()) == ["4711", "4801"]


def test_a_dead_link_of_one_is_renewed_while_the_others_wait(vendor, scripted):
    """Asked for again at once, without a wait."""
    dead = scripted(lambda asked: Says(b"", 403))
    waits = []
    client = vendor(
        {"1": [Says({"fileAccessUrl": f"{dead.url}/x.zip"})], "2": [Says(b"", 202)]},
        sleep=waits.append, settings=FAST, cached=False,
    )  # fmt: skip
    found = validis.load_gl_extract([1, 2], client=client)

    assert list(found) == ["1", "2"]
    assert asked_for(client)[2:] == ["1", "2"]
    assert len(waits) == 1


def test_a_failing_vendor_is_told_by_engagement(vendor):
    """A 500 that stays after every try is that engagement's; resume asks again."""
    client = vendor({"2": [Says(b"", 500) for _ in range(5)]})
    with pytest.raises(IncompleteLoad, match="2: ") as caught:
        validis.load_gl_extract([1, 2], client=client)

    assert isinstance(caught.value.__cause__, ServerError)
    assert list(caught.value.resume()) == ["1", "2"]
