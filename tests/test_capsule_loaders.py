"""Every loader of the five rooms, used once online and once more within the capsule: no socket, no key, the same."""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
import zipfile
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from docframes import (
    capsule,
    docdigitizer,
    explain,
    files,
    load_record,
    papershift,
    sandbox,
    validis,
    validocx,
    veridox,
)
from docframes.capsule.manifest import FileEntry, LedgerEntry
from docframes.errors import AccessWarning, DocframesError, OfflineMiss
from docframes.transport import journal, redact
from docframes.widgets.preview import Files
from tests.sockets import forbidden
from tests.test_every_loader import LOADS

#: Further uses of a room that give frames.
MORE = {
    "validis": {
        "load_gl_extract": lambda: _frames_of(validis.load_gl_extract(4711)),
        "load_report": lambda: validis.load_report("income-statement-standard", 4711),
    },
    "veridox": {"sign_files": lambda: veridox.sign_files(veridox.load_files(limit=30))},
    "docdigitizer": {"submit_document": lambda: _submitted()},
    "papershift": {"upload_document": lambda: _uploaded()},
}
USES = {(vendor, name): use for part in (LOADS, MORE) for vendor, uses in part.items() for name, use in uses.items()}
#: Files of each room: vendor, kind, and a frame that names some.
FILES = {
    "validocx.documents": lambda: validocx.load_documents(limit=2),
    "validocx.images": lambda: validocx.load_images(limit=2),
    "docdigitizer.assets": lambda: docdigitizer.load_assets(docdigitizer.load_documents(limit=3)),
    "veridox.file_download": lambda: veridox.load_files(limit=3),
    "papershift.documents": lambda: papershift.load_documents().head(3),
    "papershift.account_documents": lambda: papershift.load_account_documents().head(2),
}
#: Columns that tell when this very run wrote a file.
OF_THE_RUN = ["saved_at"]


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """A file to hand in."""
    path = tmp_path_factory.mktemp("paper") / "bill.pdf"
    path.write_bytes(b"%PDF-1.4 a bill")
    return path


def _submitted() -> pd.DataFrame:
    return pd.DataFrame([docdigitizer.submit_document(os.environ["THE_PAPER"]).task]).astype(str)


def _uploaded() -> pd.DataFrame:
    user = papershift.load_users()["user_id"].iloc[0]
    return papershift.upload_document(user, os.environ["THE_PAPER"], name="a bill of ours")


def _frames_of(gl: Any) -> dict[str, pd.DataFrame]:
    return {name: getattr(gl, name) for name in ("transactions", "period_balances", "company", "controls", "problems")}


def frames_of(came: Any) -> dict[str, pd.DataFrame]:
    """What a loader gave, by name."""
    came = {"": came} if isinstance(came, pd.DataFrame) else came if isinstance(came, dict) else vars(came)
    return {name: value for name, value in came.items() if isinstance(value, pd.DataFrame)}


