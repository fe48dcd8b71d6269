"""``docframes doctor``: what it finds, what it says to do, and what it never shows or sends."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import time
import types
from email.utils import format_datetime, formatdate
from importlib import metadata

import pytest
from conftest import Says
from test_cache import locked  # noqa: F401

from docframes import cache, read_ledger, sandbox, validis, validocx
from docframes.cli import doctor, main
from docframes.cli.doctor import surroundings, versions
from docframes.settings import Settings
from docframes.transport.clock import skew

KEY = "vdx_org_Abcd1234_" + "s3cr3t" * 6
unix = pytest.mark.skipif(os.name == "nt", reason="modes are Unix")


@pytest.fixture(autouse=True)
def _no_proxy_of_the_machine(monkeypatch):
    """No proxy and no certificates of whoever runs the tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def folder():
    """The cache folder, which is there."""
    cache.location().mkdir(mode=0o700)
    return cache.location()


@pytest.fixture
def loaded(box, monkeypatch):
    """The environment names an account of the sandbox, which has loaded something."""
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", box.key("validocx"))
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_BASE_URL", box.url("validocx"))
    with validocx.Client() as client:
        validocx.load_jobs(client=client, progress=False)
    return client


def section(title, **options):
    """The lines of a section, as ``mark: text``."""
    return [f"{line.mark}: {line.told}" for line in doctor.sections(**options)[title]]


def problems(title, **options):
    return [line for line in section(title, **options) if line.startswith("problem")]


# --- the whole ----------------------------------------------------------------------------------------------------


def test_a_machine_in_order_ends_with_0(loaded, capsys):
    """Every section is there, each line has its mark, and it says that nothing was sent."""
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out

    titles = ["Versions", "Keys", "Cache", "Clock", "Proxies and certificates", "Settings"]
    assert [line for line in text.splitlines() if line in titles] == titles
    assert set(re.findall(r"^  (\w+) {3,}\S", text, re.MULTILINE)) == {"ok", "note"}
    assert "No problem. Nothing was sent" in text
    assert max(len(line) for line in text.splitlines() if "/" not in line) <= 80


def test_a_problem_ends_with_1(monkeypatch, capsys):
    """Their number is told."""
    monkeypatch.setenv("DOCFRAMES_WORKERS", "many")
    monkeypatch.setenv("DOCFRAMES_VALIDOX_API_KEY", KEY)

    assert main(["doctor"]) == 1
    assert "2 problems." in capsys.readouterr().out


def test_nothing_is_sent_unless_asked(loaded, no_sockets, capsys):
    """Not even to find out whether somebody is there."""
    assert main(["doctor"]) == 0
    assert "--online" in capsys.readouterr().out


def test_online_and_secrets_are_two_things(capsys):
    """A command that cannot be ends with 2."""
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--online", "--secrets", "x"])

    assert ended.value.code == 2


# --- versions -----------------------------------------------------------------------------------------------------


def test_versions_are_those_of_the_packages():
    """Needed ones and optional ones, as their metadata have them."""
    told = section("Versions")

    for name in ("pandas", "pyarrow", "requests", "requests-cache", "duckdb", "polars", "keyring"):
        assert f"ok: {name} {metadata.version(name)}" in told


def test_what_is_missing_or_too_old_says_how_to_install_it(monkeypatch):
    """A needed package is a problem, an optional one is worth a note."""
    real = metadata.version

    def version(name):
        if name in ("tqdm", "polars"):
            raise metadata.PackageNotFoundError(name)
        return "1.5.3" if name == "pandas" else real(name)

    monkeypatch.setattr(versions.metadata, "version", version)
    told = section("Versions")

    assert any(line.startswith("problem: pandas 1.5.3 is not >=3.0. pip install") for line in told)
    assert any(line.startswith("problem: tqdm is not installed, and docframes needs it. pip install") for line in told)
    assert "note: polars is not installed; it is optional. pip install 'docframes[scale]'" in told


# --- keys ---------------------------------------------------------------------------------------------------------


