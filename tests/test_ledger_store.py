"""The store of a ledger: whole or not there, opened again without reading, and what asks it for less than all."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from docframes.errors import CacheWarning, ColumnError, ConfigError, LedgerWarning, StoreError
from docframes.ledger import distinct, open_ledger, parquet, read, read_ledger

HEADER = "UPLOAD_ID,GL_TX_ID,GL_TX_DATE,ACCOUNT_CODE,DESCRIPTION,CURRENCY_ISO,BASE_VALUE\n"
UPLOAD = "5b0b7a44-0000-4000-8000-000000000001"
LINES = (
    f"{UPLOAD},1,2025-01-05,4000,sale,EUR,-100.10\n"
    f"{UPLOAD},1,2025-01-05,1200,sale,EUR,100.10\n"
    f"{UPLOAD},2,2025-02-07,0400,,USD,5\n"
    f"{UPLOAD},2,2025-02-07,1200,,USD,-4.99\n"
)
COMPANY = f"UPLOAD_ID,COMPANY_NAME\n{UPLOAD},Acme Ltd\n"


def ledger_zip(folder, lines=LINES, name="gl.zip"):
    """A zip of one ledger; gives its path."""
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("GL_Transactions.csv", HEADER + lines)
        archive.writestr("Company_Details.csv", COMPANY)
        archive.writestr("Notes.csv", "a,b\n1,2\n")
    return path


def stores(folder):
    """The finished stores and the drafts below a cache folder."""
    inside = sorted((folder / "ledgers").iterdir())
    return [path for path in inside if path.name[0] != "."], [path for path in inside if path.name[0] == "."]


def in_a_process(code, *arguments, **options):
    """A Python process that runs *code*."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True, **options
    )


# --- found again ------------------------------------------------------------------------------------------------------


def test_the_same_bytes_are_read_once(tmp_path, monkeypatch):
    """The second ledger comes from the store, whatever frames were asked for, with the same figures."""
    path = ledger_zip(tmp_path)
    first = read_ledger(path)
    monkeypatch.setattr(read, "Build", None)

    again = read_ledger(path, amounts="decimal")

    assert again.store.folder == first.store.folder
    assert again.totals == first.totals
    assert again.totals.difference == Decimal("0.01")
    pd.testing.assert_frame_equal(again.controls, first.controls)
    assert again.transactions["amount"].sum() == Decimal("0.010000")


def test_the_store_is_named_by_upload_and_content(tmp_path):
    """A person sees the upload; other bytes and other options are other stores; its files are the owner's alone."""
    first = read_ledger(ledger_zip(tmp_path))
    changed = read_ledger(ledger_zip(tmp_path, LINES.replace("-4.99", "-5"), "gl.zip"))
    wider = read_ledger(ledger_zip(tmp_path), scale=8)

    folders = {gl.store.folder.name for gl in (first, changed, wider)}
    assert len(folders) == 3
    assert all(name.startswith(f"{UPLOAD}-") for name in folders)
    assert first.store.facts["archives"].keys() == {"gl.zip"}
    assert first.store.folder.parent.stat().st_mode & 0o077 == 0


def test_what_was_wrong_is_told_again(tmp_path):
    """A ledger from the store warns of lines that were kept out as the first reading did."""
    path = ledger_zip(tmp_path, LINES + "too,few\n")
    with pytest.warns(LedgerWarning, match="1 line was kept out"):
        first = read_ledger(path)

    with pytest.warns(LedgerWarning, match="1 line was kept out"):
        again = read_ledger(path)

    pd.testing.assert_frame_equal(again.problems, first.problems)
    assert again.problems["line"].tolist() == [6]


def test_the_file_is_plain_parquet(tmp_path):
    """Any reader of Parquet finds texts, exact decimals and moments, in the order of the source, with the line."""
    gl = read_ledger(ledger_zip(tmp_path))

    table = pq.read_table(gl.store.path("transactions"))

    types = {field.name: str(field.type) for field in table.schema}
    assert types["account"] == "string"
    assert types["amount"] == "decimal128(36, 6)"
    assert types["date"] == "timestamp[us]"
    assert table["source_line"].to_pylist() == [2, 3, 4, 5]
    assert table["account"].to_pylist() == ["4000", "1200", "0400", "1200"]


