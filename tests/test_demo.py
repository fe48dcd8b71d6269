"""The demo: what it prints is what was loaded, and what it writes opens again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from decimal import Decimal

import pandas as pd
import pytest

from docframes import sandbox
from docframes.cli import main
from docframes.cli.demo import CONTENTS, FOLDER
from docframes.sandbox.company import Company
from docframes.sandbox.company.books import Books
from docframes.sandbox.company.forensics import examine
from docframes.sandbox.company.inbox import receive
from docframes.sandbox.company.personnel import file_away

LINES = 5_000  #: of the ledger behind the stand-in of Validis

#: What a user's shell may hold; the demo depends on none of it.
HOSTILE = {
    "DOCFRAMES_OFFLINE": "1",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "DOCFRAMES_VALIDOCX_BASE_URL": "https://x.invalid",
    "DOCFRAMES_VALIDIS_SECONDARY_API_KEY": "a-key-of-the-users",
    "DOCFRAMES_VALIDIS_REGION": "nowhere",
    "DOCFRAMES_PAPERSHIFT_TOKEN": "a-token-of-the-users",
    "DOCFRAMES_VERIDOX_REGION": "nowhere",
}
COMMAND = [sys.executable, "-m", "docframes.cli", "demo"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """One run in an empty folder: the folder, and what was printed."""
    place = tmp_path_factory.mktemp("empty")
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **HOSTILE}
    done = subprocess.run(COMMAND, cwd=place, env=environment, capture_output=True, encoding="utf-8", check=True)
    assert done.stderr == ""
    return place, done.stdout


def run_in(folder, *arguments, monkeypatch):
    monkeypatch.chdir(folder)
    return main(["demo", *arguments])


def row(shown: str, name: str) -> list[str]:
    """The cells of a row of a table."""
    line = re.search(rf"^ +{re.escape(name)} +(.*)$", shown, re.MULTILINE)
    assert line, f"no row {name} in:\n{shown}"
    return line[1].split()


def test_the_table_tells_the_company(ran):
    """Rows are the company's, the second load makes no call, and every certificate passes."""
    shown, company = ran[1], Company(7)
    forms = [company.form(job["id"]) for job in company.jobs]
    answers = sum(len(question["answers"]) for form in forms for step in form.steps for question in step["questions"])

    projects, jobs, details = (row(shown, f"load_{name}") for name in ("projects", "jobs", "job_details"))
    assert (projects[0], projects[2], projects[4], projects[6]) == (str(len(company.projects)), "1", "0", "PASS")
    assert (jobs[0], jobs[2], jobs[4], jobs[6]) == (str(len(company.jobs)), "2", "0", "PASS")
    assert (details[0], details[2], details[4]) == (str(len(company.jobs)), "0", "PASS")
    assert (row(shown, ".answers")[0], row(shown, ".answers")[2]) == (f"{answers:,}", "PASS")


def test_every_vendor_has_its_frames(ran):
    """Rows are those of the company's inbox, laboratory, books and personnel files; nothing is asked for again."""
    shown, company = ran[1], Company(7)
    inbox, lab, personnel = receive(company), examine(company), file_away(company)
    books = Books(company, LINES)
    wanted = {
        "docdigitizer": {"load_documents": len(inbox.papers)},
        "veridox": {"load_cases": len(lab.cases), "load_files": len(lab.files)},
        "validis": {"load_accounts": len(books.accounts), "load_payable_items": len(books.payable_items),
                    "load_journals": LINES},
        "papershift": {"load_users": len(personnel.users), "load_teams": len(personnel.teams)},
    }  # fmt: skip
    for vendor, loaders in wanted.items():
        part = part_of(shown, vendor)
        for loader, rows in loaders.items():
            assert row(part, loader)[0] == f"{rows:,}"
    assert re.search(r"counted \d+ calls the first time, sign-ins and refusals among\s+them, and 0 the second", shown)
    again = [line.split()[-3] for line in re.findall(r"^    load_\w+ .*$", shown, re.M)]
    assert again == ["0"] * 17


def test_every_frame_has_its_certificate(ran):
    """PASS, or CANNOT_PROVE with a sentence that says why; what may not be seen is counted, calmly."""
    shown, personnel = ran[1], file_away(Company(7))
    frames = re.findall(r"^    (?:load_|  \.)\w+ .*$", shown, re.M)
    hidden = {personnel.forbidden, personnel.hidden}
    seen = sum(len(rows) for user, rows in personnel.documents.items() if user not in hidden)
    told = " ".join(shown.split())

    assert {line.split()[-1] for line in frames} == {"PASS", "CANNOT_PROVE"}
    assert row(part_of(shown, "papershift"), "load_documents")[0] == str(seen)
    assert f"papershift.load_documents: {seen} rows; the vendor declares no total" in told
    assert f"{len(hidden)} of {len(personnel.users)} lists may not be seen with this credential." in told
    assert "Warning" not in shown