def test_keys_are_told_by_the_name_of_their_place(monkeypatch):
    """A variable's name, or the keyring's entry; what is nowhere, with what to set."""
    module, errors = types.ModuleType("keyring"), types.ModuleType("keyring.errors")
    errors.KeyringError = errors.NoKeyringError = RuntimeError
    module.errors = errors
    module.get_password = lambda service, user: f"{KEY}2" if user == "veridox_api_key" else None
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", KEY)
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_BASE_URL", f"https://me:pw@own.example.org/v1?token={KEY}")
    told = section("Keys")

    assert "ok: validocx: api_key from DOCFRAMES_VALIDOCX_API_KEY" in told
    assert "ok: veridox: api_key from the keyring (docframes, veridox_api_key)" in told
    assert any(line.startswith("note: docdigitizer: no credential. To use it, set DOCFRAMES_DOCD") for line in told)
    assert "note: validocx: calls go to https://own.example.org/v1, since DOCFRAMES_VALIDOCX_BASE_URL is set" in told
    assert not [line for line in told if "s3cr3t" in line or str(len(KEY)) in line or "pw" in line]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PAPERSHIFT_EMAIL": "a@example.org"}, "DOCFRAMES_PAPERSHIFT_PASSWORD"),
        ({"VALIDIS_API_KEY": KEY}, "DOCFRAMES_VALIDIS_REGION"),
        ({"VALIDOCX_API_KEY": "with s3cr3t space"}, "Copy it again"),
        ({"VERIDOX_API_KEY": KEY, "VERIDOX_BASE_URL": "http://far.example.org"}, "https only"),
    ],
)
def test_a_credential_that_cannot_work_is_a_problem(monkeypatch, variables, words):
    """The client's own error says what is wrong; it shows nothing of the key."""
    for name, value in variables.items():
        monkeypatch.setenv(f"DOCFRAMES_{name}", value)
    (told,) = problems("Keys")

    assert words in told
    assert "s3cr3t" not in told


# --- cache --------------------------------------------------------------------------------------------------------


def test_a_cache_that_is_not_there_is_only_noted():
    """Nor is it made."""
    told = section("Cache")

    assert told[0].startswith("note: ")
    assert "is not there yet" in told[0]
    assert not cache.location().exists()


def test_a_cache_in_order_is_told_by_account(loaded):
    """Answers, frames, room, modes, and the sum."""
    told = section("Cache")

    assert [line.partition(":")[0] for line in told] == ["ok"] * len(told)
    assert any(line.startswith(f"ok: validocx {loaded.account}: 1 answer, since 2") for line in told)
    assert f"ok: validocx {loaded.account}: 1 kept frame" in told
    if os.name != "nt":
        assert "ok: only its owner can enter it (0700)" in told


def test_the_share_of_what_has_expired_is_told(loaded):
    """Of four answers one is past its lifetime."""
    path = cache.location() / f"validocx-{loaded.account}.sqlite"
    with sqlite3.connect(path) as connection:
        row = connection.execute("SELECT value FROM responses").fetchone()[0]
        for key, expires in (("a", 1), ("b", None), ("c", None)):
            connection.execute("INSERT INTO responses VALUES (?, ?, ?)", (key, row, expires))

    assert any("4 answers, 25% of them past their lifetime" in line for line in section("Cache"))


@pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\0" + b"\1" * 900])
def test_a_file_that_is_no_database_is_a_problem(folder, content):
    """With the command that deletes it."""
    (folder / "veridox-0123456789ab.sqlite").write_bytes(content)
    (told,) = problems("Cache")

    assert "veridox-0123456789ab.sqlite" in told
    assert "docframes cache clear --vendor veridox" in told


def test_a_damaged_page_is_found(loaded):
    """The header is whole, and SQLite's own check says what is not."""
    path = cache.location() / f"validocx-{loaded.account}.sqlite"
    whole = bytearray(path.read_bytes())
    whole[8192:12288] = b"\xa5" * 4096
    path.write_bytes(whole)
    told = problems("Cache")

    assert len(told) == 1
    assert path.name in told[0]


def test_a_locked_file_is_a_problem(loaded, locked, monkeypatch):  # noqa: F811
    """Another process writes to it without end."""
    monkeypatch.setattr("docframes.cli.doctor.folder._BUSY", 0.05)
    locked(cache.location() / f"validocx-{loaded.account}.sqlite")
    (told,) = problems("Cache")

    assert "another process holds" in told


@unix
def test_modes_that_let_others_in_are_told(loaded):
    """To see names is a note, to read or write is a problem; the command that mends it is named."""
    cache.location().chmod(0o755)
    assert problems("Cache") == []
    assert any(line.startswith("note: others can see the names") for line in section("Cache"))

    (cache.location() / f"validocx-{loaded.account}.sqlite").chmod(0o644)
    (told,) = problems("Cache")
    assert f"others can read 1 file in it (validocx-{loaded.account}.sqlite). chmod -R go= " in told

    cache.location().chmod(0o777)
    assert any(line.startswith("problem: others can write in it (0777)") for line in problems("Cache"))

    cache.location().chmod(0o700)
    assert problems("Cache") == []


