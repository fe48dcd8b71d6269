"""Any altered byte of a capsule is found and named, and so is whatever its manifest does not account for."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from io import BytesIO
from random import Random

import pytest
from capsules import FIRST, SECOND, TEXT, answer, file, forge, ledger, manifest, reseal, save, usual
from hypothesis import assume, example, given
from hypothesis import strategies as st

from docframes.capsule import container
from docframes.capsule.verify import check, verify
from docframes.cli import main
from docframes.errors import CapsuleAltered, CapsuleError, ConfigError

BLOCK = 4_096
OTHER = st.integers(1, 255)
FRACTION = st.floats(0, 1, exclude_max=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a capsule of several blocks."""
    path = tmp_path_factory.mktemp("whole") / "q3.dfz"
    usual(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def start(whole):
    """Where in them the archive begins."""
    return whole.index(b"PK\x03\x04")


@pytest.fixture(scope="module")
def found_in(tmp_path_factory):
    """Verify these bytes: ``found_in(data, digest=None)``."""
    path = tmp_path_factory.mktemp("altered") / "q3.dfz"

    def ask(data, digest=None):
        path.write_bytes(data)
        return verify(path, digest)

    return ask


def altered(data, *changes):
    """*data* with bytes changed: places, each with a number that is not 0 and is added to the byte there."""
    changed = bytearray(data)
    for place, number in changes:
        changed[place] = (changed[place] + number) % 256
    return bytes(changed)


# --- a whole one --------------------------------------------------------------------------------------------------


def test_what_was_saved_is_intact(tmp_path):
    """With its digest and without; the digest is that of the archive, and only with it is the capsule proven."""
    digest = usual(tmp_path / "q3.dfz")
    data = (tmp_path / "q3.dfz").read_bytes()
    alone, compared = verify(tmp_path / "q3.dfz"), check(tmp_path / "q3.dfz", f" SHA256:{digest.upper()}\n")

    assert alone.intact
    assert compared.intact
    assert (alone.digest, alone.size, alone.altered, alone.several) == (digest, len(data), None, 0)
    assert digest == hashlib.sha256(data[data.index(b"PK\x03\x04") :]).hexdigest()
    assert "sealed anew" in alone.reason
    assert "this is the capsule that was saved" in compared.reason


def test_the_seal_is_what_its_description_says(whole, start):
    """Recomputed in plain Python: a header of text, then for each block its SHA-256 and two sums."""
    zipped = whole[start:]
    blocks = [zipped[place : place + BLOCK] for place in range(0, len(zipped), BLOCK)]
    table = b"".join(
        hashlib.sha256(block).digest()
        + (sum(block) % 65_537).to_bytes(4, "big")
        + (sum(place * byte for place, byte in enumerate(block, 1)) % 65_537).to_bytes(4, "big")
        for block in blocks
    )
    header = whole[: start - len(table)]

    assert len(blocks) > 4
    assert whole[start - len(table) : start] == table
    assert header.decode().splitlines() == [
        "docframes capsule 1",
        "Any zip tool opens this file; `docframes capsule FILE` says whether a byte of it was altered.",
        "version 0000000000000001",
        f"length {len(zipped):016}",
        "block 0000000000004096",
        f"blocks {len(blocks):016}",
        f"sha256 {hashlib.sha256(zipped).hexdigest()}",
    ]


@given(length=st.integers(22, 3 * BLOCK), content=st.randoms(use_true_random=False))
def test_the_start_of_the_archive_follows_from_the_size_of_the_file(tmp_path_factory, length, content):
    """Whatever its length, with all digits of the header gone, the digest is that of the archive."""
    path = tmp_path_factory.mktemp("sizes") / "any.dfz"
    data = content.randbytes(length)
    reseal(path, data)
    header = re.sub(rb"\d", b"?", path.read_bytes()[:200])
    path.write_bytes(header + path.read_bytes()[len(header) :])

    assert verify(path).digest == hashlib.sha256(data).hexdigest()


# --- altered bytes ------------------------------------------------------------------------------------------------


@given(at=FRACTION, number=OTHER)
def test_one_altered_byte_is_named(found_in, whole, at, number):
    """Wherever it stands, seal or archive, and whatever it became: that very byte, with the value that it had."""
    place = int(at * len(whole))
    found = found_in(altered(whole, (place, number)))

    assert not found.intact
    assert (found.altered, found.exact, found.original, found.several) == (place, True, whole[place], 1)
    assert found.where.startswith(f"byte {place:,}, in ")


@pytest.mark.parametrize("number", [1, 128, 255])
def test_every_byte_of_the_seal_is_named(found_in, whole, start, number):
    """None of them is needed to find where the archive begins."""
    for place in range(start):
        found = found_in(altered(whole, (place, number)))

        assert (found.altered, found.exact, found.original) == (place, True, whole[place])
        assert "in the seal" in found.where
        assert found.digest == hashlib.sha256(whole[start:]).hexdigest()


@given(first=FRACTION, second=FRACTION, numbers=st.tuples(OTHER, OTHER))
@example(0.0, 0.01, (1, 1))
@example(0.008, 0.9, (1, 1))
def test_of_two_altered_bytes_the_first_is_named(found_in, whole, start, first, second, numbers):
    """Unless they are in one block of the archive."""
    places = sorted({int(first * len(whole)), int(second * len(whole))})
    blocks = {(place - start) // BLOCK if place >= start else -1 for place in places}
    assume(len(places) == 2 and (places[0] < start or len(blocks) == 2))
    found = found_in(altered(whole, *zip(places, numbers, strict=True)))

    assert (found.intact, found.altered, found.exact, found.original) == (False, places[0], True, whole[places[0]])
    assert found.several == len(blocks)


@given(block=st.integers(0, 3), numbers=st.dictionaries(st.integers(0, BLOCK - 1), OTHER, min_size=2, max_size=300))
@example(block=1, numbers={0: 1, 4_095: 255})
@example(block=1, numbers={10: 1, 11: 254, 12: 1})
def test_several_altered_bytes_of_a_block_are_in_the_range_that_is_named(found_in, whole, start, block, numbers):
    """Even where they leave its sums as they were."""
    base = start + block * BLOCK
    found = found_in(altered(whole, *((base + place, number) for place, number in numbers.items())))

    assert (found.intact, found.altered, found.exact, found.original) == (False, base, False, None)
    assert found.several == 1
    assert found.where.startswith(f"bytes {base:,} to {base + BLOCK - 1:,}, in ")


def test_a_byte_is_named_though_its_own_record_is_altered_too(found_in, whole, start):
    """The byte of the seal comes first, and the block counts as well, whichever part of the record it is."""
    record = start - 40 * -(-(len(whole) - start) // BLOCK)
    for place in (record + 3, record + 33, record + 35, record + 37, record + 39):
        found = found_in(altered(whole, (place, 7), (start + 1_000, 9)))

        assert (found.altered, found.exact, found.original, found.several) == (place, True, whole[place], 2)


def test_a_seal_that_was_wiped_out_leaves_the_archive_proven(found_in, whole, start):
    """Of a table of zeros the first byte is named; the archive is as its own SHA-256 in the header says."""
    table = start - 40 * -(-(len(whole) - start) // BLOCK)
    found = found_in(whole[:table] + bytes(start - table) + whole[start:])

    assert (found.altered, found.exact, found.several) == (table, True, 1)
    assert "Only the seal is altered" in found.reason


def test_every_block_altered_is_told_as_many(found_in, whole, start):
    """A file of noise behind a good seal: the first block, and how many there are."""
    found = found_in(whole[:start] + Random(9).randbytes(len(whole) - start))

    assert (found.altered, found.exact) == (start, False)
    assert found.several == -(-(len(whole) - start) // BLOCK)
    assert f"{found.several} blocks of 4,096 bytes" in found.reason


def test_where_is_told_in_words(found_in, whole):
    """The member and what it is to the user, the manifest, the directory, the parts of the seal."""
    first, text = (hashlib.sha256(body).hexdigest() for body in (FIRST, TEXT))
    at = {
        "header": 57,
        "first": whole.index(FIRST) + 3_000,
        "file": whole.rindex(FIRST) + 10,
        "text": whole.index(f"answers/{text}".encode()) + 5,
        "manifest": whole.index(b"manifest.json") + 30,
        "directory": len(whole) - 60,
        "record": whole.index(b"PK\x03\x04") - 1,
    }
    where = {name: found_in(altered(whole, (place, 1))).where for name, place in at.items()}

    assert where["header"] == "byte 57, in the seal (its header)"
    assert where["first"] == f"byte {at['first']:,}, in answers/{first} (validocx GET /jobs, page 1)"
    assert where["file"] == f"byte {at['file']:,}, in files/{first} (validocx document d-1 (a.pdf))"
    assert where["text"] == f"byte {at['text']:,}, in answers/{text} (validocx GET /projects)"
    assert where["manifest"] == f"byte {at['manifest']:,}, in manifest.json"
    assert where["directory"] == f"byte {at['directory']:,}, in the archive's directory"
    assert re.fullmatch(r"byte [\d,]+, in the seal \(its record of block \d\)", where["record"])


def test_an_answer_that_several_calls_had_is_told_so(found_in, tmp_path):
    """The first of the calls, and how many more."""
    save(tmp_path / "q3.dfz", manifest(answer(FIRST), answer(FIRST, "/b"), answer(FIRST, "/c")), FIRST)
    data = (tmp_path / "q3.dfz").read_bytes()

    assert found_in(altered(data, (data.index(FIRST), 1))).where.endswith("(validocx GET /jobs, page 1, and 2 more)")


def test_the_reason_gives_both_values(found_in, whole):
    """What the byte was and what it is."""
    place = whole.index(SECOND)
    found = found_in(altered(whole, (place, 1)))

    assert f"was 0x{SECOND[0]:02x} and is 0x{(SECOND[0] + 1) % 256:02x}" in found.reason


# --- cut and lengthened -------------------------------------------------------------------------------------------


@given(left=FRACTION)
@example(0.9999)
@example(0.0)
def test_a_file_that_was_cut_is_told_by_how_many_bytes(found_in, whole, left):
    """From any length that is left, but for a header that is too short to say."""
    size = max(1, int(left * len(whole)))
    found = found_in(whole[:size])
    missing = len(whole) - size

    assert (found.intact, found.altered, found.size) == (False, size, size)
    assert f"{missing:,} byte" in found.reason or (size < 300 and "unknown number of bytes" in found.reason)


def test_a_cut_between_two_blocks_is_exact(found_in, whole, start):
    """All that is left is proven; within a block it is not."""
    assert found_in(whole[: start + 2 * BLOCK]).exact
    assert not found_in(whole[: start + 2 * BLOCK + 1]).exact


@given(added=st.binary(min_size=1, max_size=9_000) | st.integers(1, 9_000))
@example(added=40)
@example(added=4_136)
def test_a_file_that_was_lengthened_is_told_by_how_many_bytes(found_in, whole, added):
    """Bytes of any kind, the archive's own end among them; the first of them is named."""
    more = added if isinstance(added, bytes) else whole[-added:]
    found = found_in(whole + more)

    assert (found.intact, found.altered, found.exact) == (False, len(whole), True)
    assert f"{len(more):,} byte" in found.reason
    assert found.digest == verify_digest(whole)


def verify_digest(whole):
    """The digest of a whole file, from where its archive begins."""
    return hashlib.sha256(whole[whole.index(b"PK\x03\x04") :]).hexdigest()


def first_difference(old, new, start):
    """Where the file begins to differ, as far as blocks can tell; the end of the shorter one if only that differs."""
    for base in range(start, len(old), BLOCK):
        was, block = old[base : base + BLOCK], new[base : base + min(BLOCK, len(old) - base)]
        if len(block) < len(was):
            return len(new)
        places = [base + place for place, byte in enumerate(was) if block[place] != byte]
        if places:
            return places[0] if len(places) == 1 else base
    return len(old)


@given(at=FRACTION, size=st.integers(1, 3_000), content=st.randoms(use_true_random=False))
def test_bytes_put_in_or_taken_out_are_found_where_they_were(found_in, whole, start, at, size, content):
    """The block in which the file begins to differ, and by how many bytes the file is longer or shorter."""
    place = start + int(at * (len(whole) - start - size))
    longer = whole[:place] + content.randbytes(size) + whole[place:]
    shorter = whole[:place] + whole[place + size :]
    found = [found_in(longer), found_in(shorter)]

    assert [each.intact for each in found] == [False, False]
    assert [each.altered for each in found] == [first_difference(whole, new, start) for new in (longer, shorter)]
    assert all(re.search(rf"\b{size:,} byte", each.reason) for each in found)


# --- sealed anew --------------------------------------------------------------------------------------------------


def test_only_the_digest_tells_a_capsule_that_was_made_anew(tmp_path):
    """Altered with its manifest and sealed, it is intact in itself; the digest that was written down tells."""
    digest = usual(tmp_path / "q3.dfz")
    save(tmp_path / "q3.dfz", manifest(answer(SECOND)), SECOND)
    alone, compared = verify(tmp_path / "q3.dfz"), verify(tmp_path / "q3.dfz", digest)

    assert alone.intact
    assert "only the digest that was written down can tell" in alone.reason
    assert not compared.intact
    assert (compared.altered, compared.exact, compared.where) == (None, False, "the file as a whole")
    assert digest in compared.reason
    assert alone.digest in compared.reason


def edited(change):
    """A manifest of two answers, changed as text, with its chain left alone."""
    whole = json.loads(manifest(answer(FIRST), answer(TEXT, "/b")).to_json())
    change(whole["entries"])
    return json.dumps(whole, indent=2, sort_keys=True).encode() + b"\n"


ONE, TWO = answer(FIRST), answer(TEXT, "/b")
RIGHT = manifest(ONE, TWO).to_json()
MANIFEST, FIRST_MEMBER, TEXT_MEMBER = ("manifest.json", RIGHT), (ONE.member, FIRST), (TWO.member, TEXT)


@pytest.mark.parametrize(
    ("members", "where", "reason"),
    [
        ([MANIFEST, (ONE.member, FIRST[1:]), TEXT_MEMBER], "validocx GET /jobs, page 1", "holds 5,999 bytes"),
        ([MANIFEST, FIRST_MEMBER, (TWO.member, TEXT[:-1] + b"!")], "validocx GET /b", "of SHA-256"),
        ([MANIFEST, FIRST_MEMBER], "validocx GET /b", "it is not there"),
        ([MANIFEST, FIRST_MEMBER, TEXT_MEMBER, ("x", b"")], "in x", "does not name it"),
        ([MANIFEST, FIRST_MEMBER, TEXT_MEMBER, FIRST_MEMBER], "page 1", "more than once"),
        ([MANIFEST, TEXT_MEMBER, FIRST_MEMBER], "the archive", "order"),
        ([FIRST_MEMBER, TEXT_MEMBER], "manifest.json", "cannot be read"),
        ([("manifest.json", edited(list.reverse)), FIRST_MEMBER, TEXT_MEMBER], "manifest.json", "chain"),
        ([("manifest.json", edited(list.pop)), FIRST_MEMBER], "manifest.json", "chain"),
        ([("manifest.json", RIGHT + b" "), FIRST_MEMBER, TEXT_MEMBER], "manifest.json", "one form"),
    ],
)
def test_contents_that_are_not_the_manifests_are_told(tmp_path, members, where, reason):
    """Though the seal was made anew: a content, its absence, one too many, the order, an entry."""
    forge(tmp_path / "q3.dfz", members)
    found = verify(tmp_path / "q3.dfz")

    assert not found.intact
    assert where in found.where
    assert re.search(reason, found.reason)
    assert "sealed anew" in found.reason


def test_the_forger_of_these_tests_makes_whole_capsules(tmp_path):
    """With right members it makes what is written otherwise, byte for byte."""
    forge(tmp_path / "forged", [MANIFEST, FIRST_MEMBER, TEXT_MEMBER])
    save(tmp_path / "saved", manifest(ONE, TWO), FIRST, TEXT)

    assert (tmp_path / "forged").read_bytes() == (tmp_path / "saved").read_bytes()


@pytest.mark.parametrize("beside", [{"gap": b"hidden"}, {"comment": b"hidden"}])
def test_nothing_hides_beside_the_members(tmp_path, beside):
    """Between them or in a comment, where no zip tool shows it."""
    forge(tmp_path / "q3.dfz", [MANIFEST, FIRST_MEMBER, TEXT_MEMBER], **beside)
    found = verify(tmp_path / "q3.dfz")

    assert not found.intact
    assert "beside its members" in found.reason


def test_nothing_hides_behind_the_packed_bytes_of_a_member(tmp_path):
    """Zip tools stop where a deflated content ends, and would not show what follows."""
    forge(tmp_path / "one.dfz", [("manifest.json", manifest(TWO).to_json()), TEXT_MEMBER], behind=b"hidden")
    with container.read(tmp_path / "one.dfz") as capsule:
        assert capsule.read(TWO) == TEXT
    found = verify(tmp_path / "one.dfz")

    assert not found.intact
    assert "do not end where they should" in found.reason


def test_an_archive_of_another_tool_is_not_of_our_form(tmp_path):
    """The same members, put together by zipfile: not what was saved."""
    other = BytesIO()
    with zipfile.ZipFile(other, "w") as opened:
        for name, body in (MANIFEST, FIRST_MEMBER, TEXT_MEMBER):
            opened.writestr(name, body)
    reseal(tmp_path / "q3.dfz", other.getvalue())

    assert not verify(tmp_path / "q3.dfz").intact


@pytest.mark.parametrize("data", [b"", b"no zip at all" * 400])
def test_a_seal_around_what_is_no_archive_proves_nothing(tmp_path, data):
    """A right seal, and behind it nothing that opens."""
    reseal(tmp_path / "q3.dfz", data)

    assert not verify(tmp_path / "q3.dfz").intact


@given(at=FRACTION | st.integers(1, 600).map(lambda back: 1 - back / 24_000), number=OTHER)
def test_whatever_is_altered_and_sealed_anew_the_contents_are_the_manifests(tmp_path_factory, whole, start, at, number):
    """It is told, but for the bits that fill up the last byte of a deflated member, which say nothing."""
    path = tmp_path_factory.mktemp("resealed") / "q3.dfz"
    reseal(path, altered(whole[start:], (int(at * (len(whole) - start)), number)))
    if verify(path).intact:
        with container.read(path) as capsule:
            assert capsule.manifest.chain in whole_manifest(whole)
            assert [capsule.read(entry) for entry in capsule.manifest.entries] == [FIRST, SECOND, TEXT, FIRST, TEXT]


def whole_manifest(whole):
    """The text of the manifest of a capsule."""
    return zipfile.ZipFile(BytesIO(whole)).read("manifest.json").decode()


# --- the rest -----------------------------------------------------------------------------------------------------


def test_check_raises_and_carries_what_was_found(tmp_path, whole):
    """A verification is true where the capsule is intact, and false where it is not."""
    (tmp_path / "q3.dfz").write_bytes(altered(whole, (5_000, 1)))
    with pytest.raises(CapsuleAltered, match=r"q3\.dfz is not as it was saved. Byte 5,000, in answers/") as refused:
        check(tmp_path / "q3.dfz")

    assert refused.value.verification == verify(tmp_path / "q3.dfz")
    assert bool(refused.value.verification) is False


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n" * 300, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_capsule_is_an_error(tmp_path, data):
    """Rather than an altered capsule."""
    (tmp_path / "book.csv").write_bytes(data)
    with pytest.raises(CapsuleError, match=r"book\.csv is no capsule") as refused:
        verify(tmp_path / "book.csv")

    assert not isinstance(refused.value, CapsuleAltered)


def test_a_later_format_is_told(tmp_path, whole):
    """Both places that name the format say 2: it is no altered byte, but another docframes."""
    later = whole.replace(b"capsule 1\n", b"capsule 2\n").replace(
        b"version 0000000000000001", b"version 0000000000000002"
    )
    (tmp_path / "q3.dfz").write_bytes(later)
    with pytest.raises(CapsuleError, match="format 2; this docframes reads format 1"):
        verify(tmp_path / "q3.dfz")


@pytest.mark.parametrize("digest", ["", "ab", "g" * 64, "0" * 63])
def test_a_digest_that_is_none_is_refused(tmp_path, digest):
    """It would never be equal, and so would accuse every capsule."""
    usual(tmp_path / "q3.dfz")
    with pytest.raises(ConfigError, match="64 hex digits"):
        verify(tmp_path / "q3.dfz", digest)


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command_tells_what_is_in_a_capsule(tmp_path, capsys):
    """Date, note, accounts, entries by kind, and that it is intact; it ends with 0."""
    written = manifest(
        answer(FIRST), answer(TEXT, "/b"), ledger(SECOND, held=False), file(FIRST), note="Third\x1b[2J quarter"
    )
    digest = save(tmp_path / "q3.dfz", written, FIRST, TEXT)
    code = main(["capsule", str(tmp_path / "q3.dfz"), "--digest", digest])
    shown = capsys.readouterr().out

    assert code == 0
    assert "Saved 2026-03-31 12:30 UTC by docframes 0.1.0." in shown
    assert "Note: Third [2J quarter" in shown
    assert "validocx 0123456789ab at https://api.validocx.test/v1" in shown
    assert re.search(r"validocx +answer +2 +7\.6 kB\n", shown)
    assert re.search(r"validocx +ledger +1 +0 bytes +1\n", shown)
    assert "q3.dfz: intact" in shown
    assert digest in shown


def test_the_command_ends_with_1_where_a_capsule_is_altered(tmp_path, capsys, whole):
    """And says where; what is in it is told all the same, where it can be read."""
    (tmp_path / "q3.dfz").write_bytes(altered(whole, (whole.index(SECOND) + 5, 1)))
    code = main(["capsule", str(tmp_path / "q3.dfz")])
    shown = " ".join(capsys.readouterr().out.split())

    assert code == 1
    assert "q3.dfz: ALTERED" in shown
    assert f"Byte {whole.index(SECOND) + 5:,}, in answers/" in shown
    assert "(validocx GET /jobs, page 2)" in shown
    assert "Saved 2026-03-31" in shown


def test_the_command_tells_another_digest_and_a_manifest_that_cannot_be_read(tmp_path, capsys, whole):
    """Both end with 1."""
    usual(tmp_path / "q3.dfz")
    (tmp_path / "broken.dfz").write_bytes(altered(whole, (len(whole) - 60, 1)))
    codes = [
        main(["capsule", str(tmp_path / "q3.dfz"), "--digest", "0" * 64]),
        main(["capsule", str(tmp_path / "broken.dfz")]),
        main(["capsule", str(tmp_path / "gone.dfz")]),
    ]
    shown = capsys.readouterr()

    assert codes == [1, 1, 1]
    assert "another capsule than the one" in " ".join(shown.out.split())
    assert "gone.dfz" in shown.err
    assert "Traceback" not in shown.err