def part_of(shown: str, vendor: str) -> str:
    """The lines of a vendor in the table."""
    return re.search(rf"^  {vendor}\n((?:    .*\n)+)", shown, re.M)[1]


def test_the_control_totals_are_those_of_the_ledger(ran, tmp_path):
    """Debit and credit are the sums of the company's ledger, to the penny."""
    path = sandbox.write_ledger(tmp_path / "ledger.zip", lines=LINES, faults=True)
    frame = pd.read_csv(member(path, "transactions"), dtype="str", sep=None, engine="python")
    amounts = [Decimal(text) for text in frame[amount_column(frame)]]
    debit = sum(amount for amount in amounts if amount > 0)
    credit = -sum(amount for amount in amounts if amount < 0)

    assert row(ran[1], "GBP") == [f"{len(frame):,}", f"{debit:,.2f}", f"{credit:,.2f}", f"{debit - credit:,.2f}"]
    assert (ran[0] / FOLDER / "parquet" / "validis_gl_transactions.parquet").is_file()


def member(path, word):
    import io
    import zipfile

    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if word in name.lower())
        return io.StringIO(archive.read(name).decode("utf-8-sig"))


def amount_column(frame):
    return next(name for name in ("BASE_VALUE", "BASE_AMOUNT", "AMOUNT", "VALUE") if name in frame.columns)


def test_it_prints_within_80_columns_and_ends_lines_cleanly(ran):
    """No line is longer than a terminal is wide, and none ends in blanks."""
    lines = ran[1].splitlines()

    assert [line for line in lines if len(line) > 80 or line != line.rstrip()] == []


def test_it_prints_and_writes_no_secret(ran):
    """No key, link, port or machine path, on the screen or in the files."""
    texts = [ran[1].encode(), *(path.read_bytes() for path in (ran[0] / FOLDER).rglob("*") if path.is_file())]
    with sandbox.running(jobs=1, environment=False) as box:
        # The same seed gives the same keys.
        secrets = [part.encode() for part in box.canaries]

    users = [HOSTILE[name].encode() for name in HOSTILE if name.endswith(("KEY", "TOKEN"))]
    found = [
        secret
        for secret in (*secrets, *users, b"127.0.0.1:", b"?token=", str(ran[0]).encode())
        for text in texts
        if secret in text
    ]
    assert found == []


def test_it_writes_what_it_names_and_nothing_else(ran):
    """Every file is there, no temporary one is left, and nothing lies beside the folder."""
    folder = ran[0] / FOLDER
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    assert files == {"README.txt", *CONTENTS}
    assert [path.name for path in ran[0].iterdir()] == [FOLDER.name]


