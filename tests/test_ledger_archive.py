"""Zips from elsewhere: what is safe is read as a stream, what is not is refused, and nothing is written."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from docframes.errors import ArchiveError
from docframes.ledger import Limits, read_ledger
from docframes.ledger.archive import open_members

CSV = b"Journal_ID,Date,Amount\n1,2024-01-01,10.00\n1,2024-01-01,-10.00\n"


def zipped(path: Path, files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def zip_bytes(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def patched(path: Path, old: bytes, new: bytes) -> Path:
    """The zip with a name changed behind the library's back, which would tidy it."""
    assert len(old) == len(new)
    path.write_bytes(path.read_bytes().replace(old, new))
    return path


def encrypted(path: Path) -> Path:
    zipped(path, {"transactions.csv": CSV})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    return path


def bad_checksum(path: Path) -> Path:
    zipped(path, {"transactions.csv": CSV}, method=zipfile.ZIP_STORED)
    return patched(path, b"10.00\n1", b"90.00\n1")


def truncated(path: Path) -> Path:
    whole = zip_bytes({"transactions.csv": CSV * 100})
    path.write_bytes(whole[: len(whole) // 2])
    return path


def linked(path: Path) -> Path:
    info = zipfile.ZipInfo("transactions.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return path


def doubled(path: Path) -> Path:
    zipped(path, {"transactions.csv": CSV, "transactionz.csv": CSV})
    return patched(path, b"transactionz.csv", b"transactions.csv")


def not_a_zip(path: Path) -> Path:
    path.write_bytes(b"<html>Your session has expired</html>")
    return path


def no_bytes(path: Path) -> Path:
    path.write_bytes(b"")
    return path


UNSAFE = {
    "is none": (not_a_zip, "no zip"),
    "has no bytes": (no_bytes, "no zip"),
    "holds no files": (lambda path: zipped(path, {}), "empty"),
    "holds system files only": (lambda path: zipped(path, {"__MACOSX/._gl.csv": b"x", ".DS_Store": b"x"}), "empty"),
    "is truncated": (truncated, "only a part"),
    "is encrypted": (encrypted, "encrypted"),
    "has a wrong checksum": (bad_checksum, "broken"),
    "climbs out": (lambda path: zipped(path, {"../transactions.csv": CSV}), "leads out"),
    "climbs out below": (lambda path: zipped(path, {"a/../../transactions.csv": CSV}), "leads out"),
    "is absolute": (lambda path: zipped(path, {"/transactions.csv": CSV}), "root"),
    "names a drive": (lambda path: zipped(path, {"C:transactions.csv": CSV}), "root"),
    "has backslashes": (
        lambda path: patched(zipped(path, {"a/transactions.csv": CSV}), b"a/trans", b"a\\trans"),
        "backslash",
    ),
    "has a zero byte": (
        lambda path: patched(zipped(path, {"transactions.csv_.exe": CSV}), b"csv_.exe", b"csv\0.exe"),
        "zero byte",
    ),
    "has a link": (linked, "link"),
    "has a name twice": (doubled, "twice"),
    "is a bomb": (lambda path: zipped(path, {"transactions.csv": b"0" * 20_000_000}), "1,000:1"),
    "holds 10,000 files": (lambda path: zipped(path, {f"{n}.csv": b"" for n in range(10_000)}), "10,000 files"),
    "is a workbook": (lambda path: zipped(path, {"[Content_Types].xml": b"<x/>", "a.xml": b""}), "office document"),
    "is three deep": (
        lambda path: zipped(path, {"b.zip": zip_bytes({"c.zip": zip_bytes({"transactions.csv": CSV})})}),
        "one level",
    ),
    "holds a zip that climbs out": (
        lambda path: zipped(path, {"b.zip": zip_bytes({"../transactions.csv": CSV})}),
        "leads out",
    ),
    "holds a zip that is none": (lambda path: zipped(path, {"b.zip": b"nothing"}), "no zip"),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_an_unsafe_zip_is_refused_and_nothing_is_written(case, tmp_path):
    """A zip that is broken or unsafe gives ArchiveError, which says why, and leaves no file behind."""
    make, words = UNSAFE[case]
    path = make(tmp_path / "ledger.zip")

    with pytest.raises(ArchiveError, match=words):
        read_ledger(path)

    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("cut", [4, 30, 60, 100, -1, -10, -30])
def test_a_zip_cut_anywhere_is_refused(cut, tmp_path):
    """Wherever a download stopped, the rest is no ledger."""
    path = tmp_path / "ledger.zip"
    path.write_bytes(zip_bytes({"transactions.csv": CSV})[:cut])

    with pytest.raises(ArchiveError):
        read_ledger(path)


def test_a_gzip_is_told_apart(tmp_path):
    """A gzip file is no zip, and the message says what it is."""
    path = tmp_path / "ledger.csv.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00rest")

    with pytest.raises(ArchiveError, match="gzip"):
        read_ledger(path)


def test_an_empty_folder_is_refused(tmp_path):
    """A folder without files holds no ledger."""
    with pytest.raises(ArchiveError, match="holds no files"):
        read_ledger(tmp_path)


def test_limits_can_be_narrowed(tmp_path):
    """A caller may ask for smaller limits than the defaults."""
    path = zipped(tmp_path / "ledger.zip", {"transactions.csv": CSV})

    with (
        pytest.raises(ArchiveError, match="unpacks to"),
        open_members(path, limits=Limits(unpacked=10)),
    ):
        pass


@pytest.mark.parametrize("count", [1, 2])
def test_zips_are_read_where_they_lie(count, tmp_path):
    """A zip, a zip in a zip and a zip in a folder give the same lines."""
    inner = zip_bytes({"extract/transactions.csv": CSV, "__MACOSX/transactions.csv": b"x"})
    if count == 1:
        source = zipped(tmp_path / "outer.zip", {"GLTransactions.zip": inner})
    else:
        source = tmp_path / "folder"
        source.mkdir()
        (source / "GLTransactions.zip").write_bytes(inner)

    gl = read_ledger(source)

    assert gl.transactions["amount"].tolist() == [10.0, -10.0]
    assert gl.sources["member"].tolist() == ["GLTransactions.zip/extract/transactions.csv"]


def test_one_zip_per_table(tmp_path):
    """Where each table has its own zip, the zip's name says the table."""
    files = {
        "GL_Transactions_4711.zip": zip_bytes({"data.csv": CSV}),
        "GL Period Balances Summarized.zip": zip_bytes({"data.csv": b"TAG,OPENING_BALANCE\nCash,1.50\n"}),
        "GL Period Balances.zip": zip_bytes({"data.csv": b"ACCOUNT_CODE,CLOSING_BALANCE\n0400,2.25\n"}),
        "Company Details.zip": zip_bytes({"data.csv": b"COMPANY_NAME\nAcme Ltd\n"}),
    }

    gl = read_ledger(zipped(tmp_path / "ledger.zip", files))

    assert gl.name == "Acme Ltd"
    assert len(gl.transactions) == 2
    assert gl.period_balances["account"].tolist() == ["0400"]
    assert gl.period_balances["closing"].tolist() == [2.25]
    assert gl.period_balances_summarised["opening"].tolist() == [1.5]
