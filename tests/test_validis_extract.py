"""The general ledger's extract: waiting, links, downloads, one upload, and what is fetched again."""

from __future__ import annotations

import contextlib
import io
import os
import zipfile

import pandas as pd
import pytest
from conftest import Says

import docframes.sandbox as sandbox
from docframes import describe, load_record, offline
from docframes.errors import (
    BadRequest,
    ConfigError,
    DocframesError,
    IncompleteLoad,
    LedgerWarning,
    NoAnswer,
    RoleError,
    ShapeError,
    TextEncodingWarning,
    ValueFormatError,
    VendorError,
)
from docframes.files import FileRef
from docframes.settings import Settings
from docframes.transport.download import ApiFile, SignedLink
from docframes.vendors import validis
from docframes.vendors.validis.links import links_in

KEY = "5d1c0e9b7a3f48d2" * 2
TOKEN = {"access_token": "eyJh.eyJz.c2ln", "expires_in": 1800, "clientId": "x"}
UPLOAD = "2a0f8f0e-52f1-4e2c-9d2b-0f4c1f1b3a77"
LINES = f"""UPLOAD_ID,COMPANY_NAME,UPLOAD_DATE,GL_TX_ID,GL_TX_DATE,ACCOUNT_CODE,ACCOUNT_NAME,DESCRIPTION,BASE_VALUE
{UPLOAD},Häger & Søn,2026-04-07T06:12:44Z,12345678901234567,2026-01-05,0400,NA,"two
lines",100.10
{UPLOAD},Häger & Søn,2026-04-07T06:12:44Z,12345678901234567,2026-01-05,1200,Bank,,-100.10
"""
#: Waits are told to a function of the test's own, which does not wait.
FAST = Settings(time_scale=0.5)
EXTRACT = "/v2/extracts/general-ledger/engagements"


@pytest.fixture(scope="module")
def office():
    """A sandbox for the tests that only read."""
    with sandbox.running(jobs=5, environment=False) as box:
        yield box


@pytest.fixture
def connect(settings):
    """A client of a sandbox: ``connect(box)``; clients share the test's cache folder."""
    with contextlib.ExitStack() as stack:

        def make(box, **options):
            given = {"api_key": box.key("validis"), "base_url": box.url("validis"), "settings": settings, **options}
            return stack.enter_context(validis.Client(**given))

        yield make