def used(place: tuple[str, str]) -> dict[str, pd.DataFrame]:
    """The frames of one use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccessWarning)
        return frames_of(USES[place]())


@dataclass
class Everything:
    """What was used online, and the capsules of it."""

    box: Any
    frames: dict[tuple[str, str], dict[str, pd.DataFrame]]
    manifests: dict[str, pd.DataFrame]
    whole: Any  #: with ledgers and files
    plain: Any  #: without


@pytest.fixture(scope="module")
def everything(tmp_path_factory, paper):
    """Every loader and many files, used once, in a process that has used nothing else."""
    folder = tmp_path_factory.mktemp("everything")
    with pytest.MonkeyPatch.context() as patch, sandbox.running(jobs=10, time_scale=0.01, environment=False) as box:
        patch.setattr(journal, "JOURNAL", journal.Journal())
        for name, value in box.environment().items():
            patch.setenv(name, value)
        patch.setenv("DOCFRAMES_CACHE_DIR", str(folder / "cache"))
        patch.setenv("THE_PAPER", str(paper))
        manifests = {kind: files.save_all(_quiet(kind), folder / "online" / kind) for kind in FILES}
        # What changes a list comes last: the list is another one afterwards.
        frames = {place: used(place) for place in USES}
        yield Everything(
            box,
            frames,
            manifests,
            capsule.save(folder / "whole.dfz", ledgers=True, files=True),
            capsule.save(folder / "plain.dfz"),
        )


def _quiet(kind: str) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccessWarning)
        return FILES[kind]()


@pytest.fixture
def no_account(monkeypatch, paper):
    """Neither key nor address: the environment of whoever only has the capsule."""
    assert not [name for name in os.environ if re.fullmatch("DOCFRAMES_.*_(API_KEY|TOKEN|BASE_URL|REGION)", name)]
    monkeypatch.setenv("THE_PAPER", str(paper))


@pytest.fixture
def whole(everything, no_account):
    """Within the capsule that has all."""
    with forbidden(), capsule.open(everything.whole.path, digest=everything.whole.digest):
        yield everything


@pytest.fixture
def plain(everything, no_account):
    """Within the capsule that has neither files nor archives."""
    with forbidden(), capsule.open(everything.plain.path):
        yield everything


@pytest.mark.parametrize("place", USES, ids=".".join)
def test_a_loader_gives_the_same_in_the_capsule(whole, place):
    """Cell by cell and dtype by dtype, without a call."""
    again = used(place)

    assert whole.frames[place].keys() == again.keys()
    for name, frame in again.items():
        assert_frame_equal(frame, whole.frames[place][name])
        if frame.attrs:
            assert load_record(frame).calls == 0


@pytest.mark.parametrize("place", [place for place in USES if place[1].startswith(("load_", "search_"))], ids=".".join)
def test_explain_says_that_nothing_is_sent(whole, place, monkeypatch):
    """Whatever a loader would cost online, within the capsule it costs no call."""
    room = {"validocx": validocx, "docdigitizer": docdigitizer, "veridox": veridox, "validis": validis}.get(
        place[0], papershift
    )
    loader = getattr(room, place[1])
    said = []
    # Inner loads are made; the last one, which is asked about, is explained.
    monkeypatch.setattr(
        room, place[1], lambda *args, **kwargs: said.append(explain(loader, *args, **kwargs)) or said[-1]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccessWarning)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(globals(), "_frames_of", lambda said: said)
            USES[place]()

    assert [(one.calls, one.exact) for one in said] == [(0, True)]


@pytest.mark.parametrize("kind", FILES)
def test_files_come_out_of_the_capsule(whole, kind, tmp_path):
    """Byte for byte; the manifest of the folder is the one that was written online."""
    manifest = files.save_all(_quiet(kind), tmp_path)

    assert len(manifest) >= 2
    assert manifest["error"].isna().all()
    assert_frame_equal(manifest.drop(columns=OF_THE_RUN), whole.manifests[kind].drop(columns=OF_THE_RUN))
    for name, sha256 in zip(manifest["name"], manifest["sha256"], strict=True):
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == sha256


def test_a_file_may_be_read_up_to_a_size(whole):
    """As the preview of a row does it: what is larger is its size, and nothing of it."""
    row = whole.manifests["validocx.images"].iloc[0]
    ref = files.FileRef("validocx", "images", row["file_id"])
    content, size = ref.bytes_up_to(10_000_000)

    assert (hashlib.sha256(content).hexdigest(), size) == (row["sha256"], row["bytes"])
    assert ref.bytes_up_to(10) == (None, row["bytes"])


def test_a_widget_shows_a_file_out_of_the_capsule(whole):
    """The preview behind a row, in which a capsule without files says how they get into one."""
    found = Files.of(_quiet("validocx.documents"))
    content = found.content(0)

    assert hashlib.sha256(content.data).hexdigest() == whole.manifests["validocx.documents"]["sha256"].iloc[0]


def test_a_widget_says_what_a_capsule_without_files_lacks(plain):
    """In a sentence for a reader, without an address."""
    with pytest.raises(DocframesError, match=r"does not hold this file.*files=True"):
        Files.of(_quiet("validocx.documents")).content(0)


@pytest.mark.parametrize("kind", FILES)
def test_files_that_were_not_asked_to_go_in_are_misses(plain, kind, tmp_path):
    """Each says so in the manifest of the folder, with its SHA-256 and what to do; nothing is written."""
    manifest = files.save_all(_quiet(kind), tmp_path)

    assert manifest["error"].str.contains("files=True").all()
    for sha256, error in zip(plain.manifests[kind]["sha256"], manifest["error"], strict=True):
        assert sha256 in error
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.csv"]


@pytest.mark.parametrize(
    "load", [validis.load_gl_extract, validis.load_ar_extract, validis.load_ap_extract], ids=lambda load: load.__name__
)
def test_an_extract_that_was_not_asked_to_go_in_is_a_miss(plain, load):
    """It names the engagement and the argument."""
    with pytest.raises(OfflineMiss, match=r"4711.*ledgers=True"):
        load(4711)


@pytest.mark.parametrize("which", ["whole", "plain"])
def test_the_manifest_names_every_file_and_archive(everything, which):
    """With its SHA-256, whether its bytes are there or not."""
    saved = getattr(everything, which)
    named = {
        (entry.vendor, entry.file_kind, entry.file_id): entry
        for entry in saved.manifest.entries
        if isinstance(entry, FileEntry)
    }
    rows = pd.concat(everything.manifests.values())
    archives = {entry.sha256 for entry in saved.manifest.entries if isinstance(entry, LedgerEntry)}
    loads = [
        load_record(frames[name])
        for frames in everything.frames.values()
        for name in ("transactions", "items")
        if name in frames
    ]

    assert {key: entry.sha256 for key, entry in named.items()} == {
        (row.vendor, row.kind, row.file_id): row.sha256 for row in rows.itertuples()
    }
    assert archives == {sha256 for load in loads for sha256 in load.files.values()}
    assert len(archives) == 3
    assert {entry.held for entry in saved.manifest.entries if isinstance(entry, FileEntry | LedgerEntry)} == {
        which == "whole"
    }


def _texts(saved: Any) -> list[bytes]:
    """The capsule as it lies there, its members unpacked, and archives within it unpacked once more."""
    found = [saved.path.read_bytes(), saved.manifest.to_json(), repr(saved).encode(), repr(saved.manifest).encode()]
    with zipfile.ZipFile(saved.path) as packed:
        found += [packed.read(name) for name in packed.namelist()]
    return found


@pytest.mark.parametrize("which", ["whole", "plain"])
def test_no_secret_is_in_a_capsule(everything, which):
    """No key, no token, no password and no mark of a signed link, though all were used; nor half of one in base64."""
    texts = _texts(getattr(everything, which))
    secrets = [*everything.box.canaries, *redact.known()]

    assert len(secrets) >= 8
    assert [secret[:6] for secret in secrets for text in texts if secret.encode() in text] == []


def test_links_were_used_and_are_masked(everything):
    """The answer that holds links is there, with the ids of the files and without a link."""
    entries = [one for one in everything.plain.manifest.entries if getattr(one, "url", "").endswith("/files/download")]
    with zipfile.ZipFile(everything.plain.path) as packed:
        answers = [json.loads(packed.read(entry.member))["files"] for entry in entries]
    rows = [row for answer in answers for row in answer]

    assert len(rows) >= 25
    assert all(row["file_id"] for row in rows)
    assert {row["download_url"] for row in rows} == {redact.MASK}
