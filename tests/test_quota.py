"""``docframes quota`` and the counts behind it: what is used, left and free again, by key and never by its value."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest

from docframes import cache, sandbox, validis
from docframes.cli import main
from docframes.cli.quota import usages
from docframes.transport import usage
from docframes.transport.limits import Quota, QuotaLimit

LIMIT = QuotaLimit(3, 100.0)


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


@pytest.fixture
def running():
    """A sandbox that the environment names, with its two keys."""
    with sandbox.running(jobs=2, time_scale=0.01) as box:
        yield box


def shown(capsys):
    """What ``docframes quota`` prints: rows by name of the key, and the whole."""
    assert main(["quota"]) == 0
    text = capsys.readouterr().out
    rows = re.findall(r"^ +(primary|secondary|another) +([0-9a-f]{12}) +([\d,]+) +([\d,]+) +(.+)$", text, re.MULTILINE)
    return {name: rest for name, *rest in rows}, text


# --- reading the count --------------------------------------------------------------------------------------------


def test_a_window_that_is_full_says_when_the_next_call_is_free(tmp_path):
    """Three calls at 1000, 1040 and 1060 in a window of 100 s: the next one is free at 1100."""
    now = [1000.0]
    quota = Quota(tmp_path / "q", LIMIT, clock=lambda: now[0])
    for now[0] in (1000.0, 1040.0, 1060.0):
        quota.take("a")
    told = usage.read(tmp_path / "q", LIMIT, now=1070.0).accounts

    assert told == {"a": usage.Usage("a", 3, 0, moment(1100.0))}


def test_calls_that_left_the_window_are_not_counted(tmp_path):
    """At 1139 one call is left in it, and two may be made at once."""
    now = [1000.0]
    quota = Quota(tmp_path / "q", LIMIT, clock=lambda: now[0])
    for now[0] in (1000.0, 1039.0, 1040.0):
        quota.take("a")
    told = usage.read(tmp_path / "q", LIMIT, now=1139.0).accounts

    assert told == {"a": usage.Usage("a", 1, 2)}


def test_a_block_lasts_longer_than_the_window_frees_calls(tmp_path):
    """The vendor's word counts, and ends."""
    quota = Quota(tmp_path / "q", LIMIT, clock=lambda: 1000.0)
    quota.take("a")
    quota.block("a", 500.0)
    quota.block("b", 20.0)

    assert usage.read(tmp_path / "q", LIMIT, now=1010.0).accounts == {
        "a": usage.Usage("a", 1, 2, moment(1500.0), moment(1500.0)),
        "b": usage.Usage("b", 0, 3, moment(1020.0), moment(1020.0)),
    }
    assert usage.read(tmp_path / "q", LIMIT, now=1500.0).accounts == {}


def test_to_read_a_count_makes_none(tmp_path):
    """Nothing is there before, and nothing after."""
    told = usage.read(tmp_path / "none" / "q", LIMIT)

    assert (dict(told.accounts), told.latest, told.note) == ({}, None, "")
    assert list(tmp_path.iterdir()) == []


# --- the command --------------------------------------------------------------------------------------------------


def test_calls_are_counted_by_key(running, capsys):
    """As many as reached the vendor, the token's among them; the second key has made none."""
    validis.load_journals(4711, progress=False)
    rows, text = shown(capsys)
    made = running.count("validis", host="api")

    assert made > 2
    client = validis.Client()
    assert rows["primary"] == [client.account, str(made), f"{5000 - made:,}", "now"]
    assert rows["secondary"][1:] == ["0", "5,000", "now"]
    assert "5,000 calls of one key in any 24 hours" in text
    assert "Nothing is counted yet" not in text


def test_no_key_is_shown(running, capsys):
    """Neither whole nor its secret part; accounts are fingerprints."""
    validis.load_periods(4711, progress=False)
    _, text = shown(capsys)

    assert [secret for secret in running.canaries if secret in text] == []
    assert running.key("validis") not in text


def test_nothing_counted_yet_says_so(running, capsys):
    """With keys, each has all its calls."""
    rows, text = shown(capsys)

    assert "Nothing is counted yet." in text
    assert rows["primary"][1:] == rows["secondary"][1:] == ["0", "5,000", "now"]


def test_a_blocked_key_says_until_when(running, capsys):
    """The vendor refused it for an hour; the other one is free."""
    client = validis.Client()
    client.quota.block(client.account, 3600.0)
    until = time.time() + 3600.0
    rows, text = shown(capsys)

    told = re.search(r"the primary\s+key\s+has no call left until\s+(\S+)\s+(\S+)\s+UTC", text)
    stated = datetime.fromisoformat(f"{told[1]} {told[2]}").replace(tzinfo=UTC).timestamp()
    assert abs(stated - until) < 60
    assert rows["primary"][3].endswith(", blocked")
    assert rows["secondary"][3] == "now"


def test_calls_of_a_key_that_is_not_here_are_another_s(running, capsys, monkeypatch):
    """They stay counted, under its fingerprint."""
    validis.load_periods(4711, progress=False)
    account = validis.Client().account
    monkeypatch.setenv("DOCFRAMES_VALIDIS_API_KEY", "a-key-of-another-account-1")
    rows, _ = shown(capsys)

    assert rows["another"][0] == account
    assert int(rows["another"][1]) == running.count("validis", host="api")
    assert rows["primary"][1] == "0"


def test_without_a_key_the_variables_are_named(capsys):
    """And nothing is made up."""
    rows, text = shown(capsys)

    assert rows == {}
    assert "DOCFRAMES_VALIDIS_API_KEY" in text
    assert "Nothing is counted yet." in text


def test_other_vendors_have_their_documented_rates(capsys):
    """As the vendors' pages say them: Veridox 10 a minute and 20 downloads, Papershift 300 a minute."""
    _, text = shown(capsys)
    found = re.findall(r"^  (\w+): ((?:.|\n  (?!\w+:))+)", text, re.MULTILINE)
    line = {name: re.sub(r"\s+", " ", rates) for name, rates in found}

    assert line["veridox"].startswith("10 a minute; ")
    assert "download 20 a minute" in line["veridox"]
    assert line["papershift"] == "300 a minute; sign_in 5 in 20 seconds"
    assert line["validocx"] == line["docdigitizer"] == "none"


def test_a_count_that_cannot_be_read_is_an_error(capsys):
    """It is told in words, and ends with 1."""
    cache.location().mkdir(parents=True)
    (cache.location() / "validis.quota").write_bytes(b"no database at all, but long enough to be looked at" * 4)

    assert main(["quota"]) == 1
    assert "cannot be read (DatabaseError" in capsys.readouterr().err


def test_a_vendor_without_a_quota_is_refused():
    """It documents rates only."""
    with pytest.raises(ValueError, match="validocx documents no number of calls"):
        usages("validocx")
