"""A CSV as text: delimiter, encoding and header found by looking, every line accounted for."""

from __future__ import annotations

import csv
import io
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from docframes.errors import ConfigError, LedgerError, LedgerWarning, TextEncodingWarning
from docframes.ledger import read_ledger, rows
from docframes.ledger.archive import Member
from docframes.ledger.problems import Problems
from docframes.ledger.roles import known_headers
from docframes.ledger.rows import read_rows
from docframes.ledger.text import sniff

HEADER = ("Journal_ID", "Date", "Amount", "Text")


def member(data: bytes) -> Member:
    return Member("gl.csv", len(data), lambda: io.BytesIO(data))


def scanned(data: bytes, **declared: str):
    """Rows as lists of texts, their lines, and the problems."""
    one = member(data)
    problems = Problems("gl.csv")
    dialect = sniff(one, known=known_headers(), **declared)
    found = list(read_rows(one, dialect, problems))
    texts = [list(row.values()) for some in found for row in some.batch.to_pylist()]
    return texts, [int(line) for some in found for line in some.lines], problems.rows()


def by_csv_module(text: str, delimiter: str):
    """The oracle: rows of the header's width and the physical line each starts on; ragged ones apart."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    next(reader)
    good, lines, ragged, start = [], [], [], reader.line_num + 1
    for row in reader:
        if any(row) and len(row) == len(HEADER):
            good.append([cell or None for cell in row])
            lines.append(start)
        elif any(row) or len(row) not in (0, len(HEADER)):
            ragged.append(start)
        start = reader.line_num + 1
    return good, lines, ragged


def written(table, delimiter: str, end: str) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end)
    writer.writerow(HEADER)
    writer.writerows(table)
    return buffer.getvalue()


CELL = st.text(st.sampled_from('ab1 ,;|\t"\n\rå€'), max_size=6)
TABLE = st.lists(st.lists(CELL, min_size=4, max_size=4), max_size=12)
RAGGED = st.lists(st.lists(CELL, min_size=1, max_size=6), max_size=12)


@settings(deadline=None)
@given(TABLE, st.sampled_from(",;|\t"), st.sampled_from(["\n", "\r\n"]), st.booleans())
@example([["1", "2", "3", "a\r\nb"], ["5", "6", "7", "x"]], ",", "\r\n", True)
def test_any_text_comes_back(table, delimiter, end, bom):
    """Quotes, delimiters and line breaks in fields survive; lines are numbered as an editor numbers them."""
    text = written(table, delimiter, end)
    good, lines, _ = by_csv_module(text, delimiter)

    texts, found_lines, _ = scanned(text.encode("utf-8-sig" if bom else "utf-8"), delimiter=delimiter)

    assert texts == good
    assert found_lines == lines


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RAGGED, st.sampled_from(["\n", "\r\n"]), st.integers(0, 3))
def test_ragged_rows_are_listed_by_line(monkeypatch, table, end, blocks):
    """Every row is either given or listed with its line; the size of the blocks does not matter."""
    monkeypatch.setattr(rows, "BLOCK", [1 << 20, 100, 150, 200][blocks])
    text = written([["1", "2", "3", "4"], *table], ",", end)
    good, lines, ragged = by_csv_module(text, ",")

    texts, found_lines, problems = scanned(text.encode(), delimiter=",")

    assert texts == good
    assert found_lines == lines
    assert sorted(line for _, line, _, rule, *_ in problems if rule == "ragged") == ragged


@pytest.mark.parametrize("block", range(60, 90))
def test_a_line_break_in_a_field_survives_the_edge_of_a_block(monkeypatch, block):
    """A field that is CR LF keeps both, wherever the parser's blocks end."""
    monkeypatch.setattr(rows, "BLOCK", block)
    fields = ["a\r\nb", "\r\n", "\r\r\n", "c"]

    texts, _, _ = scanned(written([["1", "2", "3", "4"], *([fields] * 4)], ",", "\r\n").encode())

    assert texts == [["1", "2", "3", "4"], *([fields] * 4)]


def test_a_ragged_row_far_down_loses_nothing(monkeypatch):
    """What was read before the first ragged row is given once, and everything after it too."""
    monkeypatch.setattr(rows, "BLOCK", 4096)
    lines = [f'{n},2024-01-01,{n}.00,"note\n{n}"\n' for n in range(2_000)]
    lines[1_500] = "1500,2024-01-01\n"
    lines[1_700] = '1700,2024-01-01,1.00,"one\n\ntwo",more\n'

    texts, places, problems = scanned((",".join(HEADER) + "\n" + "".join(lines)).encode())

    assert [int(row[0]) for row in texts] == [n for n in range(2_000) if n not in (1_500, 1_700)]
    # Two physical lines a row after the header, one for row 1,500, three for row 1,700.
    assert places[1_499:1_501] == [3_000, 3_003]
    assert places[-1] == 2 + 2 * 1_999 - 1 + 1
    assert [(line, reason) for _, line, *_, reason in problems] == [
        (3_002, "2 fields, the header has 4"),
        (3_401, "5 fields, the header has 4"),
    ]