def zipped(**members):
    """A zip of files; names are given with ``_`` for the dot before their ending."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            base, _, ending = name.rpartition("_")
            archive.writestr(f"{base}.{ending}", content if isinstance(content, bytes) else content.encode())
    return out.getvalue()


@pytest.fixture
def vendor(scripted, settings):
    """An API and a storage host: ``vendor(extract=..., files={...})`` gives a client with ``.api`` and ``.storage``.

    extract : the answer, given the storage host's address.  files : path to bytes, or to a list of answers in turn.
    """
    with contextlib.ExitStack() as stack:

        def make(extract, files, **options):
            def stored(asked):
                held = files[asked.path]
                one = held.pop(0) if isinstance(held, list) else held
                return one if isinstance(one, Says) else Says(one)

            storage = scripted(stored)

            def answer(asked):
                return Says(TOKEN) if asked.path == "/v1/oauth/token" else extract(storage.url)

            api = scripted(answer)
            client = validis.Client(**{"api_key": KEY, "base_url": api.url, "settings": settings, **options})
            client.api_host, client.storage = api, storage
            return stack.enter_context(client)

        yield make


def one_file(**told):
    return lambda host: Says({"fileAccessUrl": f"{host}/gl.zip?sv=1&secretpart=never-seen-anywhere", **told})


# --- waiting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("busy", "polls"), [(0, 0), (0, 2), (1, 2), (3, 0)])
def test_202_and_409_mean_wait(start, connect, busy, polls):
    """The same request is made again after 30 seconds, until it is answered with links."""
    box = start(jobs=2)
    state = box.state["validis"]
    state.busy, state.polls = busy, polls
    waits = []
    client = connect(box, sleep=waits.append, settings=FAST, cached=False)
    ledger = validis.load_gl_extract(4711, client=client)

    extracts = [call for call in box.calls if call.path.startswith(EXTRACT)]
    assert [call.status for call in extracts] == [409] * busy + [202] * polls + [200]
    assert {tuple(call.query.items()) for call in extracts} == {(("Format", "CSV"), ("includeFutureYears", "false"))}
    assert waits == [30.0 * FAST.time_scale] * (busy + polls)
    assert load_record(ledger.transactions).calls == busy + polls + 1


def test_retry_after_says_how_long_to_wait(start, connect):
    """It goes before the usual 30 seconds."""
    box = start(jobs=2)
    box.state["validis"].retry_after = "7"
    waits = []
    validis.load_gl_extract(4711, client=connect(box, sleep=waits.append, settings=FAST, cached=False))

    assert waits == [7 * FAST.time_scale] * 2


def test_after_20_polls_it_is_an_error(start, connect):
    """Ten minutes; the error says that a later load finds it prepared, and it does."""
    box = start(jobs=2)
    box.state["validis"].polls = 25
    client = connect(box)
    with pytest.raises(NoAnswer, match="20 polls"):
        validis.load_gl_extract(4711, client=client)
    assert box.count("validis", EXTRACT) == 21

    assert len(validis.load_gl_extract(4711, client=client).transactions) == 5000


def test_a_wait_of_an_hour_is_an_error_at_once(start, connect):
    """Longer than all polls together: nobody sits through it."""
    box = start(jobs=2)
    box.state["validis"].retry_after = "3600"
    with pytest.raises(NoAnswer, match="3600 s"):
        validis.load_gl_extract(4711, client=connect(box))

    assert box.count("validis", EXTRACT) == 1


def test_the_waiting_is_told_in_a_line(start, connect, capsys):
    """What is waited for, which poll of how many, and how long; nothing where no progress is wanted."""
    box = start(jobs=2)
    client = connect(box)
    validis.load_gl_extract(4711, progress=True, client=client)
    told = capsys.readouterr().err
    box.state["validis"].new_upload()
    validis.load_gl_extract(4711, progress=False, client=client)

    assert "general ledger of engagement 4711" in told
    assert "2/20" in told
    assert "next in 30 s" in told
    assert capsys.readouterr().err == ""


def test_future_years_are_a_request_of_their_own(start, connect):
    """With its own waiting."""
    box = start(jobs=2)
    client = connect(box)
    validis.load_gl_extract(4711, client=client)
    validis.load_gl_extract(4711, include_future_years=True, client=client)

    asked = [call.query["includeFutureYears"] for call in box.calls if call.path.startswith(EXTRACT)]
    assert asked == ["false"] * 3 + ["true"] * 3


def test_the_version_of_the_path_can_be_set(start, connect):
    """Both v2 and v1 are printed; v2 is taken."""
    box = start(jobs=2)
    validis.load_gl_extract(4711, client=connect(box, assumptions={"A26": {"version": "v1"}}))

    assert box.count("validis", "/v1/extracts/general-ledger/engagements/4711") == 3


def test_an_engagement_without_an_upload_is_an_error(office, connect):
    """Told in the vendor's words."""
    with pytest.raises(BadRequest, match="no successful upload"):
        validis.load_gl_extract(4712, client=connect(office))


# --- the ledger -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["access", "list", "sas", "href", "zip", "per_file"])
def test_every_shape_of_the_answer_gives_the_same_ledger(start, connect, shape):
    """Links in one of three forms, in an envelope, one zip a file, or the zip itself."""
    box = start(jobs=5)
    box.state["validis"].shape = shape
    ledger = validis.load_gl_extract(4711, client=connect(box))

    assert (ledger.totals.lines, ledger.name) == (5000, "Northmoor Retrofit Partnership CIC")
    assert len(ledger.sources) == 4
    assert not ledger.period_balances.empty
    assert not ledger.period_balances_summarised.empty
    assert not ledger.company.empty
    assert box.leaks == []


def test_the_ledger_is_the_one_the_company_keeps(office, connect, tmp_path):
    """Line by line, with the faults that were planted in it."""
    from docframes import read_ledger

    mine = validis.load_gl_extract(4711, client=connect(office))
    theirs = read_ledger(office.write_ledger(tmp_path / "gl.zip", faults=True))

    pd.testing.assert_frame_equal(mine.transactions, theirs.transactions)
    unbalanced = [fault for fault in office.truth() if fault["fault"] == "unbalanced_journal"]
    sums = mine.transactions.groupby("transaction")["amount"].sum().round(2)
    assert sums[sums != 0].to_dict() == {unbalanced[0]["ids"][0]: 100.0}