def test_a_file_in_the_place_of_the_folder_is_a_problem():
    """Nothing can be kept."""
    cache.location().write_text("in the way")
    (told,) = problems("Cache")

    assert "is a file, where the folder should be" in told


def test_little_room_is_told(folder, monkeypatch):
    """Below 20 MB nothing more can be kept; below 1 GB a ledger may not fit."""
    import shutil
    from types import SimpleNamespace

    for free, mark in ((10_000_000, "problem"), (500_000_000, "note"), (5_000_000_000, "ok")):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        (told,) = [line for line in section("Cache") if "free on its disk" in line]

        assert told.startswith(mark)


def test_frames_that_cannot_be_read_are_counted(loaded):
    """One that was cut short among them."""
    (path,) = cache.location().glob("*.frames/*.arrow")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    path.with_name("other.arrow").write_bytes(b"no frame")
    (told,) = problems("Cache")

    assert "2 kept frames, of which 2 cannot be read" in told


def test_ledgers_are_looked_at(tmp_path):
    """A whole one is counted, a damaged one is a problem, a draft is noted."""
    store = read_ledger(sandbox.write_ledger(tmp_path / "gl.zip", lines=100)).store
    assert "ok: 1 ledger in 1 store that is whole" in section("Cache")

    store.path("transactions").write_bytes(b"")
    (cache.location() / "ledgers" / ".abc.part").mkdir()
    told = section("Cache")

    assert any(line.startswith("problem: ledger ") and "is damaged" in line for line in told)
    assert any(line.startswith("note: a ledger was left half-written") for line in told)


# --- clock --------------------------------------------------------------------------------------------------------


def test_times_in_the_future_say_that_the_clock_was_moved(loaded, box, monkeypatch):
    """An answer fetched tomorrow, a call counted tomorrow."""
    assert problems("Clock") == []
    path = cache.location() / f"validocx-{loaded.account}.sqlite"
    later = time.time() + 86_400
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE responses SET value = json_set(value, '$.created_at', ?)", (later,))
    client = validis.Client(api_key=box.key("validis"), base_url=box.url("validis"))
    client.quota.take(client.account)
    with sqlite3.connect(cache.location() / "validis.quota") as connection:
        connection.execute("UPDATE calls SET at = ?", (later,))
    answers, calls = problems("Clock")

    assert re.search(rf"{path.name} holds something fetched (1 day, 0:00|23:59)", answers)
    assert re.search(r"validis.quota has calls (1 day, 0:00|23:59)", calls)


@pytest.mark.parametrize(("ahead", "mark"), [(0, "ok"), (-30, "ok"), (300, "problem"), (-300, "problem")])
def test_the_clock_is_compared_with_the_vendors(scripted, monkeypatch, ahead, mark):
    """One HEAD for the root, without the key; more than a minute is a problem, on either side."""
    server = scripted(lambda asked: Says(b"", 401, {"Date": formatdate(time.time() - ahead, usegmt=True)}))
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", KEY)
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_BASE_URL", f"{server.url}/api/v1")
    (told,) = [line for line in section("Clock", online=True) if "validocx" in line]
    (asked,) = server.asked

    assert told.startswith(mark)
    if mark == "problem":
        assert ("ahead of" if ahead > 0 else "behind") in told
        assert re.search(r"0:0(5:00|4:59|5:01) ", told)
    assert (asked.method, asked.path, asked.query) == ("HEAD", "/", {})
    assert KEY not in str(asked.headers.values())
    assert not {"authorization", "x-api-key", "cookie"} & set(asked.headers)


def test_only_vendors_that_are_used_here_are_asked(scripted, monkeypatch):
    """One has a key, one has an address; nobody else is told that docframes is here."""
    server = scripted(lambda asked: Says(b""))
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", KEY)
    for name in ("VALIDOCX", "DOCDIGITIZER"):
        monkeypatch.setenv(f"DOCFRAMES_{name}_BASE_URL", server.url)
    told = section("Clock", online=True)

    assert len(server.asked) == 2
    assert [word for word in ("veridox", "papershift", "validis") if word in str(told)] == []


def test_with_nobody_to_ask_nothing_is_sent(no_sockets):
    """The same where the setting says offline."""
    assert any("no vendor has a credential" in line for line in section("Clock", online=True))


def test_offline_is_kept_to(no_sockets, monkeypatch):
    """DOCFRAMES_OFFLINE stands above --online."""
    monkeypatch.setenv("DOCFRAMES_OFFLINE", "1")
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", KEY)

    assert any("DOCFRAMES_OFFLINE is set, so nothing was sent" in line for line in section("Clock", online=True))