def test_blank_lines_count_as_lines():
    """Lines without any value are passed over, and counted where they are."""
    texts, lines, problems = scanned(b"Journal_ID,Date,Amount,Text\n\n1,2,3,4\n,,,\n\n5,6,7,8\n")

    assert [row[0] for row in texts] == ["1", "5"]
    assert lines == [3, 6]
    assert problems[0][1:6] == (2, "", "blank line", "", 3)


def test_empty_is_the_only_missing_value():
    """NA, NULL and nan are data; text is not trimmed."""
    texts, _, _ = scanned(b'Journal_ID,Date,Amount,Text\nNA,NULL,nan,None\n," x ","",0\n')

    assert texts == [["NA", "NULL", "nan", "None"], [None, " x ", None, "0"]]


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_the_delimiter_is_found(delimiter):
    """Whatever parts the header's known names parts the file, commas in amounts or not."""
    data = f"Journal_ID{delimiter}Date{delimiter}Amount\n1{delimiter}2024-01-01{delimiter}1\n"

    assert scanned(data.encode())[0] == [["1", "2024-01-01", "1"]]


def test_a_title_above_the_header_is_passed_over():
    """The header is the line with most known names."""
    data = b"General ledger 2024\nAcme Ltd,,\n\nJournal_ID,Date,Amount\n1,2024-01-01,1\n"

    texts, lines, _ = scanned(data)

    assert texts == [["1", "2024-01-01", "1"]]
    assert lines == [5]


def test_headers_are_made_unique():
    """A second Amount and a header without a name get names of their own."""
    dialect = sniff(member(b"Date,Amount,amount,,Amount\n1,2,3,4,5\n"), known=known_headers())

    assert dialect.headers == ("Date", "Amount", "amount_2", "column_4", "Amount_3")


def test_lines_that_end_with_a_delimiter():
    """A delimiter at the end of every line but the header makes one more column, not a ragged file."""
    dialect = sniff(member(b"Date,Amount\n2024-01-01,1,\n2024-01-02,2,\n"), known=known_headers())

    assert dialect.headers == ("Date", "Amount", "column_3")


def test_a_declared_delimiter_is_taken():
    """A delimiter that is not looked for can be declared, and is one character."""
    assert scanned(b"Date^Amount\n1^2\n", delimiter="^")[0] == [["1", "2"]]
    with pytest.raises(ConfigError, match="one character"):
        scanned(b"Date,Amount\n", delimiter="||")


GL = "Journal_ID,Date,Amount,Text\n1,2024-01-01,1.00,{}\n"


def file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "gl.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("lines_before", [0, 20_000])
def test_cp1252_is_read_with_a_warning(lines_before, tmp_path):
    """Bytes that are no UTF-8, early or late, make the whole file cp1252; the warning names file, byte and line."""
    body = "1,2024-01-01,0.50,plain text\n" * lines_before
    data = b"Journal_ID,Date,Amount,Text\n" + body.encode() + "2,2024-01-01,1.00,5 € für Öl\n".encode("cp1252")

    with pytest.warns(
        TextEncodingWarning, match=rf"'gl.csv' is read as cp1252: byte 0x80 on line {lines_before + 2:,}"
    ):
        gl = read_ledger(file(tmp_path, data))

    assert gl.transactions["text"].iloc[-1] == "5 € für Öl"
    assert len(gl.transactions) == lines_before + 1
    assert gl.sources["encoding"].tolist() == ["cp1252"]


def test_a_header_in_cp1252_is_read(tmp_path):
    """Headers have letters too; the first line after them is found all the same."""
    text = "Datum der Änderung;Date;Amount;Währung\n2024;2024-01-01;1.00;€\n"

    with pytest.warns(TextEncodingWarning, match="0xC4 on line 1"):
        gl = read_ledger(file(tmp_path, text.encode("cp1252")), roles={"currency": "währung"})

    assert gl.transactions["Datum der Änderung"].tolist() == ["2024"]
    assert gl.controls["currency"].tolist() == ["€"]


def test_bytes_that_cp1252_leaves_open_are_replaced(tmp_path):
    """0x81 means nothing in cp1252; the line is kept, with U+FFFD in its place, which is counted."""
    gl = read_ledger(file(tmp_path, GL.encode().replace(b"{}", b"a\x81b")), encoding="cp1252")

    assert gl.transactions["text"].tolist() == ["a\ufffdb"]
    assert gl.problems[["line", "rule", "count"]].values.tolist() == [[2, "destroyed text", 1]]