@pytest.mark.parametrize("harm", ["cut", "gone", "manifest"])
def test_a_damaged_store_is_written_anew(harm, tmp_path):
    """Half a file, no file or no manifest: the ledger is read again, with one warning, and is right."""
    path = ledger_zip(tmp_path)
    folder = read_ledger(path).store.folder
    file = folder / "transactions.parquet"
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:-10])
    elif harm == "gone":
        file.unlink()
    else:
        (folder / "ledger.json").write_text("{")

    with pytest.warns(CacheWarning, match="read anew") as told:
        gl = read_ledger(path)

    assert len(told) == 1
    assert gl.transactions["amount"].tolist() == [-100.10, 100.10, 5.0, -4.99]
    assert stores(tmp_path / "cache") == ([gl.store.folder], [])


def test_a_cleared_cache_is_an_error_with_a_way_out(tmp_path):
    """A ledger whose store went away under it says so."""
    gl = read_ledger(ledger_zip(tmp_path))
    shutil.rmtree(gl.store.folder)

    with pytest.raises(StoreError, match=r"is gone.*Read the ledger again"):
        gl.transactions  # noqa: B018


# --- whole or not there -----------------------------------------------------------------------------------------------

TWO = """
import sys
from docframes import read_ledger
print("ready", flush=True)
sys.stdin.readline()
gl = read_ledger(sys.argv[1])
print(gl.store.folder.name, gl.totals.lines, gl.totals.debit, gl.transactions["amount"].sum())
"""


def test_two_processes_at_once_end_with_one_good_store(tmp_path):
    """Both begin before either is done, both have the same ledger, one store is left and no draft."""
    lines = "".join(f"{UPLOAD},{n // 2},2025-01-05,{4000 + n % 7},x,EUR,{1 - 2 * (n % 2)}.25\n" for n in range(60_000))
    path = ledger_zip(tmp_path, lines)
    both = [in_a_process(TWO, path, stdin=subprocess.PIPE) for _ in range(2)]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate()[0] for process in both]

    assert told[0] == told[1]
    assert told[0].split()[1:] == ["60000", "37500.000000", "0.0"]
    finished, drafts = stores(tmp_path / "cache")
    assert (len(finished), drafts) == (1, [])


KILLED = """
import os, signal, sys
from docframes.ledger import build, read_ledger
end = build.Build._facts
build.Build._facts = lambda self: os.kill(os.getpid(), signal.SIGKILL)
read_ledger(sys.argv[1])
"""


def test_a_killed_process_leaves_no_half_store(tmp_path):
    """Its draft is no store; the next reading is whole; a draft of long ago is swept away."""
    path = ledger_zip(tmp_path)
    killed = in_a_process(KILLED, path)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    finished, drafts = stores(tmp_path / "cache")
    assert (finished, len(drafts)) == ([], 1)

    os.utime(drafts[0], (0, 0))
    gl = read_ledger(path)

    assert gl.totals.lines == 4
    assert stores(tmp_path / "cache") == ([gl.store.folder], [])