def test_engagement_and_upload_stay_with_the_ledger(office, connect):
    """In its origin, its repr, and the record of each frame, with the files' SHA-256."""
    ledger = validis.load_gl_extract(4711, client=connect(office))
    record = load_record(ledger.period_balances)

    upload = office.state["validis"].extracts.upload_id(0)
    assert dict(ledger.origin) == {"engagement": "4711", "upload": upload}
    assert f"engagement 4711, upload {upload[:8]}..." in repr(ledger)
    assert (record.upload_id, record.loader, record.rows) == (upload, "load_gl_extract", len(ledger.period_balances))
    assert all(len(seal) == 64 for seal in record.files.values())
    assert record.certificate.verdict == "CANNOT_PROVE"
    assert (describe(ledger.transactions)["meaning"].str.len() > 0).all()


def test_odd_files_are_read_as_the_contract_says(vendor):
    """A folder before the names, an unknown member, a cp1252 file, NA as a name, leading zeros, a line break."""
    extract = zipped(**{
        "AB12/GL Transactions 2026-04-07_csv": LINES.encode("cp1252"),
        "AB12/GL_Period_Balances_csv": b"\xef\xbb\xbfUPLOAD_ID,ACCOUNT_CODE,PERIOD_ID,CLOSING_BALANCE\n",
        "AB12/Cost Centres_csv": "CODE,NAME\n01,North\n",
    })  # fmt: skip
    with pytest.warns(TextEncodingWarning, match="cp1252"):
        ledger = validis.load_gl_extract(7, client=vendor(one_file(), {"/gl.zip": extract}))

    lines = ledger.transactions
    assert lines["account_name"].tolist() == ["NA", "Bank"]
    assert lines["account"].tolist() == ["0400", "1200"]
    assert lines["transaction"].tolist() == ["12345678901234567"] * 2
    assert lines["text"].iloc[0] == "two\nlines"
    assert list(ledger.others) == ["AB12/Cost Centres.csv"]
    assert ledger.period_balances.empty
    assert str(ledger.totals.difference) in ("0", "0.00", "0.000000")


def test_an_empty_ledger_is_an_empty_frame(vendor):
    """A file with its header only; its columns are those of a full one."""
    header = LINES.splitlines(keepends=True)[0]
    full = validis.load_gl_extract(7, client=vendor(one_file(), {"/gl.zip": zipped(GL_Transactions_csv=LINES)}))
    empty = validis.load_gl_extract(8, client=vendor(one_file(), {"/gl.zip": zipped(GL_Transactions_csv=header)}))

    assert len(empty.transactions) == 0
    assert empty.transactions.dtypes.equals(full.transactions.dtypes)
    assert empty.origin == {"engagement": "8"}


def test_an_upload_without_a_ledger_is_told(vendor):
    """After a Collateral upload there may be no transactions at all: a warning, and an empty frame."""
    files = {"/gl.zip": zipped(Company_Details_csv="UPLOAD_ID,COMPANY_NAME\nu1,Firm\n")}
    with pytest.warns(LedgerWarning, match="No file of the ledger holds transactions"):
        ledger = validis.load_gl_extract(7, client=vendor(one_file(), files))

    assert (len(ledger.transactions), ledger.name) == (0, "Firm")


@pytest.mark.parametrize(
    ("change", "value", "assumptions", "error", "entry"),
    [
        (("BASE_VALUE", "BETRAG_X"), "BETRAG_X", {"A31": {"amount": "BETRAG_X"}}, RoleError, "A31"),
        (("2026-01-05", "05.01.2026"), "05.01.2026", {"A37": "%d.%m.%Y"}, ValueFormatError, "A37"),
        (("00.10", "00;10"), "100,10", {"A38": {"decimal": ","}}, ValueFormatError, "A38"),
    ],
)
def test_a_wrong_guess_about_the_files_is_mended_in_one_line(vendor, change, value, assumptions, error, entry):
    """Roles, dates and decimals: an error that shows what came, and an assumption that mends it."""
    text = LINES.replace(*change)
    if entry == "A38":
        text = text.replace(",", ";").replace("00;10", "00,10")
    files = {"/gl.zip": zipped(GL_Transactions_csv=text)}
    with pytest.raises(error, match=value) as caught:
        validis.load_gl_extract(7, client=vendor(one_file(), files))

    assert entry in " ".join(caught.value.__notes__)
    mended = validis.load_gl_extract(7, client=vendor(one_file(), files, assumptions=assumptions))
    assert mended.transactions["amount"].tolist() == [100.1, -100.1]


