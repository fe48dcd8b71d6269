"""The store of answers: private, bounded in age, and when broken it costs speed and never data."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Says

import docframes
from docframes import cache, load_record, read_ledger, sandbox, validocx
from docframes.errors import CacheWarning, ConfigError
from docframes.settings import Settings
from docframes.vendors.validocx.api import API

unix = pytest.mark.skipif(os.name == "nt", reason="modes are Unix")


@pytest.fixture
def folder(settings):
    return settings.cache_dir


@pytest.fixture
def store_path(client, folder):
    """Where the client's answers go."""
    return folder / f"validocx-{client.account}.sqlite"


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


@unix
def test_folder_and_files_are_the_owners_alone(client, folder):
    """0700 and 0600: the database, what SQLite puts beside it, and the kept frames."""
    validocx.load_jobs(client=client)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = modes(folder)
    assert {0o600 if "." in name and not name.endswith(".frames") else 0o700: 1 for name in found} == {
        0o600: 1,
        0o700: 1,
    }
    assert {mode for name, mode in found.items() if name.endswith(".frames")} == {0o700}
    assert {mode for name, mode in found.items() if not name.endswith(".frames")} == {0o600}


@unix
def test_a_file_that_others_could_read_is_closed_to_them(client, folder, store_path):
    """An older file with a wider mode is narrowed when it is opened."""
    folder.mkdir()
    store_path.touch(mode=0o644)
    store_path.chmod(0o644)
    validocx.load_jobs(client=client)

    assert stat.S_IMODE(store_path.stat().st_mode) == 0o600


def test_the_second_load_makes_no_call(box, client):
    """The same arguments, the same frame, 0 calls; the record says where it came from."""
    first = validocx.load_jobs(client=client)
    calls = box.count()
    second = validocx.load_jobs(client=client)
    record = load_record(second)

    assert box.count() == calls
    assert second.equals(first)
    assert second.dtypes.equals(first.dtypes)
    assert (record.calls, record.from_cache, record.rows) == (0, 1, 30)
    assert record.certificate == load_record(first).certificate
    assert record.age() >= 0


def test_another_process_finds_it_too(box, client, account):
    """A second client of the same account and folder makes no call either."""
    validocx.load_jobs(client=client)
    client.close()
    calls = box.count()

    assert len(validocx.load_jobs(client=account(box))) == 30
    assert box.count() == calls


def test_refresh_goes_past_the_cache_and_fills_it(box, client):
    """One load with refresh, one without: the first calls, the second does not."""
    validocx.load_jobs(client=client)
    box.clear_calls()
    refreshed = validocx.load_jobs(client=client, refresh=True)
    validocx.load_jobs(client=client)

    assert box.count() == 1
    assert load_record(refreshed).calls == 1


def test_without_a_cache_every_load_calls(box, account, folder):
    """cached=False writes nothing and reads nothing."""
    client = account(box, cached=False)
    box.clear_calls()
    validocx.load_jobs(client=client)
    validocx.load_jobs(client=client)

    assert box.count() == 2
    assert not folder.exists()


def test_an_answer_past_its_lifetime_is_asked_for_again(scripted, settings):
    """A lifetime of no time at all is never served; the list's own five minutes are."""
    server = scripted(lambda asked: Says({"data": [], "pagination": {"total": 0}}))
    brief = {name: dataclasses.replace(endpoint, lifetime=0.0) for name, endpoint in API.endpoints.items()}
    for api, calls in ((dataclasses.replace(API, endpoints=brief), 2), (API, 1)):
        server.asked.clear()
        client = validocx.Client(api_key=f"vdx_org_{calls}_key", base_url=server.url, api=api, settings=settings)
        validocx.load_jobs(client=client)
        validocx.load_jobs(client=client)

        assert len(server.asked) == calls


