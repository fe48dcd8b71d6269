"""Where a line of a ledger came from: the file by its SHA-256, the member, the line, and the text that stands there."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import docframes
from docframes import load_record, sandbox, validis
from docframes.errors import ConfigError
from docframes.ledger import GeneralLedger, consolidate, open_ledger, read_ledger, trial_balance

HEADER = ("Transaction ID", "Date", "Account", "Amount", "Text")
PLAIN = "Transaction ID,Date,Account,Amount,Text\nT1,2025-01-05,4000,1.00,a\nT2,2025-01-06,4000,2.00,b\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def physical(text: str) -> list[str]:
    """Lines with their ends, as an editor counts them; the standard library's own splitting, and not ours."""
    return io.StringIO(text, newline="").readlines()


def read(path: Any, cache: Path, **options: Any) -> GeneralLedger:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_ledger(path, cache_dir=cache, **options)


# --- every way to write a line ----------------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from('ab ,;|"\n\ré€'), max_size=6).filter(lambda text: text.strip() == text != "")
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252", "latin-1"]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.lists(TEXTS, max_size=2), min_size=1, max_size=5),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    delimiter=st.sampled_from([",", ";", "|", "\t"]),
    encoding=st.sampled_from(ENCODINGS),
    titles=st.integers(0, 2),
    last_end=st.booleans(),
)
def test_the_text_of_a_line_is_what_was_written_there(
    texts, end, delimiter, encoding, titles, last_end, tmp_path_factory
):
    """Line feeds in quotes, in the line and before it; any line end; any delimiter; titles above the header."""
    encodable = [["".join(c for c in text if encoding != "latin-1" or c != "€") for text in row] for row in texts]
    lines = [
        delimiter.join((f"T{place}", "2025-01-05", "4000", "1.00", quoted(" / ".join(row) or "-")))
        for place, row in enumerate(encodable)
    ]
    above = [f"Ledger of 2025, part {number}" for number in range(titles)] + [delimiter.join(HEADER)]
    content = end.join([*above, *lines]) + end * last_end
    folder = tmp_path_factory.mktemp("ledger")
    path = folder / "gl.csv"
    path.write_bytes(content.encode(encoding))
    gl = read(path, folder / "cache", encoding=encoding if encoding in ("cp1252", "latin-1", "utf-16-be") else None)
    frame = gl.transactions

    assert frame["transaction"].tolist() == [f"T{place}" for place in range(len(lines))]
    starts = [len(physical(end.join([*above, *lines[:place], ""]))) + 1 for place in range(len(lines))]
    for label, (line, raw) in enumerate(zip(starts, lines, strict=True)):
        found = docframes.trace(frame, label)
        assert (found.line, found.record, found.note) == (line, raw, "")
        assert (found.member, found.request, found.sha256) == ("gl.csv", "gl.csv", sha256(path.read_bytes()))


@pytest.mark.parametrize(
    "raw", ['T1,2025-01-05,4000,1.00,5" pipe', 'T1,2025-01-05,4000,1.00,"a"b', "T1,2025-01-05,4000,1.00,\x0b\u2028\x85"]
)
def test_a_mark_that_quotes_nothing_ends_no_line(raw, tmp_path):
    """An inch sign within a field opens none; a form feed and the separators of Unicode are text."""
    path = tmp_path / "gl.csv"
    path.write_bytes(f"{','.join(HEADER)}\n{raw}\nT2,2025-01-06,4000,2.00,b\n".encode())
    frame = read(path, tmp_path / "cache").transactions

    assert docframes.trace(frame, 0).record == raw
    assert docframes.trace(frame, 1).record == "T2,2025-01-06,4000,2.00,b"


# --- every place a file can stand -------------------------------------------------------------------------------------


