"""Encodings are found by looking or taken as declared, and what was destroyed before it came is counted."""

from __future__ import annotations

import codecs
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docframes.errors import ConfigError, LedgerError
from docframes.ledger import encodings, text
from docframes.ledger.archive import Member
from docframes.ledger.roles import known_headers
from docframes.ledger.text import (
    Dialect,
    NotUtf8,
    Utf8Stream,
    encoding_note,
    first_destroyed,
    guess_encoding,
    sniff,
)

HEADER = "Journal_ID;Date;Amount;Text\n"
SWEDISH = [
    "Försäljning inom Sverige 25 %",
    "Årets resultat",
    "Öresutjämning",
    "öre",
    "Inköp av varor från EU",
    "Övriga förutbetalda kostnader",
    "ÅTERFÖRING AV PERIODISERINGSFOND",
]
GERMAN = ["Erlöse 19 % USt", "Bürobedarf", "Löhne und Gehälter", "Größere Reparaturen", "Übertrag", "Straße 5"]
FRENCH = ["Frais généraux", "Électricité", "Dépôts reçus", "Intérêts à payer", "Loyer août", "Créances clients"]
SPANISH = ["Compañía", "Depreciación", "Año anterior", "Crédito fiscal", "Nómina"]
MARKS = [
    "L’achat d’été – reçu",
    "“Bürobedarf”",
    "„Größe“",
    "5 €",
    "€uro",
    "100€ inkl.",
    "Soll–Haben",
    "wait…what",
    "O‘Brien",
    "œuvre",
]


def member(data: bytes) -> Member:
    return Member("gl.csv", len(data), lambda: io.BytesIO(data))


def written(texts: list[str], encoding: str) -> bytes:
    lines = [f"{number};2024-01-01;1.00;{line}\n" for number, line in enumerate(texts, start=1)]
    return (HEADER + "".join(lines)).encode(encoding)


def read(data: bytes, dialect: Dialect, size: int = -1) -> tuple[str, Utf8Stream]:
    """The text that a stream gives, in chunks of *size*, and the stream."""
    chunks = []
    with Utf8Stream(member(data), dialect) as stream:
        while chunk := stream.read(size):
            chunks.append(chunk)
    return b"".join(chunks).decode(), stream


def as_it_is(encoding: str) -> Dialect:
    return Dialect(encoding, ";", ("a",), 1, 0)


@pytest.mark.parametrize("texts", [SWEDISH, GERMAN, FRENCH, SPANISH, SWEDISH * 50 + ["10 °C, 5 m², 2 µm"]])
@pytest.mark.parametrize("encoding", ["cp437", "cp1252"])
def test_words_tell_the_encoding(texts, encoding):
    """Words with accents, written in cp437 or cp1252, are found to be so by the bytes in their letters' places."""
    assert guess_encoding(member(written(texts, encoding))) == encoding


@pytest.mark.parametrize(
    "word", ["Försäljning", "Årets resultat", "Öresutjämning", "FÖRSÄLJNING", "Büro", "£ 100", "£5"]
)
def test_one_word_of_cp437_is_enough(word):
    """A single account with an accent inside it, or the pound sign by itself, decides where nothing speaks against."""
    assert guess_encoding(member(written([word], "cp437"))) == "cp437"


@pytest.mark.parametrize(
    "line", [*SWEDISH, *GERMAN, *FRENCH, *SPANISH, *MARKS, "£ 100", "£5", "Meier\u00a0GmbH", "®", "5 %"]
)
def test_no_line_of_cp1252_is_taken_for_cp437(line):
    """Quotation marks, apostrophes, dashes and euro signs beside letters do not make a file cp437."""
    assert guess_encoding(member(written([line], "cp1252"))) == "cp1252"
    assert guess_encoding(member(written([line] * 3 + MARKS, "cp1252"))) == "cp1252"


def test_polish_in_cp1252_is_cp1252():
    """Of Polish cp1252 has ó alone; it is read so, and cp1250, which looks alike, has to be declared."""
    assert guess_encoding(member(written(["Przychód", "PRZYCHÓD", "Rozchód"], "cp1252"))) == "cp1252"

    data = written(["Środki trwałe", "Należności", "Wpływy", "Majątek"], "cp1250")

    assert guess_encoding(member(data)) == "cp1252"
    assert "'cp1250'" in encoding_note(member(data), "cp1252")
    dialect = sniff(member(data), encoding="cp1250", known=known_headers())
    assert "Środki trwałe" in read(data, dialect)[0]


