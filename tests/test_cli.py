"""The command line: what it prints, how it ends, and what it leaves alone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from decimal import Decimal

import pytest

import docframes
from docframes import sandbox, validocx
from docframes.cli import main
from docframes.cli.screen import WIDTH, Screen, table
from docframes.words import count, money, size

COMMAND = [sys.executable, "-m", "docframes.cli"]


def test_help_names_every_command(capsys):
    """Whoever asks for help reads of every command."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert [word for word in ("demo", "sandbox", "cache", "quota", "doctor", "lab") if word not in shown] == []


def test_help_imports_nothing_heavy():
    """Help and version answer without pandas, matplotlib, requests or Flask."""
    script = (
        "import sys\nfrom docframes.cli import main\n"
        "try: main(['--version'])\nexcept SystemExit: pass\n"
        "print([m for m in ('pandas', 'pyarrow', 'matplotlib', 'requests', 'flask') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert shown.splitlines() == [f"docframes {docframes.__version__}", "[]"]


@pytest.mark.parametrize(
    "arguments",
    [[], ["dema"], ["demo", "--rael", "x"], ["sandbox", "--port", "70000"], ["cache", "clear", "--older-than", "soon"]],
)
def test_a_command_that_cannot_be_ends_with_2(arguments, capsys):
    """Usage errors say how to use it, and end with 2."""
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = ended.code

    assert code == 2
    assert "usage: docframes" in capsys.readouterr().err


def test_an_error_is_one_message_and_no_traceback(capsys):
    """An error of docframes is told in its own words, and the command ends with 1."""
    code = main(["sandbox", "--chaos", "no such way"])
    shown = capsys.readouterr()

    assert (code, shown.out) == (1, "")
    assert shown.err.startswith("docframes: ")
    assert "Traceback" not in shown.err


def test_the_sandbox_needs_flask(monkeypatch, capsys):
    """Without Flask the message says what to install."""
    monkeypatch.setattr(sandbox, "find_spec", lambda name: None)

    assert main(["sandbox"]) == 1
    assert 'pip install "docframes[sandbox]"' in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_the_sandbox_runs_until_it_is_interrupted():
    """It tells its address and key, answers there, and Ctrl-C ends it with 130 and no traceback."""
    process = subprocess.Popen(
        [*COMMAND, "sandbox", "--jobs", "3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        greeting = "".join(iter(process.stdout.readline, "Ctrl-C stops it.\n"))
        address, key = re.search(r"validocx +(\S+) +key (\S+)", greeting).groups()
        request = urllib.request.Request(f"{address}/jobs", headers={"x-api-key": key})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
    finally:
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)

    assert (process.returncode, rest, errors) == (130, "Stopped.\n", "")


def test_the_cache_can_be_looked_at_and_cleared(tmp_path, monkeypatch, capsys):
    """What a load kept is counted, told by a dry run, forgotten, and then gone."""
    with sandbox.running(jobs=3):
        monkeypatch.setenv("DOCFRAMES_CACHE_DIR", str(tmp_path))
        with validocx.Client() as client:
            validocx.load_jobs(client=client)
        assert [main(["cache", *words]) for words in (["location"], ["info"])] == [0, 0]
        kept = capsys.readouterr().out
        assert main(["cache", "clear", "--older-than", "30d"]) == 0
        assert "Forgot 0 answers" in capsys.readouterr().out
        assert main(["cache", "clear", "--dry-run"]) == 0
        assert "Would forget 1 answer of validocx" in capsys.readouterr().out
        assert main(["cache", "clear", "--vendor", "validocx"]) == 0
        assert "Forgot 1 answer of validocx" in capsys.readouterr().out
        assert main(["cache"]) == 0

    assert kept.splitlines()[0] == str(tmp_path)
    assert re.search(r"validocx +[0-9a-f]{12} +1 +0 ", kept)
    assert re.search(r"^  [\d.]+ kB in all$", kept, re.MULTILINE)
    assert capsys.readouterr().out == f"Nothing is kept in {tmp_path}.\n"


def test_clearing_what_was_never_kept_says_so(tmp_path, monkeypatch, capsys):
    """A vendor of which nothing is kept is no error, and nothing is claimed."""
    monkeypatch.setenv("DOCFRAMES_CACHE_DIR", str(tmp_path))

    assert main(["cache", "clear", "--vendor", "validocx"]) == 0
    assert capsys.readouterr().out == f"Nothing of validocx is kept in {tmp_path}.\n"


def test_clearing_a_vendor_that_there_is_not_is_refused(capsys):
    """With the name that was meant."""
    assert main(["cache", "clear", "--vendor", "validox"]) == 1
    assert "Did you mean 'validocx'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("463852232.480000", "463,852,232.48"),
        ("-629471.89", "-629,471.89"),
        ("0", "0.00"),
        ("0.005", "0.005"),
        ("90071992547409931.10", "90,071,992,547,409,931.10"),
    ],
)
def test_amounts_are_told_exactly(amount, told):
    """No amount passes through a float or is rounded."""
    assert money(Decimal(amount)) == told


def test_counts_and_sizes_read_as_words():
    """One line, two lines; bytes, then kB and MB."""
    told = [count(1, "line"), count(28_160, "line"), size(897), size(8_414), size(999_960), size(2_500_000_000)]

    assert told == ["1 line", "28,160 lines", "897 bytes", "8.4 kB", "1.0 MB", "2.5 GB"]


def test_a_table_is_as_wide_as_what_it_holds():
    """Headings of several lines stand on the rule; numbers are aligned on the right."""
    lines = table(("name", "calls\nagain"), [("jobs", "2"), ("details", "120")], "<>")

    assert lines == [
        "           calls",
        "  name     again",
        "  ──────────────",
        "  jobs         2",
        "  details    120",
    ]


class Stream:
    """A stream of one encoding."""

    def __init__(self, encoding):
        self.encoding, self.text = encoding, ""

    def write(self, text):
        self.text += text.encode(self.encoding).decode(self.encoding)

    def flush(self):
        pass


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", "─ å"), ("ascii", "- ?"), ("cp1252", "- å")])
def test_the_screen_writes_what_the_encoding_can_hold(encoding, shown):
    """Marks become ASCII, and letters that cannot be written become question marks; nothing fails."""
    stream = Stream(encoding)
    Screen(stream).say("─ å")

    assert stream.text == f"{shown}\n"


def test_paragraphs_keep_to_the_width():
    """Long text is broken between words."""
    stream = Stream("utf-8")
    Screen(stream).paragraph("word " * 60)

    assert max(len(line) for line in stream.text.splitlines()) <= WIDTH