def laid_out(kind: str, folder: Path, one: bytes, two: bytes) -> tuple[Any, dict[str, tuple[str, str]]]:
    """A ledger in two files, and for each its member's name, the file's name and the SHA-256 that a Trace must tell."""
    if kind == "zip":
        content = zipped({"gl-1.csv": one, "gl-2.csv": two})
        (folder / "gl.zip").write_bytes(content)
        return folder / "gl.zip", {name: ("gl.zip", sha256(content)) for name in ("gl-1.csv", "gl-2.csv")}
    if kind == "zip in zip":
        content = zipped({"a/one.zip": zipped({"gl-1.csv": one}), "two.zip": zipped({"b/gl-2.csv": two})})
        (folder / "gl.zip").write_bytes(content)
        members = ("a/one.zip/gl-1.csv", "two.zip/b/gl-2.csv")
        return folder / "gl.zip", dict.fromkeys(members, ("gl.zip", sha256(content)))
    if kind == "folder":
        (folder / "year" / "q1").mkdir(parents=True)
        (folder / "year" / "q1" / "gl.csv").write_bytes(one)
        (folder / "year" / "two.zip").write_bytes(zipped({"gl.csv": two}))
        return folder / "year", {
            "q1/gl.csv": ("year/q1/gl.csv", sha256(one)),
            "two.zip/gl.csv": ("year/two.zip", sha256((folder / "year" / "two.zip").read_bytes())),
        }
    (folder / "1.csv").write_bytes(one)
    (folder / "2.zip").write_bytes(zipped({"gl.csv": two}))
    told = {"east.csv": ("east.csv", sha256(one)), "west/gl.csv": ("west", sha256((folder / "2.zip").read_bytes()))}
    return {"east.csv": folder / "1.csv", "west": folder / "2.zip"}, told


KINDS = ["zip", "zip in zip", "folder", "several"]
ONE = "Transaction ID,Date,Account,Amount\nT1,2025-01-05,4000,1.00\n"
TWO = "Monthly export\r\nTransaction ID;Date;Account;Amount\r\nT2;2025-02-05;4000;2.00\r\n"


@pytest.mark.parametrize("kind", KINDS)
def test_each_line_is_of_its_own_file(kind, tmp_path):
    """One zip, zips in it, a folder, several by name; each file with its own delimiter and header line."""
    path, told = laid_out(kind, tmp_path, ONE.encode(), TWO.encode("utf-16"))
    frame = read(path, tmp_path / "cache").transactions
    found = {docframes.trace(frame, label).member: docframes.trace(frame, label) for label in frame.index}

    assert {name: (one.request, one.sha256) for name, one in found.items()} == told
    assert {one.record: one.line for one in found.values()} == {
        "T1,2025-01-05,4000,1.00": 2,
        "T2;2025-02-05;4000;2.00": 3,
    }
    assert {one.table for one in found.values()} == {"transactions"}


def test_part_of_a_ledger_is_traced_by_its_line_and_file(tmp_path):
    """``select`` reads less; the two columns suffice, and without that of the file it cannot be told."""
    path, _ = laid_out("zip", tmp_path, ONE.encode(), TWO.encode())
    gl = read(path, tmp_path / "cache")
    part = gl.select(["amount", "source_line", "source_member"], where=[("amount", ">", 1)])

    found = docframes.trace(part, part.index[0])
    assert (len(part), found.record, found.member) == (1, "T2;2025-02-05;4000;2.00", "gl-2.csv")
    with pytest.raises(ConfigError, match=r"are of 2 files.*Keep the column 'source_member'"):
        docframes.trace(gl.select(["amount", "source_line"]), 0)
    with pytest.raises(ConfigError, match="Keep the column 'source_line'"):
        docframes.trace(gl.select(["amount", "source_member"]), 0)


def test_a_line_is_found_after_whatever_pandas_did(tmp_path):
    """A column that was overwritten is told; one of another file's line or none of its texts at all is refused."""
    path = tmp_path / "gl.csv"
    path.write_text(PLAIN)
    gl = read(path, tmp_path / "cache")
    frame = gl.transactions
    record = "T2,2025-01-06,4000,2.00,b"

    for made in (frame[frame["amount"] > 1], frame.sort_values("amount", ascending=False), frame.assign(x=1)):
        found = docframes.trace(made, 1)
        assert (found.record, found.note) == (record, "")
    changed = docframes.trace(frame.assign(account="Sales"), 1)
    assert (changed.record, changed.note) == (
        record, "The row says otherwise in account: it was changed since, or added up.",
    )  # fmt: skip
    assert "only source_line says" in docframes.trace(gl.select(["amount", "source_line"]), 1).note
    with pytest.raises(ConfigError, match=r"no line of gl\.csv"):
        docframes.trace(frame.assign(account="x", transaction="y", text="z"), 1)