def test_what_it_writes_opens_again(ran):
    """Frames keep their dtypes, the answers are all there and as they were sent, the chart is a picture."""
    folder = ran[0] / FOLDER
    answers = pd.read_parquet(folder / "parquet" / "validocx_job_details_answers.parquet")
    sheet = pd.read_csv(folder / "answers.csv", dtype="str", keep_default_na=False, encoding="utf-8-sig")
    jobs = pd.read_parquet(folder / "parquet" / "validocx_jobs.parquet")

    assert str(jobs["completed_at"].dtype) == "datetime64[us, UTC]"
    assert sheet["value"].tolist() == answers["value"].fillna("").tolist()
    assert (folder / "chart.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    for name in ("document", "scan", "examined", "personnel"):
        assert (folder / "files" / f"{name}.pdf").read_bytes()[:5] == b"%PDF-"
    files = pd.read_parquet(folder / "parquet" / "veridox_files.parquet")
    assert files["current_risk_score"].cat.categories.tolist() == ["Informational", "Low", "Medium", "High"]
    assert (folder / "files" / "photo.jpg").read_bytes()[:3] == b"\xff\xd8\xff"


def test_a_second_run_writes_over_its_own_files_only(ran, monkeypatch, capsys):
    """The demo can run again; a file of the user's in its folder stays as it is."""
    own = ran[0] / FOLDER / "notes.txt"
    own.write_text("mine")
    try:
        assert run_in(ran[0], monkeypatch=monkeypatch) == 0
        assert own.read_text() == "mine"
    finally:
        own.unlink()

    shown = capsys.readouterr().out
    assert row(shown, "load_jobs")[0] == row(ran[1], "load_jobs")[0]
    assert pd.read_parquet(ran[0] / FOLDER / "parquet" / "validocx_projects.parquet").shape == (40, 15)


def test_a_file_of_somebody_else_is_left_alone(tmp_path, monkeypatch, capsys):
    """Where a file of the same name is not the demo's, it says so and writes nothing."""
    (tmp_path / FOLDER).mkdir()
    theirs = tmp_path / FOLDER / "answers.csv"
    theirs.write_text("theirs")

    assert run_in(tmp_path, monkeypatch=monkeypatch) == 1
    assert "was not written by the demo" in capsys.readouterr().err
    assert [path.read_text() for path in (tmp_path / FOLDER).iterdir()] == ["theirs"]


def test_a_ledger_of_the_users_is_read_and_not_copied(tmp_path, monkeypatch, capsys):
    """Its totals are printed by currency, what is wrong with it is counted, and none of it is written."""
    path = tmp_path / "mine.csv"
    lines = ["date,account,amount,currency,text", "20250101,1,10.10,EUR,alpha-marker", "20250101,2,-10.10,EUR,b"]
    path.write_text("\n".join([*lines, "20250102,1,5.00,USD,c", "20250102,2,x"]) + "\n")

    assert run_in(tmp_path, "--real", str(path), monkeypatch=monkeypatch) == 0
    shown = capsys.readouterr().out
    written = b"".join(file.read_bytes() for file in (tmp_path / FOLDER).rglob("*") if file.is_file())
    assert row(shown, "EUR") == ["2", "10.10", "10.10", "0.00"]
    assert row(shown, "USD") == ["1", "5.00", "0.00", "5.00"]
    assert row(shown, "all") == ["3", "15.10", "10.10", "5.00"]
    assert "Problems in its files: ragged (1); 1 line kept out." in shown
    assert b"alpha-marker" not in written
    assert not (tmp_path / FOLDER / "parquet" / "validis_gl_transactions.parquet").exists()


def test_the_audit_data_standard_ledger(real_data, tmp_path, monkeypatch, capsys):
    """28,160 lines, with the totals that were published with them, by currency."""
    path = real_data / "aicpa-gl" / "GL_Detail_20070101_20071231.zip"

    assert run_in(tmp_path, "--real", str(path), monkeypatch=monkeypatch) == 0
    shown = capsys.readouterr().out

    assert row(shown, "all") == ["28,160", "463,852,232.48", "464,481,704.37", "-629,471.89"]
    assert row(shown, "EUR") == ["8", "10,453.50", "10,453.50", "0.00"]
    assert row(shown, "USD")[0] == "28,152"
    assert "placeholder date (23,137); no line kept out" in shown


def test_a_path_that_is_not_there_is_told_before_anything_starts(tmp_path, monkeypatch, capsys):
    """A slip in the path costs no time, and leaves no folder."""
    assert run_in(tmp_path, "--real", "nowhere.zip", monkeypatch=monkeypatch) == 1
    assert "nowhere.zip" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_cannot_be_read_is_told_without_traceback(tmp_path, monkeypatch, capsys):
    """The reader's own words, and 1."""
    path = tmp_path / "poem.csv"
    path.write_text("roses,violets\nred,blue\n")

    assert run_in(tmp_path, "--real", str(path), monkeypatch=monkeypatch) == 1
    assert "plays the role date" in capsys.readouterr().err


def test_without_flask_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    """A missing extra is one sentence, and nothing is written."""
    monkeypatch.setattr(sandbox, "find_spec", lambda name: None)

    assert run_in(tmp_path, monkeypatch=monkeypatch) == 1
    assert 'pip install "docframes[sandbox]"' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_is_clean(tmp_path):
    """Interrupted once the files are being written: 130, one word, and every file whole or not there."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    place = tmp_path / "empty"
    place.mkdir()
    process = subprocess.Popen(
        COMMAND, cwd=place, env={**os.environ, "TMPDIR": str(scratch)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not (place / FOLDER).exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)

    assert (process.returncode, errors.decode()) == (130, "Stopped.\n")
    assert list(scratch.iterdir()) == []
    left = {path.relative_to(place / FOLDER).as_posix() for path in (place / FOLDER).rglob("*") if path.is_file()}
    assert left <= {"README.txt", *CONTENTS}
