"""Files by vendor, kind and id."""

from __future__ import annotations

import hashlib

import pandas as pd
import pytest

from docframes import docdigitizer, files, load_record, papershift, sandbox, validis, validocx, veridox
from docframes.errors import ColumnError, ConfigError, NotFound


@pytest.fixture
def details(client):
    jobs = validocx.load_jobs(limit=6, client=client)
    return validocx.load_job_details(jobs, client=client)


def test_a_file_arrives_byte_for_byte(box, client, details, tmp_path):
    """What is saved is what the company's file holds."""
    document = details.documents["document_id"].iloc[0]
    ref = files.FileRef("validocx", "documents", document)

    path = ref.save(tmp_path / "paper.pdf", client=client)

    assert path.read_bytes() == box.company.file("documents", document).read()
    assert ref.bytes(client=client) == path.read_bytes()


def test_a_link_is_asked_for_once_while_it_lives(box, client, details):
    """Two uses of one file within the life of its link are one call for a link."""
    ref = files.FileRef("validocx", "images", details.images["image_id"].iloc[0])
    box.clear_calls()

    assert ref.url(client=client) == ref.url(client=client)
    assert box.count(path_prefix="/signed-files") == 1


def test_a_link_that_is_over_is_asked_for_again(start, account, tmp_path):
    """A storage host that refuses the remembered link gets a fresh one, once."""
    box = start(jobs=6)
    client = account(box)
    photos = validocx.load_job_details(client=client).images
    ref = files.FileRef("validocx", "images", photos["image_id"].iloc[0])
    ref.bytes(client=client)
    box.advance(3601)

    ref.save(tmp_path / "photo.jpg", client=client)

    assert (tmp_path / "photo.jpg").stat().st_size > 0
    assert box.count(path_prefix="/signed-files") == 2


def test_no_credential_reaches_the_storage_host(box, client, details, tmp_path):
    """The key stays with the vendor's own host."""
    files.save_all(details.images, tmp_path, client=client)

    assert box.leaks == []


def test_an_unknown_file_is_not_found(client):
    """The vendor's own refusal is raised, and a file is not there afterwards."""
    with pytest.raises(NotFound):
        files.FileRef("validocx", "documents", "00000000-0000-4000-8000-000000000000").bytes(client=client)


def test_a_reference_shows_no_link(client, details):
    """A repr names vendor, kind and id, before and after a link was made."""
    ref = files.FileRef("validocx", "documents", details.documents["document_id"].iloc[0])
    url = ref.url(client=client)

    assert url not in repr(ref)
    assert "token" not in repr(ref)


def test_save_all_gives_a_manifest_that_can_be_checked(box, client, details, tmp_path):
    """Every file has its name, size and SHA-256; nothing else is in the folder."""
    manifest = files.save_all(details.documents, tmp_path / "papers", client=client)

    assert manifest["file_id"].tolist() == details.documents["document_id"].drop_duplicates().tolist()
    for row in manifest.itertuples():
        content = box.company.file("documents", row.file_id).read()
        assert (tmp_path / "papers" / row.name).read_bytes() == content
        assert (row.bytes, row.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert {path.name for path in (tmp_path / "papers").iterdir()} == {*manifest["name"], "manifest.csv"}


def test_files_of_one_name_are_kept_apart(client, tmp_path, details):
    """Two papers called alike become two files."""
    manifest = files.save_all(details.documents, tmp_path, client=client)

    assert manifest["name"].str.lower().is_unique


def test_a_file_that_fails_leaves_a_reason_and_nothing_else(client, details, tmp_path):
    """One id that is not there does not keep the others from coming."""
    good = details.documents["document_id"].iloc[0]
    frame = pd.DataFrame({"vendor": "validocx", "kind": "documents", "file_id": [good, "missing"]})

    manifest = files.save_all(frame, tmp_path / "papers", client=client)

    assert manifest["error"].isna().tolist() == [True, False]
    assert "404" in manifest["error"].iloc[1]
    assert {path.name for path in (tmp_path / "papers").iterdir()} == {good, "manifest.csv"}


def test_a_frame_without_files_is_refused(client):
    """The message names the table and what would do."""
    projects = validocx.load_projects(client=client)

    with pytest.raises(ColumnError, match="names no files"):
        files.refs(projects)
    assert load_record(projects).table == "projects"


def test_an_unknown_vendor_is_refused():
    """A slip in the vendor's name is told as such."""
    with pytest.raises(ConfigError, match="acme"):
        files.FileRef("acme", "documents", "1").url()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\\b:c*d?.pdf", "a_b_c_d_.pdf"),
        ("CON.txt", "file_CON.txt"),
        ("  ... ", "file"),
        ("", "file"),
        ("Vergütung 2026.pdf", "Vergütung 2026.pdf"),
        ("line\nbreak.txt", "line_break.txt"),
    ],
)
def test_names_are_safe_on_every_system(name, safe):
    """No folder is left, no character is forbidden, no device is named."""
    assert files.safe_name(name) == safe


def test_long_names_keep_their_ending():
    """A name is cut before its ending, and at a whole character."""
    cut = files.safe_name("ü" * 300 + ".jpeg")

    assert cut.endswith("ü.jpeg")
    assert len(cut.encode()) <= files.LONGEST_NAME


FRAMES = {
    "docdigitizer": lambda: docdigitizer.load_assets(docdigitizer.load_documents(limit=3)),
    "papershift": lambda: papershift.load_documents(papershift.load_users(limit=1), limit=3),
    "validis": lambda: validis.load_engagements(limit=1),
    "validocx": lambda: validocx.load_job_details(limit=2).documents,
    "veridox": lambda: veridox.load_files(limit=3),
}


@pytest.fixture(scope="module")
def company():
    """All five vendors, their clients the environment's."""
    with sandbox.running(jobs=10, time_scale=0.01, environment=False) as running:
        yield running


@pytest.mark.parametrize("vendor", FRAMES)
def test_the_files_of_every_vendor_are_fetched_whole(vendor, company, monkeypatch, tmp_path):
    """Each row's file arrives with its size and digest; no storage host sees a credential; no link is kept."""
    for name, value in company.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DOCFRAMES_CACHE_DIR", str(tmp_path / "cache"))
    frame = FRAMES[vendor]()

    manifest = files.save_all(frame, tmp_path / "files")

    assert len(manifest) == len(files.refs(frame)) > 0
    assert manifest["error"].isna().all()
    for row in manifest.itertuples():
        content = (tmp_path / "files" / row.name).read_bytes()
        assert (row.bytes, row.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert company.leaks == []
    kept = b"".join(
        path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.suffix != ".zip" and path.is_file()
    )
    assert [canary for canary in company.canaries if canary.encode() in kept] == []