def test_balances_have_lines_too_and_other_files_have_none(tmp_path):
    """Files that are kept as text say no line."""
    files = {
        "transactions.csv": ONE.encode(),
        "period_balances.csv": b"Account,Period,Opening,Closing\n4000,01,0.00,1.00\n",
        "notes.csv": b"who,what\nann,checked\n",
    }
    (tmp_path / "gl.zip").write_bytes(zipped(files))
    gl = read(tmp_path / "gl.zip", tmp_path / "cache")

    found = docframes.trace(gl.period_balances, 0)
    assert (found.table, found.member, found.line) == ("period_balances", "period_balances.csv", 2)
    assert found.record == "4000,01,0.00,1.00"
    with pytest.raises(ConfigError, match="'source_line', which lines of transactions and balances have"):
        docframes.trace(gl.others["notes.csv"], 0)


# --- several ledgers as one -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_consolidated_lines_are_of_their_own_engagement(kind, tmp_path):
    """Two engagements with files of the same names: the engagement stands before the file's name."""
    (tmp_path / "a").mkdir()
    first, told = laid_out(kind, tmp_path / "a", ONE.encode(), TWO.encode())
    (tmp_path / "gl.csv").write_text(PLAIN)
    ledgers = {"4711": read(first, tmp_path / "cache"), "4712": read(tmp_path / "gl.csv", tmp_path / "cache")}
    frame = consolidate(ledgers, cache_dir=tmp_path / "cache").transactions
    found = [docframes.trace(frame, label) for label in frame.index]

    wanted = {f"4711/{member}": (f"4711/{name}", seal) for member, (name, seal) in told.items()}
    wanted["4712/gl.csv"] = ("4712/gl.csv", sha256(PLAIN.encode()))
    assert {one.member: (one.request, one.sha256) for one in found} == wanted
    assert [one.record for one in found] == [
        "T1,2025-01-05,4000,1.00", "T2;2025-02-05;4000;2.00", "T1,2025-01-05,4000,1.00,a", "T2,2025-01-06,4000,2.00,b",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="'engagement_id' where several ledgers make up one"):
        docframes.trace(frame.drop(columns="engagement_id"), 0)


# --- a file that is not there any more --------------------------------------------------------------------------------


def test_where_the_file_has_gone_its_seal_and_the_line_stay(tmp_path):
    """Moved away, or changed, or never there: the record is None, and the note says which of these."""
    path = tmp_path / "gl.csv"
    path.write_text(PLAIN)
    gl = read(path, tmp_path / "cache")
    gl.save(tmp_path / "saved")
    saved = open_ledger(tmp_path / "saved")
    frame = gl.transactions
    before = docframes.trace(frame, 1)
    path.write_text(PLAIN.replace("2.00", "9.00"))
    changed = docframes.trace(frame, 1)
    path.unlink()
    gone, opened = docframes.trace(frame, 1), docframes.trace(saved.transactions, 1)
    path.write_text(PLAIN)
    back = docframes.trace(frame, 1)

    assert before.record == back.record == "T2,2025-01-06,4000,2.00,b"
    for found, note in ((changed, "another one now"), (gone, "not where it was read from"), (opened, "from its store")):
        assert note in found.note
        assert found.record is None
        assert (found.request, found.member, found.line, found.sha256) == (
            "gl.csv",
            "gl.csv",
            3,
            sha256(PLAIN.encode()),
        )
        assert found.note in repr(found)


# --- what is no line --------------------------------------------------------------------------------------------------


def test_sums_have_no_line(tmp_path):
    """Frames that were reckoned lead nowhere; what pandas adds up is not taken for the line that its sum names."""
    path = tmp_path / "gl.csv"
    path.write_text(PLAIN + "T3,2025-01-07,5000,4.00,c\nT4,2025-01-08,5000,5.00,d\n")
    gl = read(path, tmp_path / "cache")
    frame = gl.transactions
    summed = frame[:2].groupby("transaction", as_index=False).sum(numeric_only=True)

    with pytest.raises(ConfigError, match="does not say how it was loaded"):
        docframes.trace(trial_balance(gl), 0)
    with pytest.raises(ConfigError, match="does not say how it was loaded"):
        docframes.trace(gl.sql("select * from transactions"), 0)
    # Lines 2 and 3 add up to 5, which is a line too, of another account.
    both = frame[:2].groupby("account", as_index=False).sum(numeric_only=True)
    assert both["source_line"].tolist() == [5]
    with pytest.raises(ConfigError, match=r"no line of gl\.csv: what stands at line 5 is another one"):
        docframes.trace(both, 0)
    with pytest.raises(ConfigError, match="what stands at line 14 is another one, or nothing"):
        docframes.trace(frame.sum(numeric_only=True).to_frame().T.pipe(_as_of, frame), 0)
    with pytest.raises(ConfigError, match="a whole number was wanted"):
        docframes.trace(frame[:2].groupby("account").mean(numeric_only=True), "4000")
    assert docframes.trace(summed, 1).record == "T2,2025-01-06,4000,2.00,b"