def test_utf_8_that_was_cut_within_a_character_stays_utf_8(tmp_path):
    """One broken byte among good ones costs one character, and no other letter; it is counted, and told."""
    text = GL.format("Försäljning åäö Å|").encode().replace("Å|".encode(), "Å".encode()[:1])
    with pytest.warns(TextEncodingWarning, match=r"utf-8, damaged: byte 0xC3 on line 2"):
        gl = read_ledger(file(tmp_path, text))

    assert gl.transactions["text"].tolist() == ["Försäljning åäö \ufffd"]
    assert gl.sources["encoding"].tolist() == ["utf-8, damaged"]
    assert gl.problems[["line", "rule", "count"]].values.tolist() == [[2, "destroyed text", 1]]


def test_text_that_was_destroyed_before_is_counted(tmp_path):
    """U+FFFD in the file itself: how many, and on which line first; the lines stay."""
    gl = read_ledger(file(tmp_path, GL.format("F\ufffdrs\ufffdljning").encode()))

    assert gl.transactions["text"].tolist() == ["F\ufffdrs\ufffdljning"]
    assert gl.problems[["line", "rule", "count"]].values.tolist() == [[2, "destroyed text", 2]]


def test_a_file_in_cp437_is_found_by_its_words(tmp_path):
    """What Swedish programs write by their standard comes back with its letters, and a warning says so."""
    with pytest.warns(TextEncodingWarning, match="cp437"):
        gl = read_ledger(file(tmp_path, GL.format("Försäljning, Årets öre").replace(", ", " ").encode("cp437")))

    assert gl.transactions["text"].tolist() == ["Försäljning Årets öre"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
def test_a_declared_encoding_is_taken(encoding, tmp_path):
    """A declared encoding is used without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gl = read_ledger(file(tmp_path, GL.format("åäö").encode(encoding)), encoding=encoding)

    assert gl.transactions["text"].tolist() == ["åäö"]
    assert gl.transactions.columns[0] == "transaction"


def test_utf_16_is_seen_by_its_mark(tmp_path):
    """A spreadsheet's "Unicode text" says what it is, and is read so, with a warning."""
    with pytest.warns(TextEncodingWarning, match="utf-16"):
        gl = read_ledger(file(tmp_path, GL.format("åäö").replace(",", "\t").encode("utf-16")))

    assert gl.transactions["text"].tolist() == ["åäö"]


def test_an_encoding_that_does_not_fit_is_an_error(tmp_path):
    """Declared UTF-8 is not second-guessed, and an unknown name is refused."""
    path = file(tmp_path, GL.format("åäö").encode("latin-1"))

    with pytest.raises(LedgerError, match="not utf-8"):
        read_ledger(path, encoding="utf-8")
    with pytest.raises(ConfigError, match="no encoding 'utf-9'"):
        read_ledger(path, encoding="utf-9")


def test_a_quotation_mark_left_open_is_seen(tmp_path):
    """An odd number of quotation marks is listed, for a field may have swallowed lines."""
    gl = read_ledger(file(tmp_path, GL.encode().replace(b"{}", b'"open\n2,2024-01-01,2.00,x')))

    assert gl.problems["rule"].tolist() == ["quotation marks"]


def test_a_field_without_end_is_an_error(tmp_path, monkeypatch):
    """A field longer than what is parsed at a time is no field; the message says what it may be."""
    monkeypatch.setattr(rows, "BLOCK", 1000)
    with pytest.raises(LedgerError, match="never closed"):
        read_ledger(file(tmp_path, GL.encode().replace(b"{}", b'"' + b"open\n" * 1000)))


def test_a_file_of_ragged_rows_is_an_error(tmp_path):
    """Where no line fits the header nothing would be left, so the delimiter is in question."""
    with pytest.raises(LedgerError, match="None of its lines has the 3 fields"):
        read_ledger(file(tmp_path, b"Journal_ID,Date,Amount\n1,2\n3,4\n"))


def test_ragged_rows_are_counted_in_one_warning(tmp_path):
    """One warning counts them, and problems shows line, text and why."""
    data = b"Journal_ID,Date,Amount,Text\n1,2024-01-01,1.00,a\n1,2024-01-01,1.00\n1,2024-01-01,1.00,a,b\n"

    with pytest.warns(LedgerWarning, match="2 lines were kept out of the ledger: 2 with too few or too many") as caught:
        gl = read_ledger(file(tmp_path, data))

    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert gl.problems[["line", "rule", "value"]].values.tolist() == [
        [3, "ragged", "1,2024-01-01,1.00"],
        [4, "ragged", "1,2024-01-01,1.00,a,b"],
    ]
    assert "2 lines kept out" in repr(gl)
