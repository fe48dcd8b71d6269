"""The file of a capsule: what goes in comes out, any zip tool opens it, and equal contents are equal bytes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest
from capsules import FIRST, JOBS, SECOND, TEXT, answer, file, forge, ledger, manifest, save, state, usual
from hypothesis import given
from hypothesis import strategies as st

from docframes.capsule import archive, container
from docframes.capsule.manifest import Account, Manifest
from docframes.capsule.verify import verify
from docframes.errors import CapsuleAltered, CapsuleError

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MOMENTS = st.datetimes(
    datetime(2000, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
BODIES = st.binary(max_size=3_000) | st.just(TEXT)
PARTS = st.from_regex(r"[a-z0-9 _~å-]{1,9}(\.[a-z]{1,4})?", fullmatch=True)


@st.composite
def contents(draw):
    """A manifest of any entries, and their bodies."""
    entries, bodies = [], draw(st.lists(BODIES, max_size=6))
    for place, body in enumerate(bodies):
        made = (
            answer(body, f"/jobs?page={place}", headers=draw(st.dictionaries(WORDS, WORDS)), fetched_at=draw(MOMENTS)),
            file(body, name=draw(WORDS), file_id=draw(WORDS), held=draw(st.booleans())),
            ledger(body, name=draw(WORDS), held=draw(st.booleans())),
            ledger(body, name=draw(WORDS), vendor="", account=""),
            state(body, name="/".join(draw(st.lists(PARTS, min_size=1, max_size=3)))),
        )
        entries.append(draw(st.sampled_from(made)))
    return manifest(*entries, note=draw(WORDS), created_at=draw(MOMENTS)), bodies


@given(contents())
def test_what_goes_in_comes_out(tmp_path_factory, made):
    """The manifest is equal, and every entry that is held has its bytes."""
    written, bodies = made
    path = tmp_path_factory.mktemp("round") / "any.dfz"
    save(path, written, *bodies)
    with container.read(path) as capsule:
        found = [capsule.read(entry) for entry in capsule.manifest.entries if entry.member]
        told = capsule.manifest

    assert told == written
    assert found == [body for body, entry in zip(bodies, written.entries, strict=True) if entry.member]


def test_any_zip_tool_opens_it(tmp_path):
    """zipfile, its command line and unzip find every member sound, and nothing to remark on."""
    usual(tmp_path / "q3.dfz")
    with zipfile.ZipFile(tmp_path / "q3.dfz") as opened:
        assert opened.testzip() is None
        assert opened.read(f"files/{hashlib.sha256(FIRST).hexdigest()}") == FIRST
    commands = [[sys.executable, "-m", "zipfile", "-t"]]
    commands += [[found, "-tqq"] for found in [shutil.which("unzip")] if found]
    done = [subprocess.run([*command, tmp_path / "q3.dfz"], capture_output=True, text=True) for command in commands]

    assert [each.returncode for each in done] == [0] * len(commands)
    assert [each.stdout for each in done[1:]] == [""] * len(done[1:])


def test_the_manifest_comes_first_and_then_the_contents_in_the_order_of_their_use(tmp_path):
    """Each by its SHA-256, in the folder of its kind, and once for each kind however often it was used."""
    entries = [state(TEXT), answer(SECOND), answer(FIRST, "/b"), answer(SECOND, "/c"), file(FIRST)]
    entries.append(file(SECOND, held=False))
    asked = []
    bodies = {hashlib.sha256(body).hexdigest(): body for body in (FIRST, SECOND, TEXT)}
    container.write(tmp_path / "q3.dfz", manifest(*entries), lambda entry: asked.append(entry) or bodies[entry.sha256])
    first, second, text = (hashlib.sha256(body).hexdigest() for body in (FIRST, SECOND, TEXT))

    assert zipfile.ZipFile(tmp_path / "q3.dfz").namelist() == [
        "manifest.json",
        f"states/{text}",
        f"answers/{second}",
        f"answers/{first}",
        f"files/{first}",
    ]
    assert asked == [entries[0], entries[1], entries[2], entries[4]]


def test_equal_contents_are_equal_bytes(tmp_path):
    """Whether they come as bytes or as a file, and whatever the clock says; the digest is that of the archive."""
    written = manifest(answer(TEXT), ledger(SECOND))
    (tmp_path / "body").write_bytes(SECOND)
    os.utime(tmp_path / "body", (0, 0))
    given = {len(TEXT): TEXT, len(SECOND): SECOND}, {len(TEXT): TEXT, len(SECOND): tmp_path / "body"}
    digests = [
        container.write(tmp_path / str(number), written, lambda entry, bodies=bodies: bodies[entry.size])
        for number, bodies in enumerate(given)
    ]
    data = (tmp_path / "0").read_bytes()

    assert data == (tmp_path / "1").read_bytes()
    assert digests == [hashlib.sha256(data[data.index(b"PK\x03\x04") :]).hexdigest()] * 2
    assert usual(tmp_path / "2") not in digests


def test_members_tell_no_date_and_nobody_but_the_owner(tmp_path):
    """1 January 1980 and 0600; text is deflated, and what does not shrink is stored."""
    usual(tmp_path / "q3.dfz")
    members = zipfile.ZipFile(tmp_path / "q3.dfz").infolist()

    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {member.external_attr >> 16 for member in members} == {0o100600}
    assert {member.compress_type for member in members if member.file_size in (6_000, 9_000)} == {zipfile.ZIP_STORED}
    assert {member.compress_type for member in members if member.file_size == len(TEXT)} == {zipfile.ZIP_DEFLATED}


def test_what_shrinks_only_at_first_is_stored(tmp_path):
    """A member is never larger than its content, though its first piece said otherwise."""
    body = bytes(400) + Random(4).randbytes(archive.CHUNK * 4)
    save(tmp_path / "q3.dfz", manifest(ledger(body)), body)
    member = zipfile.ZipFile(tmp_path / "q3.dfz").infolist()[1]

    assert len(zlib.compress(body[: archive.CHUNK])) < archive.CHUNK
    assert len(zlib.compress(body)) > len(body)
    assert member.compress_size == member.file_size == len(body)


@pytest.mark.skipif(os.name == "nt", reason="modes are Unix")
def test_a_capsule_is_for_its_owner_alone(tmp_path):
    """The capsule 0600, what is copied out of it likewise, and no temporary file left."""
    usual(tmp_path / "q3.dfz")
    with container.read(tmp_path / "q3.dfz") as capsule:
        copied = capsule.copy(capsule.manifest.entries[1], tmp_path / "out" / "second")

    assert copied.read_bytes() == SECOND
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "q3.dfz", copied)] == [0o600, 0o600]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["out", "q3.dfz", "second"]


@pytest.mark.parametrize(
    ("body", "told"), [(FIRST[:-1], "5,999 bytes"), (FIRST[:-1] + b"?", "of SHA-256"), (b"", "0 bytes")]
)
def test_a_body_that_is_not_the_entrys_is_refused(tmp_path, body, told):
    """The error names the member, what came and what was said, and the capsule that was there stays."""
    usual(tmp_path / "q3.dfz")
    before = (tmp_path / "q3.dfz").read_bytes()
    with pytest.raises(CapsuleError, match=told) as refused:
        container.write(tmp_path / "q3.dfz", manifest(answer(FIRST)), lambda entry: body)

    assert f"answers/{hashlib.sha256(FIRST).hexdigest()}" in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["q3.dfz"]
    assert (tmp_path / "q3.dfz").read_bytes() == before


def test_nothing_is_left_where_the_contents_do_not_come(tmp_path):
    """The error comes through, and no file of any name stays."""

    def gone(entry):
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError):
        container.write(tmp_path / "q3.dfz", manifest(answer(FIRST)), gone)

    assert list(tmp_path.iterdir()) == []


def test_what_was_not_asked_to_go_in_is_named_all_the_same(tmp_path):
    """A ledger's SHA-256 stands in the manifest without its bytes; asking for them says why there are none."""
    save(tmp_path / "q3.dfz", manifest(ledger(SECOND, held=False)))
    with container.read(tmp_path / "q3.dfz") as capsule:
        (entry,) = capsule.manifest.entries
        assert (entry.held, entry.member, entry.sha256) == (False, None, hashlib.sha256(SECOND).hexdigest())
        with pytest.raises(CapsuleError, match=r"validocx ledger 4711 \(9\.0 kB.*not asked to go in"):
            capsule.read(entry)