def test_bytes_without_a_meaning_in_cp1252_make_it_latin_1():
    """Where such bytes stand and no word speaks for cp437, latin-1 keeps them all; beside many marks it is cp1252."""
    stray = written(GERMAN, "cp1252") + b"7;2024-01-01;1.00;\x81 \x9d 1\n"

    assert guess_encoding(member(stray)) == "latin-1"
    assert guess_encoding(member(stray + written(MARKS, "cp1252"))) == "cp1252"


@given(st.integers(1, 9), st.sampled_from(["cp437", "cp1252"]), st.lists(st.sampled_from(SWEDISH), min_size=1))
def test_a_guess_does_not_depend_on_where_chunks_end(size, encoding, lines):
    """Neighbours are seen across chunks: read nine bytes at a time or at once, the votes are the same."""
    data = written(lines, encoding)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encodings, "_CHUNK", size)
        piecewise = guess_encoding(member(data)), encodings._tallies(member(data)).tolist()

    assert piecewise == (guess_encoding(member(data)), encodings._tallies(member(data)).tolist())


def test_a_guess_looks_at_the_whole_member():
    """The one word that decides may stand behind a million plain lines' worth of text."""
    data = (HEADER + "1;2024-01-01;1.00;plain\n" * 60_000).encode() + "2;2024-01-01;1.00;Försäljning\n".encode("cp437")

    assert guess_encoding(member(data)) == "cp437"
    assert "byte 0x94 on line 60,002" in encoding_note(member(data), "cp437")


@pytest.mark.parametrize(
    ("data", "encoding", "wanted"),
    [
        (written(["x", "Büro"], "cp437"), "cp437", "byte 0x81 on line 3"),
        (written(["Öl"], "cp1252").replace(b"\n", b"\r\n"), "cp1252", "byte 0xD6 on line 2"),
        (written(["x"], "utf-16"), "utf-16", "byte 0xFF on line 1"),
        (written(["Öl"], "utf-16-be"), "utf-16-be", "byte 0x00 on line 1"),
    ],
)
def test_the_note_says_what_forced_it(data, encoding, wanted):
    """Encoding, first byte and physical line, and how to declare another."""
    note = encoding_note(member(data), encoding)

    assert f"'gl.csv' is read as {encoding}: {wanted}" in note
    assert "read_ledger(..., encoding='...')" in note


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp437", "cp1252", "latin-1"]
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_encoding_is_read_declared_or_found(encoding, ending):
    """The same text comes out of each, by name; and by looking, for latin-1 as cp1252, which agrees with it."""
    data = written(SWEDISH, "utf-8").decode().replace("\n", ending).encode(encoding)
    declared = sniff(member(data), encoding=encoding, known=known_headers())
    try:
        found = sniff(member(data), known=known_headers())
    except NotUtf8:
        found = sniff(member(data), encoding=guess_encoding(member(data)), known=known_headers())

    for dialect in (declared, found):
        assert dialect.headers == ("Journal_ID", "Date", "Amount", "Text")
        lines = read(data, dialect)[0].split(ending)
        assert [line.split(";")[3] for line in lines[:-1]] == SWEDISH