def test_roles_and_exact_amounts_go_through_to_the_reader(vendor):
    """As in read_ledger."""
    files = {"/gl.zip": zipped(GL_Transactions_csv=LINES)}
    client = vendor(one_file(), files)
    ledger = validis.load_gl_extract(7, roles={"text": "ACCOUNT_NAME"}, amounts="decimal", client=client)

    assert ledger.transactions["text"].tolist() == ["NA", "Bank"]
    assert "decimal" in str(ledger.transactions["amount"].dtype)


# --- links and storage ------------------------------------------------------------------------------------------------

ACCESS, SAS = {"fileAccessUrl": "https://s.test/a.zip?sig=1"}, {"fileUrl": "https://s.test/b.zip", "sasToken": "?sig=2"}


@pytest.mark.parametrize(
    ("answer", "urls"),
    [
        (ACCESS, ["https://s.test/a.zip?sig=1"]),
        (SAS, ["https://s.test/b.zip?sig=2"]),
        ({**SAS, **ACCESS}, ["https://s.test/a.zip?sig=1"]),
        ([ACCESS, SAS, ACCESS], ["https://s.test/a.zip?sig=1", "https://s.test/b.zip?sig=2"]),
        ({"data": {"files": [SAS]}, "self": {"link": "https://api.test/x"}}, ["https://s.test/b.zip?sig=2"]),
        ({"FILEACCESSURL": "https://s.test/a"}, ["https://s.test/a"]),
        ({"fileUrl": "https://s.test/b?x=1", "sasToken": "sig=2"}, ["https://s.test/b?x=1&sig=2"]),
        ({"downloadLinks": ["https://s.test/1", "https://s.test/2"]}, ["https://s.test/1", "https://s.test/2"]),
        ({"gl": {"href": "https://s.test/1"}, "note": "https://s.test/2"}, ["https://s.test/1"]),
        ({"url": "http://s.test/plain"}, []),
        ({"fileAccessUrl": "http://s.test/plain"}, []),
        ({"status": "READY"}, []),
        (None, []),
    ],
)
def test_links_are_found_in_every_shape(answer, urls):
    """In order, each once, over https only."""
    words = ("url", "link", "href")
    found = links_in(answer, access="fileAccessUrl", file="fileUrl", token="sasToken", words=words)

    assert [link.url for link in found] == urls
    assert "sig=" not in repr(found)


def test_files_of_one_name_are_told_apart():
    """The second gets its place before its name; a name that is told goes before that of the address."""
    answer = {"files": [{"fileAccessUrl": f"https://s.test/{n}/gl.zip"} for n in "ab"]}
    answer["files"].append({"fileAccessUrl": "https://s.test/c.zip", "fileName": "GL Transactions.zip"})
    found = links_in(answer, access="fileAccessUrl", file="fileUrl", token="sasToken", words=())

    assert [link.name for link in found] == ["gl.zip", "2-gl.zip", "GL Transactions.zip"]


def test_the_storage_host_sees_no_credential_and_nobody_sees_the_link(vendor, settings, caplog):
    """Neither key nor token goes there; the link's query is in no log, file, repr or error."""
    client = vendor(one_file(), {"/gl.zip": [zipped(GL_Transactions_csv=LINES), Says(b"no", 400)]})
    with caplog.at_level("DEBUG"):
        ledger = validis.load_gl_extract(7, client=client)
        with pytest.raises(VendorError) as caught:
            validis.load_gl_extract(7, refresh=True, client=client)

    asked = client.storage.asked[0]
    assert not {"authorization", "ocp-apim-subscription-key", "cookie"} & asked.headers.keys()
    seen = [caplog.text, repr(load_record(ledger.transactions)), repr(ledger), str(caught.value), repr(caught.value)]
    files = [path.read_bytes() for path in settings.cache_dir.rglob("*") if path.is_file()]
    assert not any("never-seen-anywhere" in text for text in seen)
    assert not any(b"never-seen-anywhere" in content for content in files)


@pytest.mark.parametrize("status", [403, 404])
def test_a_dead_link_is_renewed_once(vendor, status):
    """The extract is asked for again, and its new link is used."""
    client = vendor(one_file(), {"/gl.zip": [Says(b"", status), zipped(GL_Transactions_csv=LINES)]})

    assert len(validis.load_gl_extract(7, client=client).transactions) == 2
    assert len(client.api_host.asked) == 3