def test_bytes_that_are_others_are_never_handed_out(tmp_path):
    """Reading and copying refuse them, and the copy is not there."""
    entry = answer(FIRST)
    forge(tmp_path / "q3.dfz", [("manifest.json", manifest(entry).to_json()), (entry.member, SECOND)])
    with container.read(tmp_path / "q3.dfz") as capsule:
        for take in (capsule.read, lambda entry: capsule.copy(entry, tmp_path / "copy")):
            with pytest.raises(CapsuleAltered, match="validocx GET /jobs, page 1"):
                take(entry)

    assert [path.name for path in tmp_path.iterdir()] == ["q3.dfz"]


@pytest.mark.parametrize("data", [b"", b"docframes", b"PK\x05\x06" + bytes(18), b"a,b\n1,2\n" * 100])
def test_a_file_that_is_no_capsule_is_refused(tmp_path, data):
    """By its name, and the file is closed again."""
    (tmp_path / "book.csv").write_bytes(data)
    with pytest.raises(CapsuleError, match=r"book\.csv is no capsule"):
        container.read(tmp_path / "book.csv")


@pytest.mark.parametrize("members", [[], [("other", b"x")], [("manifest.json", b"{}")], [("manifest.json", b"[1")]])
def test_a_capsule_without_a_manifest_is_refused(tmp_path, members):
    """One that is missing, empty or broken."""
    forge(tmp_path / "q3.dfz", members)
    with pytest.raises(CapsuleError, match="manifest"):
        container.read(tmp_path / "q3.dfz")