FULL = """
import sys
from pathlib import Path
from docframes import read_ledger
from docframes.errors import StoreError
path, cache, small = sys.argv[1:]
try:
    read_ledger(path, cache_dir=cache)
except StoreError as error:
    print(error)
print([str(one.relative_to(cache)) for one in Path(cache).rglob("*")])
print(read_ledger(small, cache_dir=cache).totals.lines)
"""


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path):
    """On a disk of one megabyte: the error says where and what to do, nothing half is left, and the next run works."""
    generator = np.random.default_rng(1)
    noise = generator.integers(0, 1 << 62, (2, 60_000)).tolist()
    lines = "".join(f"{UPLOAD},{a},2025-01-05,4000,{b},EUR,{b % 100_000}.25\n" for a, b in zip(*noise, strict=True))
    large, small = ledger_zip(tmp_path, lines, "large.zip"), ledger_zip(tmp_path)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=1m tmpfs {disk} && exec {sys.executable} -c '{FULL}' {large} {disk} {small}"
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = f"no small disk can be mounted here: {error} {getattr(error, 'stderr', '')}"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)

    message, left, lines_read = done.stdout.splitlines()
    assert f"could not be written below '{disk}/ledgers'" in message
    assert "no space is left on the disk" in message
    assert "DOCFRAMES_CACHE_DIR" in message
    assert (left, lines_read) == ("['ledgers']", "4")


def test_an_unusable_cache_costs_speed_only(tmp_path, monkeypatch):
    """The ledger is read into a temporary folder, with a warning, and the folder goes when the ledger does."""
    (tmp_path / "cache").write_text("a file, no folder")

    with pytest.warns(CacheWarning, match="cannot be used"):
        gl = read_ledger(ledger_zip(tmp_path))

    folder = gl.store.folder
    assert gl.transactions["amount"].sum() == pytest.approx(0.01)
    del gl
    assert not folder.exists()


# --- many row groups --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", [1, 3, 1000])
def test_row_groups_do_not_show(group, tmp_path, monkeypatch):
    """Texts that repeat or not, missing ones and dates come back the same from groups of any size."""
    monkeypatch.setattr(parquet, "GROUP", group)
    monkeypatch.setattr("docframes.ledger.rows.AT_ONCE", 2)
    monkeypatch.setattr("docframes.ledger.rows.BLOCK", 150)

    gl = read_ledger(ledger_zip(tmp_path, LINES * 5))

    assert gl.transactions["account"].tolist() == ["4000", "1200", "0400", "1200"] * 5
    assert gl.transactions["text"].isna().tolist() == [False, False, True, True] * 5
    assert gl.transactions["source_line"].tolist() == list(range(2, 22))
    assert gl.transactions["transaction"].dtype == "str"
    assert (gl.totals.lines, gl.totals.transactions) == (20, 2)


@pytest.mark.parametrize("order", ["by id", "any", "one far below", "of several lengths"])
@pytest.mark.parametrize(("held", "at_once"), [(1, 7), (10, 100), (10_000, 10_000)])
def test_transactions_are_counted_exactly_in_bounded_memory(order, held, at_once, tmp_path, monkeypatch):
    """However many fit into memory and in whatever order, an id counts once, by currency and in all."""
    monkeypatch.setattr(distinct, "HELD", held)
    monkeypatch.setattr(distinct, "AT_ONCE", at_once)
    monkeypatch.setattr(parquet, "GROUP", 100)
    monkeypatch.setattr("docframes.ledger.rows.AT_ONCE", 50)
    numbers = np.random.default_rng(2).integers(0, 400, 1000)
    numbers = numbers if order == "any" else np.sort(numbers)
    kinds = ["EUR" if n % 3 else "USD" if n % 2 else "" for n in range(1000)]
    ids = [(f"{number}" if order == "of several lengths" else f"tx{number:04}") if number else "" for number in numbers]
    if order == "one far below":
        ids[-1] = ids[500]
    lines = "".join(f"{UPLOAD},{one},2025-01-05,4000,x,{kind},1\n" for one, kind in zip(ids, kinds, strict=True))

    gl = read_ledger(ledger_zip(tmp_path, lines))

    by_hand = Counter(kind for kind, _ in {(kind, one) for one, kind in zip(ids, kinds, strict=True) if one})
    assert gl.controls["currency"].tolist()[:2] == ["EUR", "USD"]
    assert gl.controls["transactions"].tolist() == [by_hand["EUR"], by_hand["USD"], by_hand[""]]
    assert gl.totals.transactions == len({one for one in ids if one})


# --- less than all ----------------------------------------------------------------------------------------------------


