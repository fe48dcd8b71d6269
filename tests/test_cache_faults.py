"""A cache that is corrupt, locked, read-only or full: one warning, the load goes on, and the data are right."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import warnings

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from test_cache import locked  # noqa: F401

from docframes import read_ledger, sandbox, validis, validocx
from docframes.errors import CacheWarning
from docframes.settings import Settings

GARBAGE = b"no database and no frame, but long enough to be looked at " * 40


@pytest.fixture
def folder(settings):
    """The cache folder, which is there."""
    settings.cache_dir.mkdir(mode=0o700)
    return settings.cache_dir


def load(client):
    """Lists in pages and details side by side: every frame, by name."""
    jobs = validocx.load_jobs(client=client, page_size=5, progress=False)
    details = validocx.load_job_details(jobs, client=client, progress=False)
    return {"list": jobs, **vars(details)}


def told_while(act):
    """What *act* gives, and every CacheWarning that it gave, however often the same."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        given = act()
    return given, [str(one.message) for one in caught if issubclass(one.category, CacheWarning)]


def assert_same(frames, others):
    """The same frames, cell by cell."""
    assert frames.keys() == others.keys()
    for name, frame in frames.items():
        assert_frame_equal(frame, others[name])


@pytest.fixture(scope="module")
def without(box):
    """The frames as they are without any cache."""
    with validocx.Client(api_key=box.key("validocx"), base_url=box.url("validocx"), cached=False) as client:
        return load(client)


def loads_right_with_one_warning(client, without, words):
    """Two whole loads give the right frames, and one CacheWarning between them."""
    (first, second), told = told_while(lambda: (load(client), load(client)))

    assert len(told) == 1, told
    assert words in told[0]
    assert_same(first, without)
    assert_same(second, without)


def store_of(client, folder):
    return folder / f"validocx-{client.account}.sqlite"