def test_large_sizes_and_offsets_take_the_fields_made_for_them(tmp_path, monkeypatch):
    """With the limit lowered from 4 GiB, members and archive are ZIP64, and zip tools read them all the same."""
    monkeypatch.setattr(archive, "MOST_BYTES", 5_000)
    usual(tmp_path / "q3.dfz")
    found = verify(tmp_path / "q3.dfz")
    with container.read(tmp_path / "q3.dfz") as capsule:
        assert [capsule.read(entry) for entry in capsule.manifest.entries] == [FIRST, SECOND, TEXT, FIRST, TEXT]
    members = zipfile.ZipFile(tmp_path / "q3.dfz").infolist()
    unzip = shutil.which("unzip")
    done = unzip and subprocess.run([unzip, "-tqq", tmp_path / "q3.dfz"], capture_output=True, text=True)

    assert found.intact
    assert (tmp_path / "q3.dfz").read_bytes()[-98:].startswith(b"PK\x06\x06")
    # The manifest is small and comes first; what follows is large, or begins behind the limit.
    assert [member.extract_version for member in members] == [20, 45, 45, 45, 45, 45]
    assert not unzip or (done.returncode, done.stdout) == (0, "")


def test_many_members_take_the_field_made_for_them(tmp_path, monkeypatch):
    """With the limit lowered from 65,535, the end of the archive is ZIP64, and every member is found."""
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    usual(tmp_path / "q3.dfz")
    data = (tmp_path / "q3.dfz").read_bytes()

    assert len(zipfile.ZipFile(tmp_path / "q3.dfz").namelist()) == 6
    assert data[-98:].startswith(b"PK\x06\x06")
    assert data[-14:-10] == b"\xff\xff\xff\xff"
    assert verify(tmp_path / "q3.dfz").intact