def _as_of(frame, other):
    frame.attrs = dict(other.attrs)
    return frame


def test_the_record_of_a_ledger_says_what_it_was_read_from(tmp_path):
    """``load_record`` and ``describe`` know a ledger's frames; a ledger has one record a table."""
    path = tmp_path / "gl.csv"
    path.write_text(PLAIN)
    gl = read(path, tmp_path / "cache")
    load = load_record(gl.transactions)

    assert (load.vendor, load.loader, load.table, load.rows) == ("ledger", "read_ledger", "transactions", 2)
    assert load.arguments == {"files": "gl.csv"}
    assert load.certificate.verdict == "CANNOT_PROVE"
    assert load_record(gl.select(["amount"])).load_id == load.load_id
    described = docframes.describe(gl.transactions).set_index("column")
    assert described.loc["amount", "meaning"]
    assert described.loc["account", "source"].startswith("Account; ")


# --- extracts and public ledgers --------------------------------------------------------------------------------------


def by_place(content: bytes, member: str, encoding: str = "utf-8") -> list[str]:
    """The physical lines of a zip's member, with their ends."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return physical(archive.read(member).decode(encoding))


def test_lines_of_an_extract_lead_to_the_archive_that_was_fetched(tmp_path, settings):
    """The vendor's zip by its SHA-256 and its own name; fetched when; and the line in it, wherever it lies."""
    with sandbox.running(jobs=5, time_scale=0.01, environment=False) as box:
        made = validis.Client(api_key=box.key("validis"), base_url=box.url("validis"), settings=settings)
        gl = validis.load_gl_extract(4711, client=made)
        frame, load = gl.transactions, load_record(gl.transactions)
        archives = {sha256(path.read_bytes()): path for path in (tmp_path / "cache").rglob("*") if path.is_file()}
        for place in range(0, len(frame), 499):
            found = docframes.trace(frame, place)
            content = archives[found.sha256].read_bytes()
            lines = by_place(content, found.member)

            assert (found.loader, found.fetched_at) == ("load_gl_extract", load.fetched_from)
            assert found.request.endswith(".zip")
            assert len(found.request) < 60
            assert re.match(re.escape(found.record), "".join(lines[found.line - 1 : found.line + 5]))
            assert found.record.count(str(frame["transaction"][place]))
            assert [canary for canary in box.canaries if canary in repr(found) + found._repr_html_()] == []


PUBLIC = {"aicpa-gl/GL_Detail_20070101_20071231.zip": 2_003, "sie/transaktioner_ovnbolag.zip": 61,
          "sie/BL0001_typ4.zip": 37, "sie/magenta_bokföring_SIE4E.zip": 41}  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_lines_of_public_ledgers_are_what_stands_in_them(name, real_data, tmp_path):
    """Each is one physical line there; none of them has a line feed within."""
    content = (real_data / name).read_bytes()
    options = {"members": {"transactions": "GL_Detail*"}} if "aicpa" in name else {}
    dates = {"dates": {"date": "%Y%m%d"}} if "sie" in name else {}
    frame = read(real_data / name, tmp_path / "cache", **options, **dates).transactions
    lines: dict[str, list[str]] = {}
    for place in (*range(0, len(frame), PUBLIC[name]), len(frame) - 1):
        found = docframes.trace(frame, place)
        known = lines.setdefault(found.member, by_place(content, found.member))

        assert found.record == known[found.line - 1].rstrip("\r\n")
        assert found.sha256 == sha256(content)
        assert str(frame["account"][place]) in found.record


def test_files_that_were_copied_elsewhere_are_read_from_there(tmp_path):
    """A ledger of the same bytes opens from the same store, and its lines are looked up where it was read from now."""
    (tmp_path / "gl.csv").write_text(PLAIN)
    read(tmp_path / "gl.csv", tmp_path / "cache")
    (tmp_path / "other").mkdir()
    shutil.move(tmp_path / "gl.csv", tmp_path / "other" / "gl.csv")
    frame = read(tmp_path / "other" / "gl.csv", tmp_path / "cache").transactions

    assert docframes.trace(frame, 0).record == "T1,2025-01-05,4000,1.00,a"