# --- the store of answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [GARBAGE, b"SQLite format 3\0" + b"\1" * 900, b"SQLite format 3\0"])
def test_a_corrupt_store(client, folder, without, content):
    """It is no database, or has nothing of one but its name."""
    store_of(client, folder).write_bytes(content)

    loads_right_with_one_warning(client, without, "cannot be used")


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_store_with_a_page_of_garbage(client, account, box, folder, without, page):
    """Its header is whole: what is behind it is found out when it is opened, or when it is read."""
    load(client)
    client.close()
    store = store_of(client, folder)
    for path in folder.rglob("*.arrow"):
        path.unlink()
    whole = bytearray(store.read_bytes())
    whole[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    store.write_bytes(whole)

    loads_right_with_one_warning(account(box), without, "cannot be used")


def test_a_locked_store(client, folder, without, locked):  # noqa: F811
    """Another process holds it from before it is opened."""
    locked(store_of(client, folder))

    loads_right_with_one_warning(client, without, "locked")


def test_a_store_that_is_locked_between_two_loads(client, folder, without, locked):  # noqa: F811
    """Eight calls at once meet the lock; it is told once."""
    load(client)
    for path in folder.rglob("*.arrow"):
        path.unlink()
    locked(store_of(client, folder))
    (first, second), told = told_while(lambda: (_refreshed(client), load(client)))

    assert len(told) == 1, told
    assert_same(first, without)
    assert_same(second, without)


def _refreshed(client):
    jobs = validocx.load_jobs(client=client, page_size=5, progress=False, refresh=True)
    return {"list": jobs, **vars(validocx.load_job_details(jobs, client=client, progress=False, refresh=True))}


def test_a_store_that_vanishes_while_it_is_in_use(client, folder, without):
    """Somebody deletes the whole folder; nothing is lost, and nothing is told twice."""
    load(client)
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    frames, told = told_while(lambda: load(client))

    assert len(told) <= 1, told
    assert_same(frames, without)


# --- kept frames --------------------------------------------------------------------------------------------------


def test_corrupt_frames_are_made_anew(box, client, account, folder, without):
    """From the answers, without a call; they are whole again the next time."""
    load(client)
    client.close()
    box.clear_calls()
    for path in folder.rglob("*.arrow"):
        path.write_bytes(GARBAGE)
    loads_right_with_one_warning(account(box), without, "kept load")
    assert box.count() == 0

    frames, told = told_while(lambda: load(account(box)))
    assert told == []
    assert_same(frames, without)


def test_frames_that_cannot_be_kept(client, folder, without):
    """A file stands where their folder should be."""
    store_of(client, folder).with_suffix(".frames").write_text("in the way")

    loads_right_with_one_warning(client, without, "kept load")


# --- the count of calls -------------------------------------------------------------------------------------------


@pytest.fixture
def connect(settings):
    """A Validis client of a sandbox."""

    def make(box, **options):
        given = {"settings": settings, **options}
        return validis.Client(api_key=box.key("validis"), base_url=box.url("validis"), **given)

    return make


def journals(client):
    """Several pages, each of which is counted."""
    lines = validis.load_journals(4711, client=client, page_size=2000, progress=False)
    return {"journals": lines, "periods": validis.load_periods(4711, client=client, progress=False)}


@pytest.mark.parametrize("fault", ["corrupt", "locked", "no such table", "a folder"])
def test_a_count_that_cannot_be_used(box, connect, folder, tmp_path, fault, locked, monkeypatch):  # noqa: F811
    """Calls are made uncounted; to wait for the lock costs its time once, not at every call."""
    monkeypatch.setattr("docframes.transport.limits.BUSY_SECONDS", 0.05)
    elsewhere = Settings(cache_dir=tmp_path / "elsewhere", time_scale=0.0)
    right = journals(connect(box, settings=elsewhere))
    path = folder / "validis.quota"
    if fault == "a folder":
        path.mkdir()
    elif fault == "corrupt":
        path.write_bytes(GARBAGE)
    elif fault == "locked":
        locked(path)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE calls (something TEXT)")
    client = connect(box)
    (first, second), told = told_while(lambda: (journals(client), journals(client)))

    assert len(told) == 1, told
    assert "cannot be counted" in told[0]
    assert_same(first, right)
    assert_same(second, right)


def test_a_folder_that_cannot_be_made_is_told_once_for_all(box, connect, settings, tmp_path):
    """Answers, frames, counts and extracts have the same trouble: a file where the folder should be."""
    right = journals(connect(box, settings=Settings(cache_dir=tmp_path / "elsewhere", time_scale=0.0)))
    settings.cache_dir.write_text("in the way")
    client = connect(box)
    (frames, ledger), told = told_while(
        lambda: (journals(client), validis.load_gl_extract(4711, client=client, progress=False))
    )

    assert len(told) == 1, told
    assert "DOCFRAMES_CACHE_DIR" in told[0]
    assert_same(frames, right)
    assert ledger.totals.lines > 0


# --- ledgers ------------------------------------------------------------------------------------------------------


def test_a_damaged_ledger_in_the_account_is_made_anew(box, connect, folder):
    """One warning, from the extract that is here; the next time there is none."""
    client = connect(box)
    whole = validis.load_gl_extract(4711, client=client, progress=False)
    right, parquet = whole.transactions, whole.store.path("transactions")
    parquet.write_bytes(parquet.read_bytes()[:-100])
    (again, third), told = told_while(
        lambda: tuple(validis.load_gl_extract(4711, client=client, progress=False) for _ in range(2))
    )

    assert len(told) == 1, told
    assert "damaged" in told[0]
    assert_frame_equal(again.transactions, right)
    assert_frame_equal(third.transactions, right)


# --- a disk that is full or read-only -----------------------------------------------------------------------------

#: Runs in a mount namespace of its own, where the second argument is a small disk.
DISK = """
import contextlib, json, os, subprocess, sys, warnings
from pathlib import Path
import pandas as pd
from docframes import cache, read_ledger, validis, validocx
from docframes.errors import CacheWarning
from docframes.settings import Settings

facts, disk = json.loads(sys.argv[1]), Path(sys.argv[2])
settings = Settings(cache_dir=disk / "cache", time_scale=0.0)
os.environ["DOCFRAMES_CACHE_DIR"] = str(settings.cache_dir)

def fill(leaving):
    # A full disk that then gets a little room: so much for the cache, and no more.
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while file.write(b"x" * 4096) == 4096:
            pass
    size = (disk / "filler").stat().st_size
    os.truncate(disk / "filler", max(0, size - leaving * 1024))

def read_only():
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)

def load(client):
    jobs = validocx.load_jobs(client=client, page_size=5, progress=False)
    return {"list": jobs, **vars(validocx.load_job_details(jobs, client=client, progress=False))}

def validocx_client():
    return validocx.Client(api_key=facts["validocx_key"], base_url=facts["validocx"], settings=settings)

def validis_client():
    return validis.Client(api_key=facts["validis_key"], base_url=facts["validis"], settings=settings)

def journals(client):
    lines = validis.load_journals(4711, client=client, page_size=2000, progress=False)
    return {"journals": lines, "periods": validis.load_periods(4711, client=client, progress=False)}

def extract(client):
    return {"lines": validis.load_gl_extract(4711, client=client, progress=False).transactions}

def ledger(path):
    return {"lines": read_ledger(path).transactions}

def judge(loads):
    # The frames go out as files beside, the warnings as text.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = [act() for act in loads]
    told = [str(one.message) for one in caught if issubclass(one.category, CacheWarning)]
    for number, frames in enumerate(results):
        for name, frame in frames.items():
            frame.attrs = {}
            frame.to_pickle(Path(facts["out"]) / f"{number}-{name}.pickle")
    print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def mountable(tmp_path_factory):
    """Whether a small disk can be mounted here; where it cannot, a skip for users and a failure in CI."""
    disk = tmp_path_factory.mktemp("disk")
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", f"mount -t tmpfs -o size=1m tmpfs {disk}"]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = f"no small disk can be mounted here: {error} {getattr(error, 'stderr', '')}"
        pytest.fail(why) if os.environ.get("CI") or os.environ.get("DOCFRAMES_CI") else pytest.skip(why)


@pytest.fixture
def on_small_disk(mountable, box, tmp_path):
    """Run lines of code on a small disk; gives the warnings, and the frames of each load."""

    def run(code, **more):
        disk, out = tmp_path / "disk", tmp_path / "out"
        disk.mkdir()
        out.mkdir()
        facts = {vendor: box.url(vendor) for vendor in ("validocx", "validis")}
        facts |= {f"{vendor}_key": box.key(vendor) for vendor in ("validocx", "validis")}
        (tmp_path / "script.py").write_text(DISK + code)
        mount = f'mount -t tmpfs -o size=4m tmpfs "$3" && exec "{sys.executable}" "$1" "$2" "$3"'
        arguments = [str(tmp_path / "script.py"), json.dumps({**facts, **more, "out": str(out)}), str(disk)]
        command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        loads: dict[str, dict[str, pd.DataFrame]] = {}
        for path in sorted(out.glob("*.pickle")):
            number, _, name = path.stem.partition("-")
            loads.setdefault(number, {})[name] = pd.read_pickle(path)  # noqa: S301
        return json.loads(done.stdout.splitlines()[-1]), list(loads.values())

    return run


LOADS = """
client = validocx_client()
{before}
judge([lambda: load(client), lambda: load(client)])
client.close()
"""


def assert_right(came, told, right, times=2):
    """One warning, and every load as it is without a cache."""
    assert len(told) == 1, told
    assert "DOCFRAMES_CACHE_DIR" in told[0]
    assert len(came) == times
    for frames in came:
        assert_same(frames, right)


@pytest.mark.parametrize("leaving", [0, 8, 32, 64, 128, 256])
def test_a_full_disk_from_the_beginning(on_small_disk, without, leaving):
    """With so many kilobytes left it fails when the store is opened, written, or when frames are kept."""
    told, came = on_small_disk(LOADS.format(before=f"fill({leaving})"))

    assert_right(came, told, without)
    assert "Make room" in told[0]


@pytest.mark.parametrize("leaving", [0, 16, 100])
def test_a_disk_that_fills_up_while_the_store_is_open(on_small_disk, without, leaving):
    """The store steps aside in the middle of the work."""
    before = f"validocx.load_projects(client=client, progress=False, page_size=5)\nfill({leaving})"
    told, came = on_small_disk(LOADS.format(before=before))

    assert_right(came, told, without)


def test_a_full_disk_can_be_cleared_and_used_again(on_small_disk, without):
    """cache.clear() makes room even there; the next client keeps what it loads, and says nothing."""
    code = """
client = validocx_client()
load(client)
client.close()
fill(0)
gone = cache.clear()["answers"].sum()
assert gone == 36, gone
assert not list(settings.cache_dir.rglob("*.arrow"))
(disk / "filler").unlink()
fresh = validocx_client()
judge([lambda: load(fresh), lambda: load(fresh)])
assert cache.info()["answers"].sum() == gone
"""
    told, came = on_small_disk(code)

    assert told == []
    assert_same(came[1], without)


def test_what_a_full_disk_left_is_no_trouble_later(on_small_disk, without):
    """The store that met it is whole, and is used by the next client when there is room."""
    code = """
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    client = validocx_client()
    validocx.load_projects(client=client, progress=False)
    fill(60)
    load(client)
    client.close()
(disk / "filler").unlink()
fresh = validocx_client()
judge([lambda: load(fresh), lambda: load(fresh)])
fresh.close()
assert cache.info()["note"].tolist() == [""], cache.info()
"""
    told, came = on_small_disk(code)

    assert told == []
    assert_same(came[0], without)
    assert_same(came[1], without)


FRAMES_GONE = '[path.unlink() for path in disk.rglob("*.arrow")]'


def test_a_read_only_disk(on_small_disk, without):
    """What was kept there can be neither opened nor added to."""
    before = f"load(client)\nclient.close()\n{FRAMES_GONE}\nread_only()\nclient = validocx_client()"
    told, came = on_small_disk(LOADS.format(before=before))

    assert_right(came, told, without)
    assert "Make it writable" in told[0]


def test_kept_frames_open_from_a_read_only_disk(on_small_disk, without):
    """Nothing is missing there, so there is nothing to tell."""
    before = "load(client)\nclient.close()\nread_only()\nclient = validocx_client()"
    told, came = on_small_disk(LOADS.format(before=before))

    assert told == []
    assert_same(came[1], without)


@pytest.mark.parametrize("before", ["fill(0)", "fill(16)", "fill(64)", "settings.cache_dir.mkdir()\nread_only()"])
def test_counts_and_answers_on_a_bad_disk_are_told_once(on_small_disk, box, connect, tmp_path, before):
    """Answers, frames and the count of calls have one trouble together."""
    right = journals(connect(box, settings=Settings(cache_dir=tmp_path / "elsewhere", time_scale=0.0)))
    code = f"client = validis_client()\n{before}\njudge([lambda: journals(client), lambda: journals(client)])"
    told, came = on_small_disk(code)

    assert_right(came, told, right)


@pytest.fixture
def right_extract(box, connect, tmp_path):
    """The ledger as it is where there is room, and the bytes that all that is kept of it takes."""
    elsewhere = connect(box, settings=Settings(cache_dir=tmp_path / "elsewhere", time_scale=0.0))
    right = {"lines": validis.load_gl_extract(4711, client=elsewhere, progress=False).transactions}
    elsewhere.close()
    files = [path for path in elsewhere.frames_folder.rglob("*") if path.is_file()]
    return right, sum(path.stat().st_size for path in files)


@pytest.mark.parametrize("before", ["", "journals(client)"])
@pytest.mark.parametrize("part", [0, 0.3, 0.6, 0.9])
def test_an_extract_on_a_disk_that_is_too_small(on_small_disk, right_extract, before, part):
    """The zip, the ledger or both may not fit: they are put elsewhere for this load, with one warning."""
    right, size = right_extract
    code = f"client = validis_client()\n{before}\nfill({int(part * size / 1024)})\n"
    told, came = on_small_disk(code + "judge([lambda: extract(client), lambda: extract(client)])")

    assert_right(came, told, right)


def test_an_extract_on_a_read_only_disk(on_small_disk, right_extract):
    """The same where nothing at all can be written, though the account's folder is there."""
    right, _ = right_extract
    code = "client = validis_client()\njournals(client)\nclient.close()\nread_only()\nclient = validis_client()\n"
    told, came = on_small_disk(code + "judge([lambda: extract(client), lambda: extract(client)])")

    assert_right(came, told, right)


@pytest.mark.parametrize("before", ["fill(0)", "fill(40)", "settings.cache_dir.mkdir()\nread_only()"])
def test_a_ledger_on_a_bad_disk(on_small_disk, tmp_path, before):
    """read_ledger() puts its store into a temporary folder, once for each time that it is read."""
    path = sandbox.write_ledger(tmp_path / "gl.zip", lines=5_000)
    right = {"lines": read_ledger(path).transactions}
    told, came = on_small_disk(f"{before}\njudge([lambda: ledger(facts['ledger'])])", ledger=str(path))

    assert_right(came, told, right, times=1)


def test_a_full_disk_that_was_named_is_an_error(on_small_disk, tmp_path):
    """Whoever names the folder of a store wants it there."""
    path = sandbox.write_ledger(tmp_path / "gl.zip", lines=5_000)
    code = """
from docframes.errors import StoreError
fill(0)
try:
    read_ledger(facts["ledger"], cache_dir=disk)
except StoreError as error:
    print(json.dumps([str(error)]))
"""
    told, came = on_small_disk(code, ledger=str(path))

    assert came == []
    assert "no space is left" in told[0]