def test_a_large_ledger_is_never_held(tmp_path):
    """Writing 64 MB and copying them out again takes the memory of a few pieces."""
    generator = Random(5)
    with (tmp_path / "ledger.zip").open("wb") as source:
        source.writelines(generator.randbytes(1 << 20) for _ in range(64))
    with (tmp_path / "ledger.zip").open("rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    entry = ledger(b"", sha256=sha256, size=64 << 20)
    tracemalloc.start()
    container.write(tmp_path / "q3.dfz", manifest(entry), lambda _: tmp_path / "ledger.zip")
    with container.read(tmp_path / "q3.dfz") as capsule:
        capsule.copy(entry, tmp_path / "copy")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 24 << 20


# --- the manifest -------------------------------------------------------------------------------------------------


def test_the_manifest_is_plain_sorted_json(tmp_path):
    """What a reader without docframes sees."""
    whole = json.loads(manifest(answer(TEXT), file(FIRST, held=False), note="Q3").to_json())
    entry, opened = whole.pop("entries")

    assert len(whole.pop("chain")) == 64
    assert whole == {
        "format": 1,
        "created_at": "2026-03-31T12:30:00+00:00",
        "docframes": "0.1.0",
        "note": "Q3",
        "accounts": [
            {"vendor": "validocx", "account": "0123456789ab", "base_url": "https://api.validocx.test/v1"},
        ],
    }
    assert entry == {
        "kind": "answer",
        "vendor": "validocx",
        "account": "0123456789ab",
        "key": hashlib.sha256(b"/jobs?page=1").hexdigest(),
        "method": "GET",
        "url": "https://api.validocx.test/jobs?page=1",
        "status": 200,
        "headers": {"Content-Type": "application/json"},
        "fetched_at": "2026-03-31T12:30:00+00:00",
        "sha256": hashlib.sha256(TEXT).hexdigest(),
        "size": len(TEXT),
        "member": f"answers/{hashlib.sha256(TEXT).hexdigest()}",
    }
    assert (opened["kind"], opened["file_kind"], opened["member"]) == ("file", "document", None)
    assert "held" not in opened


def test_the_chain_is_what_its_description_says():
    """Recomputed with the standard library: the head, then link by link each entry as compact sorted JSON."""
    whole = json.loads(manifest(answer(TEXT), file(FIRST), state(b"e", name="é.json"), note="Ümläut").to_json())

    def compact(value):
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    last, entries = whole.pop("chain"), whole.pop("entries")
    link = hashlib.sha256(compact(whole)).digest()
    for entry in entries:
        link = hashlib.sha256(link + compact(entry)).digest()

    assert link.hex() == last


def change_note(whole):
    whole["note"] = "other"


def change_status(whole):
    whole["entries"][0]["status"] = 404


def swap(whole):
    whole["entries"].reverse()


def leave_out(whole):
    whole["entries"].pop()


def add(whole):
    whole["entries"].append(whole["entries"][0])


@pytest.mark.parametrize("change", [change_note, change_status, swap, leave_out, add])
def test_a_changed_manifest_breaks_its_chain(change):
    """The head, an entry, their order and their number are all in the last link."""
    whole = json.loads(manifest(answer(TEXT), answer(FIRST, "/b")).to_json())
    change(whole)
    with pytest.raises(CapsuleError, match="chain"):
        Manifest.from_json(json.dumps(whole).encode())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b'"note": ""', b'"note": "", "more": 1', "one form"),
        (b'"status": 200', b'"status":  200', "one form"),
        (b'"kind": "answer"', b'"kind": "guess"', "'guess' is missing"),
        (b'"status": 200,', b"", "status"),
        (b'"status": 200', b'"status": 200, "more": 1', "more"),
        (b'"member": "answers/', b'"member": "files/', "another member"),
        (b'"format": 1', b'"format": 2', "format 2; this docframes reads format 1"),
        (b'"created_at": "2026-', b'"created_at": "', "created_at|isoformat"),
        (b"{", b"[", "format 1"),
    ],
)
def test_a_manifest_of_another_form_is_refused(old, new, told):
    """Keys too many, too few, unknown kinds, other spacing, a later format: each is told."""
    raw = manifest(answer(TEXT)).to_json()
    assert old in raw
    with pytest.raises(CapsuleError, match=told):
        Manifest.from_json(raw.replace(old, new, 1))