def test_a_byte_order_mark_is_no_text():
    """Marks of UTF-16 are no text where the order is named as well, and big-endian is found by its mark."""
    for order, mark in (("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE)):
        data = mark + written(["Öl"], order)
        assert sniff(member(data), known=known_headers()).encoding == "utf-16"
        for encoding in (None, order, "utf-16"):
            dialect = sniff(member(data), encoding=encoding, known=known_headers())
            assert read(data, dialect)[0] == "1;2024-01-01;1.00;Öl\n"
            assert dialect.headers[0] == "Journal_ID"


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("line", ["Πωλήσεις", "Продажи товаров", "売上高 一般", "Försäljning"])
def test_utf_16_without_a_mark_is_seen_by_its_zero_bytes(order, line):
    """Digits, dates and delimiters have a zero byte each, whatever letters stand beside them."""
    data = written([line] * 20, order)

    assert sniff(member(data), known=known_headers()).encoding == order
    assert sniff(member(data), encoding="utf-16", known=known_headers()).encoding == order


@pytest.mark.parametrize(
    "data",
    [
        b"PNG\0\0\0\x01\0\x02data\0\0",
        bytes(range(256)) * 20,
        b"".join(number.to_bytes(2, "little") for number in range(1, 200)),
        b"Journal_ID,Date\n1,2024\0-01-01\n",
    ],
)
def test_zero_bytes_that_are_no_utf_16_are_refused(data):
    """Pictures, numbers and damaged text are no CSV; the error says how to declare one that is."""
    with pytest.raises(LedgerError, match=r"holds zero bytes.*encoding='utf-16-le'"):
        sniff(member(data), known=known_headers())


def test_utf_16_that_ends_within_a_character_is_an_error():
    """A mark of UTF-16 is believed, so half a character at the end is a broken file and no other encoding."""
    with pytest.raises(LedgerError, match="is not utf-16"):
        sniff(member(written(["x"], "utf-16")[:-1]), known=known_headers())
    with pytest.raises(LedgerError, match=r"no byte order mark.*'utf-16-be'"):
        sniff(member(written(["x"], "utf-8")), encoding="utf-16", known=known_headers())


@pytest.mark.parametrize("encoding", ["utf-9", "base64", "hex", "rot13", ""])
def test_what_is_no_encoding_of_text_is_refused(encoding):
    """A name that Python does not know, or knows for something else, is an error with names that work."""
    with pytest.raises(ConfigError, match=r"no encoding .*'cp437'"):
        sniff(member(b"a,b\n"), encoding=encoding, known=known_headers())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 1000, -1])
def test_destroyed_text_is_counted_wherever_chunks_end(size):
    """U+FFFD is counted once each, also in the header and where its three bytes lie in several chunks."""
    data = "Te\ufffdt\nK\ufffd\ufffdp\nÖ\n\ufffd".encode()
    header = Dialect("utf-8", ",", ("Te\ufffdt",), 2, len("Te\ufffdt\n".encode()))
    rest, stream = read(data, header, size)

    assert rest == "K\ufffd\ufffdp\nÖ\n\ufffd"
    assert stream.destroyed == 4


@given(st.text('aÖ\ufffd\n"€', max_size=40), st.integers(1, 7), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_a_stream_gives_the_text_and_its_counts(body, size, encoding):
    """In chunks of any size the text is the same, and so are the counts of quotation marks and destroyed characters."""
    rest, stream = read(body.encode(encoding), as_it_is(encoding), size)

    assert rest == body.removeprefix("\ufeff")
    assert (stream.quotes, stream.destroyed) == (body.count('"'), body.count("\ufffd"))


@given(st.text("aÖ\ufffd\n\r", max_size=40), st.integers(1, 5))
def test_the_line_of_the_first_destroyed_character(body, size):
    """It is the physical line, whichever way lines end and wherever chunks do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_CHUNK", size)
        line = first_destroyed(member(body.encode()), as_it_is("utf-8"))
    before, found, _ = body.partition("\ufffd")

    assert line == (len(f"{before}.".splitlines()) if found else None)


def test_bytes_that_cp1252_leaves_open_count_as_destroyed():
    """Five bytes mean nothing in cp1252; each becomes U+FFFD and is counted, however the encoding is spelled."""
    data = b"a\x81\x8d\x8f\x90\x9dz\x80\n"
    for encoding in ("cp1252", "windows-1252"):
        rest, stream = read(data, as_it_is(encoding), 2)
        assert rest == "a" + "\ufffd" * 5 + "z€\n"
        assert stream.destroyed == 5
    assert read(data, as_it_is("latin-1"))[1].destroyed == 0


def test_a_stream_gives_no_more_than_was_asked_for():
    """Bytes grow on their way to UTF-8, but a chunk is never longer than the reader has room for."""
    with Utf8Stream(member(b"\x80" * 100), as_it_is("cp1252")) as stream:
        sizes = []
        while chunk := stream.read(64):
            sizes.append(len(chunk))

    assert sizes == [64, 64, 64, 64, 44]