def test_select_reads_what_is_asked_for(tmp_path):
    """Columns and rows, in the order of the source, with the dtypes of the whole frame."""
    gl = read_ledger(ledger_zip(tmp_path))

    some = gl.select(["account", "amount"], [("account", "==", "1200"), ("date", ">=", "2025-02-01")])

    assert some.to_dict("list") == {"account": ["1200"], "amount": [-4.99]}
    assert (some.dtypes == gl.transactions.dtypes[["account", "amount"]]).all()
    with pytest.raises(ColumnError, match="acount"):
        gl.select(["acount"])
    with pytest.raises(ConfigError, match="no table 'journals'"):
        gl.select(table="journals")


def test_sql_keeps_amounts_exact(tmp_path):
    """DuckDB adds up decimals; the frame has them as such, texts as texts and counts as whole numbers."""
    gl = read_ledger(ledger_zip(tmp_path))

    sums = gl.sql("select currency, sum(amount) as total, count(*) as lines from transactions group by 1 order by 1")

    assert sums["total"].tolist() == [Decimal("0.000000"), Decimal("0.010000")]
    assert sums["lines"].tolist() == [2, 2]
    assert sums["lines"].dtype == "Int64"
    assert gl.sql("select COMPANY_NAME from company")["COMPANY_NAME"].tolist() == ["Acme Ltd"]


def test_polars_and_dask_read_the_same_store(tmp_path, monkeypatch):
    """Lazily, with a partition of Dask for each row group, and the same sums."""
    monkeypatch.setattr(parquet, "GROUP", 4)
    gl = read_ledger(ledger_zip(tmp_path, LINES * 3))

    lazy, frame = gl.to_polars(), gl.to_dask()

    assert lazy.select("amount").sum().collect().item() == Decimal("0.03")
    assert frame.npartitions >= 2
    pd.testing.assert_frame_equal(frame.compute().reset_index(drop=True), gl.transactions)


def test_a_saved_ledger_opens_elsewhere(tmp_path):
    """``save`` copies the store whole; what opens has the same frames, and its source is not needed."""
    path = ledger_zip(tmp_path)
    gl = read_ledger(path)
    assert gl.save(tmp_path / "kept") == tmp_path / "kept"
    path.unlink()
    shutil.rmtree(tmp_path / "cache")

    again = open_ledger(tmp_path / "kept", amounts="decimal")

    assert again.transactions["amount"].sum() == Decimal("0.010000")
    assert again.company["COMPANY_NAME"].tolist() == ["Acme Ltd"]
    assert list(again.others) == ["Notes.csv"]
    assert repr(again).startswith(
        "GeneralLedger Acme Ltd, upload 5b0b7a44..., 4 lines in 2 transactions, 2025-01-05 to"
    )
    assert "out of balance by 0.01 USD, store " in repr(again)


def test_save_touches_nothing_that_is_there(tmp_path):
    """A folder with something in it is refused; one that is no ledger is not opened."""
    gl = read_ledger(ledger_zip(tmp_path))

    with pytest.raises(ConfigError, match="not empty"):
        gl.save(tmp_path)
    with pytest.raises(StoreError, match="no ledger in"):
        open_ledger(tmp_path)
    gl.save(tmp_path / "kept")
    manifest = tmp_path / "kept" / "ledger.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))
    with pytest.raises(StoreError, match="in the form 99"):
        open_ledger(tmp_path / "kept")


def test_the_html_counts_without_reading(tmp_path, monkeypatch):
    """Rows and columns of every table come from the files' own notes; names are escaped."""
    gl = read_ledger(ledger_zip(tmp_path))
    monkeypatch.setattr("docframes.ledger.engines.read", None)

    told = re.sub(' style="[^"]*"', "", gl._repr_html_())

    assert "<td>transactions</td><td>4</td><td>9</td>" in told
    assert "<td>others[&#x27;Notes.csv&#x27;]</td><td>1</td><td>2</td>" in told
    assert Path(gl.store.folder).exists()