@pytest.mark.parametrize(
    ("make", "changed", "told"),
    [
        (answer, {"sha256": "ab"}, "AnswerEntry.sha256 .* SHA-256"),
        (answer, {"sha256": hashlib.sha256(TEXT).hexdigest().upper()}, "lower-case"),
        (answer, {"size": -1}, "number of bytes"),
        (answer, {"size": True}, "number of bytes"),
        (answer, {"key": "../../x"}, "cache key"),
        (answer, {"account": "../x"}, "12 hex digits"),
        (answer, {"vendor": "../x"}, "vendor"),
        (answer, {"fetched_at": datetime(2026, 1, 1)}, "time zone"),
        (answer, {"headers": {"a": 1}}, "headers"),
        (answer, {"url": "file:///etc"}, "http address"),
        (file, {"name": None}, "text"),
        (file, {"name": "\ud800"}, "text"),
        (file, {"held": 1}, "True or False"),
        (state, {"name": "../other/key"}, "no path below"),
        (state, {"name": "/etc/passwd"}, "no path below"),
        (state, {"name": "a/../../b"}, "no path below"),
        (state, {"name": "a\\b"}, "no path below"),
        (state, {"name": "C:a"}, "no path below"),
        (state, {"name": "a//b"}, "no path below"),
        (state, {"name": ""}, "no path below"),
        (state, {"name": "."}, "no path below"),
    ],
)
def test_what_a_field_cannot_be_is_refused(make, changed, told):
    """Before it is written, and so when it is read: a capsule from elsewhere leads nowhere outside."""
    with pytest.raises(CapsuleError, match=told):
        make(TEXT, **changed)


@pytest.mark.parametrize("url", ["https://me:s3cretword@x.test/", "https://x.test/?token=s3cretword", "s3cretword"])
def test_an_account_tells_no_secret(url):
    """No user, password or query stands in its address, and the error does not repeat them."""
    with pytest.raises(CapsuleError) as refused:
        Account(vendor="validocx", account="0" * 12, base_url=url)

    assert "s3cretword" not in str(refused.value)


def test_entries_are_of_accounts_that_are_listed():
    """Only a ledger of the user's own is of none; no account is listed twice, no content has two sizes."""
    assert manifest(ledger(TEXT, vendor="", account="")).entries
    with pytest.raises(CapsuleError, match="does not list"):
        manifest(answer(TEXT, account="1" * 12))
    with pytest.raises(CapsuleError, match="does not list"):
        manifest(answer(TEXT, vendor="", account=""))
    with pytest.raises(CapsuleError, match="twice"):
        manifest(accounts=(JOBS, JOBS))
    with pytest.raises(CapsuleError, match="another size"):
        manifest(answer(TEXT), file(TEXT, size=3))


def test_entries_are_told_in_words():
    """Vendor, method, path and page; kind and id; path."""
    told = [
        answer(TEXT).label,
        answer(TEXT, "/v1/users?page%5Bnumber%5D=4").label,
        answer(TEXT, "/cases?limit=25&offset=50").label,
        answer(TEXT, "/jobs/17").label,
        file(FIRST).label,
        ledger(FIRST).label,
        ledger(FIRST, vendor="", account="", name="gl.zip").label,
        state(TEXT).label,
    ]

    assert told == [
        "validocx GET /jobs, page 1",
        "validocx GET /v1/users, page 4",
        "validocx GET /cases, offset 50",
        "validocx GET /jobs/17",
        "validocx document d-1 (a.pdf)",
        "validocx ledger 4711",
        "ledger gl.zip",
        "validocx state loads/jobs.json",
    ]