def test_two_accounts_never_share_an_answer(scripted, settings):
    """The same address and the same call, another key: another file, another answer."""
    server = scripted(
        lambda asked: Says({"data": [{"id": asked.headers["x-api-key"][-3:]}], "pagination": {"total": 1}})
    )
    frames = []
    for key in ("vdx_org_one", "vdx_org_two", "vdx_org_one"):
        client = validocx.Client(api_key=key, base_url=server.url, settings=settings, cached=True)
        with pytest.warns() if len(frames) < 2 else _nothing():
            frames.append(validocx.load_jobs(client=client))

    assert [frame["job_id"].tolist() for frame in frames] == [["one"], ["two"], ["one"]]
    assert len(server.asked) == 2


def _nothing():
    import contextlib

    return contextlib.nullcontext()


def test_two_addresses_never_share_an_answer(scripted, settings):
    """A sandbox and the vendor are two places, though the key is the same."""
    names = [
        validocx.Client(api_key="vdx_org_same", base_url=url, settings=settings).account
        for url in ("https://a.test", "https://b.test", "https://a.test/")
    ]

    assert names[0] == names[2] != names[1]


# --- trouble ------------------------------------------------------------------------------------------------------


def loads_with_one_warning(client, words):
    """Two loads give the right data and one CacheWarning between them."""
    with pytest.warns(CacheWarning, match=words) as told:
        jobs, projects = validocx.load_jobs(client=client), validocx.load_projects(client=client)

    assert len(told) == 1
    assert len(jobs) == 30
    assert len(projects) > 0
    assert load_record(jobs).certificate.verdict == "PASS"
    return told


@pytest.mark.parametrize(
    "content", [b"this is no database, however long it may be" * 40, b"SQLite format 3\0" + b"\1" * 900]
)
def test_a_corrupt_cache_is_told_once_and_left_alone(client, folder, store_path, content):
    """Loading goes on; the file is not deleted without being asked."""
    folder.mkdir()
    store_path.write_bytes(content)
    loads_with_one_warning(client, "cannot be used")

    assert store_path.read_bytes() == content


def test_a_cache_that_cannot_be_opened_is_told_once(client, store_path):
    """A folder stands where the file should be."""
    store_path.mkdir(parents=True)
    loads_with_one_warning(client, "cannot be used")


def test_a_folder_that_cannot_be_made_is_told_once(client, folder):
    """A file stands where the folder should be."""
    folder.write_text("in the way")
    loads_with_one_warning(client, "DOCFRAMES_CACHE_DIR")


LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def locked(monkeypatch):
    """Hold a lock on a database from another process."""
    monkeypatch.setattr("docframes.transport.store.BUSY_SECONDS", 0.05)
    started = []

    def lock(path):
        holder = subprocess.Popen(
            [sys.executable, "-c", LOCK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(holder)
        assert holder.stdout.readline() == "locked\n"

    yield lock
    for holder in started:
        holder.communicate("")


def test_a_cache_that_another_process_holds_is_told_once(client, folder, store_path, locked):
    """It is not waited for without end."""
    folder.mkdir()
    locked(store_path)
    loads_with_one_warning(client, "locked")


def test_a_cache_that_is_locked_while_it_is_in_use_is_told_once(client, box, store_path, locked):
    """The store steps aside in the middle of the work; no row is lost."""
    client.call(_projects_call(client))
    locked(store_path)
    loads_with_one_warning(client, "locked")


def _projects_call(client):
    from docframes.transport.answers import Call

    return Call(client.api.endpoint("projects"), params={"page": 1, "limit": 1})


def test_a_cache_that_breaks_while_it_is_in_use_is_told_once(client, store_path):
    """Its table is gone."""
    client.call(_projects_call(client))
    with sqlite3.connect(store_path) as connection:
        connection.execute("DROP TABLE responses")
    loads_with_one_warning(client, "no such table")


def test_an_entry_that_cannot_be_read_is_a_miss(box, client, store_path, folder):
    """One broken row costs one call."""
    frame = validocx.load_jobs(client=client)
    client.close()
    with sqlite3.connect(store_path) as connection:
        connection.execute("UPDATE responses SET value = '{\"other\": 1}'")
    for kept in folder.rglob("*.arrow"):
        kept.unlink()
    box.clear_calls()

    assert validocx.load_jobs(client=client).equals(frame)
    assert box.count() == 1


def test_closing_while_others_read_is_safe(client, store_path):
    """A connection that is closed under a reader would end the whole process."""
    validocx.load_jobs(client=client)
    store = client._store
    key = next(iter(store.responses))
    with ThreadPoolExecutor(4) as pool:
        reads = [pool.submit(store.get_response, key) for _ in range(300)]
        for _ in range(50):
            store.close()

    assert all(read.result() is not None for read in reads)
    assert store.broken is None


# --- looking after it ---------------------------------------------------------------------------------------------


def test_info_of_nothing_is_an_empty_frame(settings):
    """Of the same columns and dtypes as a full one."""
    nothing = cache.info(settings=settings)

    assert len(nothing) == 0
    assert str(nothing["oldest"].dtype) == "datetime64[us, UTC]"


def test_info_tells_one_row_per_account(client, settings, store_path):
    """Answers, expired ones, bytes, oldest, newest; the dtypes of an empty one."""
    empty = cache.info(settings=settings)
    validocx.load_jobs(client=client)
    validocx.load_projects(client=client)
    told = cache.info(settings=settings)

    assert told.dtypes.equals(empty.dtypes)
    row = told.iloc[0]
    assert (len(told), row["vendor"], row["account"], row["note"]) == (1, "validocx", client.account, "")
    assert (row["answers"], row["expired"]) == (2, 0)
    assert row["bytes"] > store_path.stat().st_size / 2
    assert row["oldest"] <= row["newest"]


def test_info_counts_every_byte_that_lies_there(client, settings, folder, tmp_path):
    """Answers, frames, an account's ledgers, frames without answers, counts of calls and what others left."""
    validocx.load_jobs(client=client)
    client.close()
    sandbox.write_ledger(tmp_path / "gl.zip", lines=100)
    read_ledger(tmp_path / "gl.zip", cache_dir=folder)
    (folder / "veridox-0123456789ab.frames" / "ledgers" / "1-abc").mkdir(parents=True)
    (folder / "veridox-0123456789ab.frames" / "ledgers" / "1-abc" / "transactions.parquet").write_bytes(b"x" * 5_000)
    (folder / "ledgers" / ".draft.part").mkdir()
    (folder / "ledgers" / ".draft.part" / "half").write_bytes(b"x" * 300)
    (folder / "validis.quota").write_bytes(b"x" * 20)
    (folder / "notes.txt").write_bytes(b"x" * 4)
    told = cache.info(settings=settings).set_index("vendor")

    assert told["bytes"].sum() == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert told.index.tolist() == ["validocx", "veridox", "read_ledger", "other"]
    assert told.loc["veridox", ["answers", "bytes"]].tolist() == [0, 5_000]
    assert told.loc["other", ["account", "bytes"]].tolist() == ["", 324]


def test_frames_without_their_answers_are_cleared(folder, settings):
    """And no empty database is made for them."""
    (folder / "veridox-0123456789ab.frames").mkdir(parents=True)
    (folder / "veridox-0123456789ab.frames" / "a.arrow").write_bytes(b"x")
    cache.clear(vendor="veridox", settings=settings)

    assert list(folder.iterdir()) == []


def test_info_reads_the_environment(client):
    """Without settings, the folder of the environment."""
    validocx.load_jobs(client=client)

    assert cache.info()["account"].tolist() == [client.account]


def test_info_says_why_a_file_cannot_be_read(folder, settings):
    """It is listed all the same."""
    folder.mkdir()
    (folder / "validocx-0123456789ab.sqlite").write_bytes(b"no database" * 100)
    told = cache.info(settings=settings)

    assert told["answers"].tolist() == [0]
    assert "DatabaseError" in told["note"].iloc[0]


@pytest.mark.parametrize("name", ["a b", "50%", "c#1", "d?e"])
def test_a_folder_of_any_name_will_do(box, account, tmp_path, name):
    """Signs that mean something in an address mean nothing in a path."""
    settings = Settings(cache_dir=tmp_path / name, time_scale=0)
    validocx.load_jobs(client=account(box, settings=settings))
    told = cache.info(settings=settings)

    assert (told["answers"].tolist(), told["note"].tolist()) == ([1], [""])


def test_a_dry_run_forgets_nothing(box, client, settings):
    """It only says what would go."""
    validocx.load_jobs(client=client)
    told = cache.clear(settings=settings, dry_run=True)
    box.clear_calls()
    validocx.load_jobs(client=client)

    assert told["answers"].tolist() == [1]
    assert box.count() == 0


def test_clear_is_seen_by_a_client_that_is_open(box, client, settings, folder):
    """The next load calls again, and is kept again."""
    validocx.load_jobs(client=client)
    told = cache.clear(settings=settings)
    box.clear_calls()
    validocx.load_jobs(client=client)
    validocx.load_jobs(client=client)

    assert told["answers"].tolist() == [1]
    assert box.count() == 1
    assert cache.info(settings=settings)["answers"].sum() == 1


def test_clear_leaves_nothing_of_the_answers_on_disk(box, client, settings, folder):
    """Not in the database, not beside it, not in kept frames."""
    frame = validocx.load_jobs(client=client)
    client.close()
    cache.clear(settings=settings)
    bytes_left = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())

    assert frame["job_id"].iloc[0].encode() not in bytes_left


def test_clear_may_be_of_one_vendor(client, settings):
    """Another vendor's answers stay."""
    validocx.load_jobs(client=client)

    assert len(cache.clear(vendor="veridox", settings=settings)) == 0
    assert cache.info(settings=settings)["answers"].tolist() == [1]


@pytest.mark.parametrize(
    ("vendor", "near"), [("validocs", "validocx"), ("Validis", "validis"), ("readledger", "read_ledger"), ("xero", "")]
)
def test_clear_refuses_a_vendor_that_there_is_not(client, settings, vendor, near):
    """It would forget nothing and say so; the names are listed, and the nearest one is asked for."""
    validocx.load_jobs(client=client)
    with pytest.raises(ConfigError) as refused:
        cache.clear(vendor=vendor, settings=settings)

    told = str(refused.value)
    assert (f"Did you mean {near!r}?" in told) == bool(near)
    assert "docdigitizer, papershift, validis, validocx, veridox, read_ledger" in told
    assert cache.info(settings=settings)["answers"].tolist() == [1]


def test_the_vendors_of_the_cache_are_the_rooms():
    """A room more in the house is a name more here."""
    rooms = Path(docframes.__file__).parent.joinpath("vendors").glob("*/__init__.py")

    assert sorted(room.parent.name for room in rooms) == list(cache.VENDORS)


def test_clear_may_spare_what_is_young(client, settings):
    """Nothing here is an hour old; everything is older than no time at all."""
    validocx.load_jobs(client=client)

    assert cache.clear(older_than=timedelta(hours=1), settings=settings)["answers"].tolist() == [0]
    assert cache.clear(older_than=timedelta(0), settings=settings)["answers"].tolist() == [1]
    assert cache.info(settings=settings)["answers"].tolist() == [0]


def test_clear_refuses_a_length_of_time_below_zero(settings):
    """It would mean the future."""
    with pytest.raises(ConfigError, match="older_than"):
        cache.clear(older_than=timedelta(seconds=-1), settings=settings)


def test_clear_takes_away_a_file_that_cannot_be_read(folder, settings):
    """As the warning about it promises; afterwards the cache works."""
    folder.mkdir()
    broken = folder / "validocx-0123456789ab.sqlite"
    broken.write_bytes(b"no database" * 100)
    cache.clear(settings=settings)

    assert not broken.exists()


@pytest.mark.parametrize("older_than", [timedelta(0), timedelta(days=1)])
def test_clear_by_age_gets_past_a_file_that_cannot_be_read(folder, settings, older_than):
    """Nobody knows its age; that is no reason to stop."""
    folder.mkdir()
    (folder / "validocx-0123456789ab.sqlite").write_bytes(b"no database" * 100)

    assert cache.clear(older_than=older_than, settings=settings)["answers"].tolist() == [0]


def test_other_files_in_the_folder_are_left_alone(folder, settings):
    """Only what bears the name of a vendor and an account is touched."""
    folder.mkdir()
    (folder / "notes.sqlite").write_text("mine")
    cache.clear(settings=settings)

    assert (folder / "notes.sqlite").read_text() == "mine"
