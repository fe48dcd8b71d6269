"""Frames of finished loads on disk: whole, private, no older than allowed, and never missed when gone."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from docframes.tables import kept

LATER = datetime(2126, 1, 1, tzinfo=UTC)
TABLES = {"a": pa.table({"x": [1, None]}), "b": pa.table({"y": ["p", "q"]})}
FACTS = {"a": {"rows": 2}, "b": {"rows": 2}}
ANSWERS = b'[{"url": "https://vendor.example/jobs", "sha256": "2c26"}]'


def test_what_is_kept_comes_back(tmp_path):
    """Tables, facts, the notes of the answers and the moment of expiry."""
    kept.keep(tmp_path / "frames", "key", TABLES, FACTS, ANSWERS, LATER)
    found = kept.find(tmp_path / "frames", "key", ["a", "b"])

    assert found.tables["a"].to_pydict() == {"x": [1, None]}
    assert found.tables["b"].to_pydict() == {"y": ["p", "q"]}
    assert (found.facts, found.expires) == (FACTS, LATER)
    assert found.answers == [{"url": "https://vendor.example/jobs", "sha256": "2c26"}]


@pytest.mark.skipif(os.name == "nt", reason="modes are Unix")
def test_what_is_kept_is_private(tmp_path):
    """The folder 0700, the files 0600, no temporary file left."""
    kept.keep(tmp_path / "frames", "key", TABLES, FACTS, ANSWERS, LATER)
    files = sorted((tmp_path / "frames").iterdir())

    assert stat.S_IMODE((tmp_path / "frames").stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600, 0o600]
    assert [file.name for file in files] == ["key.a.arrow", "key.answers.json", "key.b.arrow"]


def test_what_has_expired_is_not_found_unless_age_does_not_matter(tmp_path):
    """Offline, an old answer is better than none."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    kept.keep(tmp_path, "key", TABLES, FACTS, ANSWERS, past)

    assert kept.find(tmp_path, "key", ["a", "b"]) is None
    assert kept.find(tmp_path, "key", ["a", "b"], however_old=True) is not None


def test_tables_of_two_loads_are_not_mixed(tmp_path):
    """Two processes may keep the same load at once."""
    kept.keep(tmp_path, "key", TABLES, FACTS, ANSWERS, LATER)
    other = tmp_path / "other"
    kept.keep(other, "key", TABLES, FACTS, ANSWERS, LATER + timedelta(seconds=1))
    (other / "key.b.arrow").replace(tmp_path / "key.b.arrow")

    assert kept.find(tmp_path, "key", ["a", "b"]) is None


@pytest.mark.parametrize("name", ["key.a.arrow", "key.answers.json"])
@pytest.mark.parametrize("content", [b"", b"neither", None])
def test_a_file_that_cannot_be_read_counts_as_not_there(tmp_path, content, name):
    """Empty, garbage, or gone: of the tables and of the notes alike."""
    kept.keep(tmp_path, "key", TABLES, FACTS, ANSWERS, LATER)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)

    assert kept.find(tmp_path, "key", ["a", "b"]) is None


def test_a_file_cut_short_counts_as_not_there(tmp_path):
    """Half of a real one."""
    kept.keep(tmp_path, "key", TABLES, FACTS, ANSWERS, LATER)
    whole = (tmp_path / "key.a.arrow").read_bytes()
    (tmp_path / "key.a.arrow").write_bytes(whole[: len(whole) // 2])

    assert kept.find(tmp_path, "key", ["a", "b"]) is None


def test_a_folder_that_cannot_be_written_costs_speed_only(tmp_path):
    """A file stands where the folder should: nothing is raised and nothing is found."""
    (tmp_path / "frames").write_text("in the way")
    kept.keep(tmp_path / "frames", "key", TABLES, FACTS, ANSWERS, LATER)

    assert kept.find(tmp_path / "frames", "key", ["a", "b"]) is None


def test_a_key_changes_with_everything_that_decides_the_frames():
    """The order of the parts does not count; each value does."""
    key = kept.key_of(account="a", asked="x", options=(None, 5))

    assert key == kept.key_of(options=(None, 5), asked="x", account="a")
    assert len({key, kept.key_of(account="b", asked="x", options=(None, 5)), kept.key_of(account="a", asked="x")}) == 3