def test_a_host_that_is_silent_or_has_no_date_is_a_problem(scripted, monkeypatch):
    """In words, and without what stands behind the address."""
    silent = skew(f"http://127.0.0.1:9/v1?token={KEY}", Settings(connect_timeout=2))
    dated = scripted(lambda asked: Says(b"", 200, {"Date": "whenever"}))

    assert silent.seconds is None
    assert KEY not in silent.note
    assert skew(dated.url, Settings()).note == "it answers without a Date that can be read"


def test_a_date_is_taken_as_it_is_meant(scripted):
    """Half a second is taken for what the header cuts off, so an exact clock is never more than that away."""
    from datetime import UTC, datetime

    server = scripted(lambda asked: Says(b"", 200, {"Date": format_datetime(datetime.now(UTC), usegmt=True)}))

    assert abs(skew(server.url, Settings()).seconds) <= 1.0


# --- the environment ----------------------------------------------------------------------------------------------


def test_proxies_are_told_without_their_login(monkeypatch):
    """Upper and lower case, with and without a scheme."""
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cr3t@proxy.example.org:3128/path?x=s3cr3t")
    monkeypatch.setenv("http_proxy", "me:s3cr3t@proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", "localhost")
    told = section("Proxies and certificates")

    assert told == [
        "note: http_proxy is [login]@proxy.example.org:3128",
        "note: HTTPS_PROXY is http://[login]@proxy.example.org:3128",
        "note: NO_PROXY is localhost",
    ]


def test_certificates_that_are_not_there_are_a_problem(monkeypatch, tmp_path):
    """No https call would work."""
    (tmp_path / "own.pem").write_text("")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "own.pem"))
    assert problems("Proxies and certificates") == []

    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "gone.pem"))
    (told,) = problems("Proxies and certificates")
    assert "gone.pem, where nothing is" in told


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("DOCFRAMES_VALIDOX_API_KEY", "DOCFRAMES_VALIDOCX_API_KEY"),
        ("DOCFRAMES_CACHEDIR", "DOCFRAMES_CACHE_DIR"),
        ("DOCFRAMES_VALIDIS_SECOND_API_KEY", "DOCFRAMES_VALIDIS_SECONDARY_API_KEY"),
        ("DOCFRAMES_PAPERSHIFT_PASSWORT", "DOCFRAMES_PAPERSHIFT_PASSWORD"),
    ],
)
def test_a_misspelt_variable_is_a_problem_with_the_right_one(monkeypatch, name, near):
    """And its value stays where it is."""
    monkeypatch.setenv(name, KEY)
    (told,) = problems("Settings")

    assert told == f"problem: {name} is set, and docframes reads no such variable. Did you mean {near}?"


def test_a_variable_like_no_other_is_only_noted(monkeypatch):
    """It may be somebody else's."""
    monkeypatch.setenv("DOCFRAMES_FAVOURITE_COLOUR", "blue")

    assert "note: DOCFRAMES_FAVOURITE_COLOUR is set, and docframes reads no such variable" in section("Settings")


def test_every_variable_that_is_read_is_known(monkeypatch):
    """Those of the sandbox, which sets all that rooms need, among them."""
    with sandbox.running(jobs=1, time_scale=0.5):
        told = section("Settings")

    assert not [line for line in told if "reads no such variable" in line]


def test_a_shortened_time_is_for_the_sandbox_only(monkeypatch):
    """With a real vendor behind it, waits that the vendor asks for would not be kept."""
    monkeypatch.setenv("DOCFRAMES_TIME_SCALE", "0.01")
    assert problems("Settings") == []

    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", KEY)
    (told,) = problems("Settings")
    assert "validocx would be called for real" in told

    monkeypatch.setenv("DOCFRAMES_VALIDOCX_BASE_URL", "http://127.0.0.1:9")
    assert problems("Settings") == []


def test_settings_that_cannot_be_are_told_and_the_rest_is_looked_at(monkeypatch, tmp_path):
    """The folder is that of the environment all the same."""
    monkeypatch.setenv("DOCFRAMES_WORKERS", "99")
    monkeypatch.setenv("DOCFRAMES_CACHE_DIR", str(tmp_path / "own"))
    settings, (wrong,) = surroundings.settings()

    assert settings.cache_folder == tmp_path / "own"
    assert "workers is 99" in wrong.told
    assert main(["doctor"]) == 1