def test_a_link_that_stays_dead_is_an_error(start, connect):
    """Once renewed, twice refused."""
    box = start(jobs=2)
    state = box.state["validis"]
    state.dead_links = 1
    assert len(validis.load_gl_extract(4711, client=connect(box)).transactions) == 5000
    state.dead_links = 2
    with pytest.raises(VendorError, match="403"):
        validis.load_gl_extract(4711, refresh=True, client=connect(box))

    assert box.count("validis", host="storage") == 4


def test_a_zip_cut_short_is_fetched_again(vendor):
    """Although its length was announced so."""
    whole = zipped(GL_Transactions_csv=LINES)
    client = vendor(one_file(), {"/gl.zip": [whole[: len(whole) // 2], whole]})

    assert len(validis.load_gl_extract(7, client=client).transactions) == 2


def test_a_ready_answer_without_a_link_is_a_shape_error(vendor):
    """Its keys are told, its values are not: one of them may be a link."""
    client = vendor(lambda host: Says({"status": "READY", "place": f"{host}/gl.zip?secretpart=never-seen"}), {})
    with pytest.raises(ShapeError, match="A27") as caught:
        validis.load_gl_extract(7, client=client)

    assert "place" in str(caught.value)
    assert "never-seen" not in str(caught.value)
    mended = vendor(
        lambda host: Says({"place": f"{host}/gl.zip"}),
        {"/gl.zip": zipped(GL_Transactions_csv=LINES)},
        assumptions={"A27": {"access": "place"}},
    )
    assert len(validis.load_gl_extract(7, client=mended).transactions) == 2


def test_a_page_in_place_of_the_answer_is_a_shape_error(vendor):
    """Such as a proxy's sign-in page."""
    with pytest.raises(ShapeError, match="Sign in"):
        validis.load_gl_extract(7, client=vendor(lambda host: Says(b"<html>Sign in</html>"), {}))


# --- one upload -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["access", "per_file"])
def test_files_of_two_uploads_are_loaded_again_once(start, connect, shape):
    """A new upload came in between; the second time all files are of one."""
    box = start(jobs=2)
    state = box.state["validis"]
    state.mixed, state.shape = 1, shape
    ledger = validis.load_gl_extract(4711, client=connect(box))

    assert ledger.origin["upload"] == state.extracts.upload_id(0)
    assert load_record(ledger.transactions).calls == 4


def test_files_of_two_uploads_twice_are_an_error(start, connect):
    """Two snapshots are never one ledger; the mixed one is in the error, and resume loads again."""
    box = start(jobs=2)
    state = box.state["validis"]
    state.mixed = 2
    with pytest.raises(IncompleteLoad, match="several uploads") as caught:
        validis.load_gl_extract(4711, client=connect(box))

    assert caught.value.certificate.verdict == "FAIL"
    assert caught.value.frame.totals.lines == 5000
    assert caught.value.resume().origin["upload"] == state.extracts.upload_id(0)


# --- the second time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["access", "sas", "href", "per_file"])
def test_an_unchanged_extract_is_neither_fetched_nor_read_again(start, connect, shape, monkeypatch):
    """One call for the links; the storage host says that the files are the same; the store of the upload is opened."""
    box = start(jobs=2)
    box.state["validis"].shape = shape
    first = validis.load_gl_extract(4711, client=connect(box))
    box.clear_calls()
    monkeypatch.setattr("docframes.ledger.read.Build", None)
    again = validis.load_gl_extract(4711, client=connect(box))

    assert again.store.folder == first.store.folder
    assert again.store.folder.name.startswith(f"{first.origin['upload']}-")
    stored = [call.status for call in box.calls if call.host == "storage"]
    assert set(stored) == {304}
    assert load_record(again.transactions).calls == box.count("validis", EXTRACT) == 1
    assert load_record(again.transactions).from_cache == len(stored)
    assert load_record(again.transactions).fetched_from == load_record(first.transactions).fetched_from
    pd.testing.assert_frame_equal(first.transactions, again.transactions)


def test_a_new_upload_is_fetched(start, connect, settings):
    """Its upload id is another one, and the former file is deleted."""
    box = start(jobs=2)
    first = validis.load_gl_extract(4711, client=connect(box))
    upload = box.state["validis"].new_upload()
    second = validis.load_gl_extract(4711, client=connect(box))

    assert (second.origin["upload"], first.origin["upload"] != upload) == (upload, True)
    seals = {seal for ledger in (second,) for seal in load_record(ledger.transactions).files.values()}
    kept = {path.name for path in settings.cache_dir.rglob("*") if len(path.name) == 64}
    assert kept == seals


def test_refresh_fetches_the_files_whatever_is_here(start, connect):
    """No condition is put to the storage host."""
    box = start(jobs=2)
    client = connect(box)
    validis.load_gl_extract(4711, client=client)
    validis.load_gl_extract(4711, refresh=True, client=client)

    assert [call.status for call in box.calls if call.host == "storage"] == [200, 200]


def test_a_damaged_copy_is_fetched_again(start, connect, settings):
    """A file that is not what its name says is not used."""
    box = start(jobs=2)
    client = connect(box)
    validis.load_gl_extract(4711, client=client)
    copy = next(path for path in settings.cache_dir.rglob("*") if len(path.name) == 64)
    copy.write_bytes(copy.read_bytes()[:-10])

    assert len(validis.load_gl_extract(4711, client=client).transactions) == 5000
    assert [call.status for call in box.calls if call.host == "storage"] == [200, 200]


def test_a_host_without_etags_sends_the_file_again(vendor):
    """Nothing else would tell whether it is the same."""
    whole = zipped(GL_Transactions_csv=LINES)
    client = vendor(one_file(), {"/gl.zip": [whole, whole]})
    validis.load_gl_extract(7, client=client)
    validis.load_gl_extract(7, client=client)

    assert len(client.storage.asked) == 2
    assert "if-none-match" not in client.storage.asked[1].headers


def test_offline_the_ledger_is_read_from_disk(start, connect, monkeypatch):
    """However old, without a socket."""
    import socket

    box = start(jobs=2)
    first = validis.load_gl_extract(4711, client=connect(box))
    monkeypatch.setattr(socket.socket, "connect", None)
    with offline():
        again = validis.load_gl_extract(4711, client=connect(box))

    pd.testing.assert_frame_equal(first.transactions, again.transactions)
    assert load_record(again.transactions).calls == 0


def test_without_a_cache_nothing_stays(start, connect, settings):
    """The files are gone when the ledger is read."""
    box = start(jobs=2)
    validis.load_gl_extract(4711, client=connect(box, cached=False))

    assert [path.name for path in settings.cache_dir.rglob("*") if path.is_file()] == ["validis.quota"]


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_the_files_are_the_users_own(start, connect, settings):
    """Folders 0700, files 0600: it is confidential data."""
    box = start(jobs=2)
    validis.load_gl_extract(4711, client=connect(box))

    modes = {path.stat().st_mode & 0o777 for path in settings.cache_dir.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in settings.cache_dir.rglob("*") if path.is_dir()} == {0o700}


# --- links for others -------------------------------------------------------------------------------------------------


def test_file_links_are_fresh_links_by_engagement(start, connect, tmp_path):
    """A link, an error where there is no upload, and the zip itself where the API sends it."""
    box = start(jobs=2)
    client = connect(box)
    links = validis.file_links("general-ledger", ["4711", "4712"], client=client)

    assert isinstance(links["4711"], SignedLink)
    assert isinstance(links["4712"], DocframesError)
    assert box.signature_marker not in repr(links)
    assert zipfile.is_zipfile(links["4711"].save(tmp_path / "gl.zip"))
    assert zipfile.is_zipfile(FileRef("validis", "general-ledger", "4711").save(tmp_path / "ref.zip", client=client))
    box.state["validis"].shape = "zip"
    direct = validis.file_links("general-ledger", ["4711"], client=client)["4711"]
    assert isinstance(direct, ApiFile)
    assert zipfile.is_zipfile(direct.save(tmp_path / "direct.zip"))


def test_an_extract_of_several_files_has_no_one_link(start, connect):
    """It says which loader reads them together."""
    box = start(jobs=2)
    box.state["validis"].shape = "per_file"
    found = validis.file_links("general-ledger", ["4711"], client=connect(box))["4711"]

    assert isinstance(found, ConfigError)
    assert "load_gl_extract" in str(found)


def test_another_kind_is_refused(office, connect):
    """Before a call."""
    with pytest.raises(ConfigError, match="general-ledger"):
        validis.file_links("images", ["1"], client=connect(office))
