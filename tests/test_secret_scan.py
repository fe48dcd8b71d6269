"""``docframes doctor --secrets``: what is found where, in any kind of file, and what is none; nothing is given out."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import io
import json
import re
import sqlite3
import sys
import types
import zipfile
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docframes import validocx
from docframes.cli import main
from docframes.transport import scan
from docframes.transport.scan import Scanner
from docframes.transport.scan_files import Finding, environment_secrets, search

HOUSE = Path(__file__).parents[1]
#: Put together, so that this file shows none.
KEY = "vdx_org_Abcd1234_" + "s3cr3tK" * 5
NAME = "DOCFRAMES_VALIDOCX_API_KEY"
SIGNATURE = "5f2d8e" * 10 + "c41b"
LINK = "https://storage.example.org/a.pdf?X-Amz-Date=20260101&X-Amz-" + f"Signature={SIGNATURE}"


def seal(value):
    """The fingerprint, by hand."""
    return hashlib.sha256(value.encode()).hexdigest()[:8]


@pytest.fixture
def found(tmp_path):
    """Search one file of this content for the key and for shapes: places, kinds and fingerprints."""

    def look(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        told = search([path], {NAME: KEY})
        assert told.unread == {}
        return [(one.place, one.kind, one.fingerprint) for one in told.findings]

    return look


def kinds(text):
    """What is found in a text by its shape alone."""
    return [hit.kind for hit in Scanner({}).hits(text.encode())]


# --- keys that are known ------------------------------------------------------------------------------------------


def test_a_key_is_found_with_its_line(found):
    """Once for each line it stands in, under the name of its variable."""
    assert found("a.txt", f"one\ntwo {KEY}, {KEY}\n{KEY}") == [
        ("line 2", NAME, seal(KEY)),
        ("line 3", NAME, seal(KEY)),
    ]


@given(before=st.binary(max_size=7), after=st.binary(max_size=7), key=st.text("abcXYZ019_-+/", min_size=8, max_size=60))
def test_a_key_within_base64_is_found_wherever_it_stands(before, after, key):
    """As in an Authorization header, where the name of the user comes before it; in both alphabets."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = b"<" + encode(before + key.encode() + after) + b">"
        hits = Scanner({"key": key}).hits(text)

        # A key of eight or nine letters has too few of base64 that are its own.
        assert len(key) < 10 or any(hit.fingerprint == seal(key) for hit in hits)


@pytest.mark.parametrize(
    "written",
    [
        lambda key: quote(key, safe=""),
        lambda key: re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quote(key)),
        lambda key: json.dumps({"a": key}),
        lambda key: json.dumps({"a": json.dumps(key)}),
        html.escape,
        lambda key: f"user:{key}@host",
    ],
    ids=["address", "address in small letters", "json", "json in json", "html", "plain"],
)
@pytest.mark.parametrize("key", [KEY, "pass/word+with=signs&more", 'quote"and\\slash-99', "umläut-sécret-99"])
def test_a_key_is_found_as_it_is_written_elsewhere(written, key):
    """In an address, in JSON within JSON, in HTML."""
    hits = [hit for _, hit in Scanner({"key": key}).stream(io.BytesIO(f"x={written(key)};".encode()))]

    assert seal(key) in [hit.fingerprint for hit in hits]


def test_a_short_key_is_not_looked_for(tmp_path, monkeypatch, capsys):
    """It would be found everywhere; that it is not looked for is said."""
    (tmp_path / "a.txt").write_text("a secret1 here")
    monkeypatch.setenv("DOCFRAMES_PAPERSHIFT_PASSWORD", "secret1")

    assert main(["doctor", "--secrets", str(tmp_path)]) == 0
    assert "DOCFRAMES_PAPERSHIFT_PASSWORD" in capsys.readouterr().out.partition("Not looked for")[2]


def test_keys_come_from_the_environment():
    """Keys, tokens and passwords; not an address, a region or an e-mail."""
    environ = {
        NAME: f" {KEY} ", "DOCFRAMES_VALIDIS_SECONDARY_API_KEY": "b", "DOCFRAMES_PAPERSHIFT_TOKEN": "c",
        "DOCFRAMES_PAPERSHIFT_PASSWORD": "d", "DOCFRAMES_PAPERSHIFT_EMAIL": "e", "DOCFRAMES_VALIDIS_REGION": "uk",
        "DOCFRAMES_CACHE_DIR": "f", "AWS_SECRET_KEY": "g", "DOCFRAMES_VERIDOX_API_KEY": "",
    }  # fmt: skip

    assert sorted(environment_secrets(environ).values()) == ["b", "c", "d", KEY]


def test_keys_of_the_keyring_and_of_this_session_count_too(tmp_path, monkeypatch, capsys):
    """A command asks the keyring; a search from Python knows what its clients were made with."""
    module, errors = types.ModuleType("keyring"), types.ModuleType("keyring.errors")
    errors.KeyringError = errors.NoKeyringError = RuntimeError
    module.errors, module.get_password = errors, lambda service, user: f"{KEY}R" if user == "veridox_api_key" else None
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    (tmp_path / "a.txt").write_text(f"{KEY}R")
    assert main(["doctor", "--secrets", str(tmp_path)]) == 1
    assert f"line 1: keyring docframes, veridox_api_key [{seal(f'{KEY}R')}]" in capsys.readouterr().out

    (tmp_path / "a.txt").write_text(f"{KEY}S")
    validocx.Client(api_key=f"{KEY}S")
    (one,) = search([tmp_path]).findings
    assert one.fingerprint == seal(f"{KEY}S")


# --- shapes -------------------------------------------------------------------------------------------------------

AZURE = "sv=2024-11-04&se=2026-01-01&sr=b&sp=r&sig=" + "Zm9vYmFyMTIz" * 3 + "w%3D"
SHAPES = {
    "amazon": (LINK, "signed link (X-Amz-Signature)"),
    "google": ("https://s.test/a?X-Goog-Signature=" + SIGNATURE, "signed link (X-Goog-Signature)"),
    "azure": (f"https://s.test/a?{AZURE}", "signed link (sig)"),
    "cloudfront": ("https://s.test/a?Expires=1&Signature=" + "aB3-" * 9, "signed link (Signature)"),
    "token": ("https://s.test/a?token=" + SIGNATURE, "signed link (token)"),
    "escaped ampersand": (r'{"u":"https:\/\/s.test\/a?v=1\u0026token=' + SIGNATURE + '"}', "signed link (token)"),
    "html": (f"<a href='https://s.test/a?v=1&amp;token={SIGNATURE}'>", "signed link (token)"),
    "within an address": (quote(f"https://s.test/a?v=1&token={SIGNATURE}", safe=""), "signed link (token)"),
    "header": (f"Authorization: Bearer {SIGNATURE}", "header Authorization"),
    "header in curl": (f"curl -H 'x-api-key: {SIGNATURE}'", "header x-api-key"),
    "header in yaml": (f"headers:\n  X-Api-Key:\n  - {SIGNATURE}\n", "header X-Api-Key"),
    "header in a list": (f'{{"X-API-Key": ["{SIGNATURE}"]}}', "header X-API-Key"),
    "header in har": (f'{{"name": "Cookie", "value": "id={SIGNATURE}"}}', "header Cookie"),
    "header of validis": (f"Ocp-Apim-Subscription-Key={SIGNATURE}", "header Ocp-Apim-Subscription-Key"),
    "scheme": (f"Authorization: API_KEY {SIGNATURE}", "header Authorization"),
    "json": (f'{{"access_token" : "{SIGNATURE}"}}', 'value of "access_token"'),
    "json in json": (json.dumps({"a": json.dumps({"sasToken": SIGNATURE})}), 'value of "sasToken"'),
    "a plain password": ('{"password": "geheimnis"}', 'value of "password"'),
    "in code": (f'Client(api_key="{SIGNATURE}")', "api_key in code"),
    "in the environment": (f'os.environ["{NAME}"] = "{SIGNATURE}"', f"{NAME} in code"),
    "in a shell": (f"export {NAME}={SIGNATURE}", f"{NAME} in a command"),
    "a magic of ipython": (f"%env {NAME} {SIGNATURE}", f"{NAME} in a command"),
    "login": ("https://me:hunter22@example.org/", "password in an address"),
    "jwt": ("eyJhbGciOiJub25lIn0." + "eyJzdWIiOiIxIn0XX" + ".c2ln", "token (JWT)"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_a_secret_is_found_by_its_shape(name):
    """Exactly one, of this kind."""
    text, kind = SHAPES[name]
    hits = [hit for _, hit in Scanner({}).stream(io.BytesIO(text.encode()))]

    assert [hit.kind for hit in hits] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "https://s.test/a?[redacted]",
        "https://s.test/a?token=[redacted]&x=1",
        "https://s.test/a?token=%5Bredacted%5D",
        "https://s.test/?id=3&page=2&tokens=abcdef123456&design=abc123def456",
        "https://s.test/a?token=...",
        "https://s.test/a?token={token}",
        "f'https://s.test/a?token={self.token}'",
        "Authorization: Bearer <token>",
        "Authorization: [redacted]",
        'headers["Authorization"] = f"Bearer {token}"',
        '{"password": "{password}", "access_token": null, "api_key": "[redacted]"}',
        '"authorization", "proxy-authorization", "x-api-key", "ocp-apim-subscription-key"',
        '{"signed_url": "data.file.href", "download_url": "https://s.test/a?[redacted]"}',
        'Client(api_key="...")  # or api_key=os.environ["DOCFRAMES_VALIDOCX_API_KEY"]',
        "DOCFRAMES_VALIDOCX_API_KEY=your-key-1234567",
        "Set DOCFRAMES_VALIDOCX_API_KEY and DOCFRAMES_PAPERSHIFT_PASSWORD to use it",
        "http://127.0.0.1:8888/lab and user@example.org:80",
        "Why? Because token=abcdef123456",
        "sha256 " + "0123456789abcdef" * 4,
        base64.b64encode(b"\x89PNG\r\n" + f"tEXt {LINK}".encode() * 3).decode(),
    ],
)
def test_what_is_none_is_not_reported(text):
    """Masks, placeholders, names of headers, ordinary links, pictures."""
    assert kinds(text) == []


def test_the_redactor_leaves_nothing_to_find():
    """What it masks in a text is what is looked for here: no finding is left of any signed link or named secret."""
    from docframes.transport import redact

    for name in ("amazon", "google", "azure", "cloudfront", "token", "json", "a plain password"):
        assert kinds(redact.text(SHAPES[name][0])) == []


def test_two_secrets_are_told_apart_and_one_is_known_again(found):
    """By the digits in brackets."""
    told = found("a.txt", f"?token={SIGNATURE}\n?token={SIGNATURE[::-1]}\n?token={SIGNATURE}\n")

    assert [mark for _, _, mark in told] == [seal(SIGNATURE), seal(SIGNATURE[::-1]), seal(SIGNATURE)]


def test_a_known_key_is_not_told_again_as_a_shape(found):
    """The name of the variable says more than the name of the header."""
    assert [kind for _, kind, _ in found("a.txt", f'{{"x-api-key": "{KEY}"}}')] == [NAME]


@pytest.mark.parametrize("size", [64, 67, 100])
def test_a_secret_across_two_blocks_is_found_once_and_whole(monkeypatch, size):
    """Whatever block it begins in, with its line and its own fingerprint; with lines and without."""
    monkeypatch.setattr(scan, "_BLOCK", size)
    monkeypatch.setattr(scan, "_OVERLAP", 200)
    for filler in (b"x" * 9 + b"\n", b"x" * 10):
        for before in range(0, 60, 7):
            text = filler * before + f" ?token={SIGNATURE} {KEY} ".encode() + filler * 60
            hits = list(Scanner({"key": KEY}).stream(io.BytesIO(text)))
            line = before + 1 if b"\n" in filler else 1

            assert [(at, hit.fingerprint) for at, hit in hits] == [(line, seal(SIGNATURE)), (line, seal(KEY))]


# --- files --------------------------------------------------------------------------------------------------------


def output(**more):
    return {"output_type": "display_data", "metadata": {}, **more}


def notebook(cells, metadata=None):
    return json.dumps({"cells": cells, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5})


def code(source="1", outputs=()):
    return {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": {}, "execution_count": 1}


def test_a_notebook_is_told_by_cell_and_output(found):
    """Sources, streams, HTML, JSON, errors and the state of widgets; numbered from 1."""
    png = base64.b64encode(b"\x89PNG tEXt" + KEY.encode() * 3).decode()
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", f"see {LINK}"], "metadata": {}},
        code(["import x\n", f'client = Client("{KEY}")']),
        code(outputs=[
            {"output_type": "stream", "name": "stdout", "text": ["fine\n", f"{KEY}\n"]},
            output(data={"text/html": [f"<td>{html.escape(LINK)}</td>"], "image/png": png, "text/plain": "fine"}),
            output(data={"application/json": {"deep": [{"access_token": SIGNATURE}]}}),
            {"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["line", f"'x-api-key': '{SIGNATURE}'"]},
        ]),
    ]  # fmt: skip
    packed = base64.b64encode(b"many rows, and among them " + KEY.encode() + b", and more").decode()
    state = {"abc": {"state": {"rows": json.dumps({"url": LINK})}, "buffers": [{"data": packed, "encoding": "base64"}]}}
    widgets = {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": state}}}
    told = found("n.ipynb", notebook(cells, widgets))

    assert [(place, kind) for place, kind, _ in told][:6] == [
        ("cell 1, source, line 2", "signed link (X-Amz-Signature)"),
        ("cell 2, source, line 2", NAME),
        ("cell 3, output 1, line 2", NAME),
        ("cell 3, output 2, text/html, line 1", "signed link (X-Amz-Signature)"),
        ("cell 3, output 3, application/json, line 4", 'value of "access_token"'),
        ("cell 3, output 4, traceback, line 2", "header x-api-key"),
    ]
    assert sorted(kind for _, kind, _ in told[6:]) == [f"{NAME} (base64)", "signed link (X-Amz-Signature)"]
    assert all(place.startswith("metadata, line ") for place, _, _ in told[6:])


def test_a_notebook_that_is_no_json_is_searched_as_text(found):
    """Half of one, say."""
    assert found("n.ipynb", notebook([code(KEY)])[:-5] + "\n")[0][1:] == (NAME, seal(KEY))


def test_an_html_export_is_searched_as_it_reads(found):
    """Entities within a link and within JSON in an attribute."""
    state = html.escape(json.dumps({"access_token": SIGNATURE}))
    page = f"<html>\n<div data-state='{state}'>\n{html.escape(LINK)}</html>"

    assert [(place, kind) for place, kind, _ in found("a.html", page)] == [
        ("line 2", 'value of "access_token"'),
        ("line 3", "signed link (X-Amz-Signature)"),
    ]


def test_a_packed_body_of_a_cassette_is_opened(found):
    """vcrpy writes bytes as base64 over many lines; a body may be packed besides."""
    body = base64.encodebytes(gzip.compress(json.dumps({"padding": list(range(99)), "key": KEY}).encode())).decode()
    lines = "".join(f"      {line}\n" for line in body.splitlines())
    start = "interactions:\n- response:\n    body:\n      string: !!binary |\n"
    told = found("c.yaml", f"{start}{lines}    headers: {{}}\n")

    assert told == [("line 5", f"{NAME} (in base64)", seal(KEY))]


def test_members_of_archives_are_searched_however_deep(found):
    """A workbook, a capsule, a zip within a zip; places name the members."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b/answer.json", json.dumps({"padding": "x" * 999, "u": LINK}))
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.zip", inner.getvalue())
        archive.writestr("n.ipynb", notebook([code(KEY)]))
        archive.writestr("fine.txt", "nothing")

    assert found("q3.dfz", outer.getvalue()) == [
        ("member inner.zip, member b/answer.json, line 1", "signed link (X-Amz-Signature)", seal(SIGNATURE)),
        ("member n.ipynb, cell 1, source, line 1", NAME, seal(KEY)),
    ]


def test_a_workbook_is_searched(tmp_path):
    """As pandas writes it; its texts are in a member of their own."""
    pd.DataFrame({"a": ["x", LINK], "b": ["y", KEY]}).to_excel(tmp_path / "a.xlsx", engine="xlsxwriter")
    told = search([tmp_path], {NAME: KEY}).findings

    assert {one.kind for one in told} == {NAME, "signed link (X-Amz-Signature)"}
    # A link is written into the sheet's own list of links, too.
    assert {one.place for one in told} == {
        "member xl/sharedStrings.xml, line 2",
        "member xl/worksheets/_rels/sheet1.xml.rels, line 2",
    }


def test_a_table_is_told_by_its_column(tmp_path):
    """Parquet is packed, and Arrow may be: neither shows its texts in its bytes."""
    # The least and the greatest text stand in the file unpacked, so the key is neither.
    texts = [f"row {number}" for number in range(3_000)] + [f"row 15 {KEY}"]
    table = pa.table({"a": pa.array(texts), "b": pa.array(texts).dictionary_encode(), "n": range(3_001)})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
    with pa.ipc.new_file(tmp_path / "t.arrow", table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as file:
        file.write_table(table)
    assert KEY.encode() not in (tmp_path / "t.parquet").read_bytes()
    told = search([tmp_path], {NAME: KEY}).findings

    assert [(Path(one.file).name, one.place, one.kind) for one in told] == [
        ("t.arrow", "column a", NAME), ("t.arrow", "column b", NAME),
        ("t.parquet", "column a", NAME), ("t.parquet", "column b", NAME),
    ]  # fmt: skip


def test_a_database_is_told_by_its_row_and_what_was_deleted_by_its_bytes(tmp_path):
    """A value of several pages is not in one piece in the file; one that was deleted is in no row."""
    path = tmp_path / "a.sqlite"
    for position in range(3_900, 4_200, 7):
        path.unlink(missing_ok=True)
        with sqlite3.connect(path) as connection:
            connection.execute('CREATE TABLE "the answers" (a TEXT)')
            connection.execute('INSERT INTO "the answers" VALUES (?)', ("fine",))
            connection.execute('INSERT INTO "the answers" VALUES (?)', ("x" * position + KEY + "y" * 9_000,))
        connection.close()
        told = search([path], {NAME: KEY}).findings

        assert [(one.place, one.kind) for one in told] == [("table the answers, row 2", NAME)]

    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute('UPDATE "the answers" SET a = ? WHERE a = ?', (f"?token={SIGNATURE} ", "fine"))
        connection.execute('DELETE FROM "the answers"')
    connection.close()
    (one,) = [one for one in search([path], {NAME: KEY}).findings if one.kind != NAME]
    assert (one.place, one.fingerprint) == ("bytes", seal(SIGNATURE))


@pytest.mark.parametrize(("name", "encoding"), [("a.csv", "utf-16"), ("b.csv", "utf-8-sig"), ("c.csv", "cp1252")])
def test_a_table_of_text_is_searched_in_any_encoding(found, name, encoding):
    """As spreadsheets write it."""
    told = found(name, f"id;größe;link\n1;ä;{LINK}\n2;ö;{KEY}\n".encode(encoding))

    assert [(place, kind) for place, kind, _ in told] == [("line 2", "signed link (X-Amz-Signature)"), ("line 3", NAME)]


def test_a_packed_file_is_opened(found):
    """gzip, as ledgers and logs come."""
    assert found("a.csv.gz", gzip.compress(f"a\n{KEY}\n".encode())) == [("line 2", NAME, seal(KEY))]


def test_what_cannot_be_read_is_said(tmp_path):
    """An encrypted member, a zip cut short, a table that is none: no silence is taken for innocence."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", KEY)
    encrypted = bytearray(packed.getvalue())
    encrypted[6] |= 1
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(encrypted)
    (tmp_path / "short.zip").write_bytes(packed.getvalue()[:60])
    (tmp_path / "t.parquet").write_bytes(b"PAR1 not really " + KEY.encode())
    told = search([tmp_path], {NAME: KEY})

    names = sorted(Path(place.partition(",")[0]).name for place in told.unread)
    assert names == ["locked.zip", "short.zip", "t.parquet"]
    assert "encrypted" in next(why for place, why in told.unread.items() if "locked.zip" in place)
    assert {Path(one.file).name for one in told.findings} >= {"t.parquet"}


def test_folders_of_tools_are_passed_over(tmp_path):
    """And all others are gone through."""
    for folder in (".git", "__pycache__", "exports/2026"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.txt").write_text(KEY)
    told = search([tmp_path], {NAME: KEY})

    assert (told.files, [one.file for one in told.findings]) == (1, [str(tmp_path / "exports/2026/a.txt")])


# --- real things --------------------------------------------------------------------------------------------------


def test_what_a_session_keeps_and_exports_holds_none(box, client, settings, tmp_path):
    """Cache, frames, CSV, Parquet: searched with the very key and by shape.  A link saved by hand is found."""
    jobs = validocx.load_jobs(client=client)
    details = validocx.load_job_details(jobs, client=client)
    out = tmp_path / "out"
    out.mkdir()
    for name, frame in vars(details).items():
        frame.to_csv(out / f"{name}.csv")
        frame.to_parquet(out / f"{name}.parquet")
    key = box.key("validocx")
    clean = search([settings.cache_dir, out], {NAME: key})
    assert (clean.findings, clean.unread) == ([], {})
    assert clean.files > 15

    link = validocx.sign_file("documents", box.company.documents[0]["id"], client=client)
    (out / "links.csv").write_text(f"document,link\n1,{link.url}\n")
    (one,) = search([out], {NAME: key}).findings
    assert (Path(one.file).name, one.place, one.kind) == ("links.csv", "line 2", "signed link (token)")


def test_no_false_alarm_in_this_house():
    """Its prose, its code, its notebooks and its recordings."""
    parts = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml", "docframes", "notebooks", "cassettes"]
    told = search([HOUSE / part for part in parts], {})

    assert told.findings == []
    assert told.unread == {}
    assert told.files > 150


def test_the_canaries_of_the_tests_are_found():
    """Invented keys, tokens and signed links stand in tests; these are some of them."""
    told = {(Path(one.file).name, one.kind) for one in search([HOUSE / "tests"], {}).findings}

    assert told >= {
        ("test_validis.py", 'value of "access_token"'),
        ("test_download.py", "signed link (token)"),
        ("test_docdigitizer.py", "signed link (sig)"),
        ("test_papershift.py", 'value of "Authorization"'),
        ("test_papershift_uploads.py", 'value of "x-amz-signature"'),
    }


# --- the command --------------------------------------------------------------------------------------------------


def test_nothing_that_is_found_is_given_out(tmp_path, monkeypatch, capsys):
    """Neither printed, nor in the repr of a finding or of the scanner; the end is 1."""
    monkeypatch.setenv(NAME, KEY)
    (tmp_path / "a.txt").write_text(f"{KEY}\n{LINK}\n{SHAPES['jwt'][0]}\n")
    assert main(["doctor", "--secrets", str(tmp_path / "a.txt")]) == 1
    shown = capsys.readouterr().out
    told = search([tmp_path], {NAME: KEY})

    assert f"a.txt: line 1: {NAME} [{seal(KEY)}]" in shown
    assert "3 secrets in 1 of 1 file." in shown
    for text in (shown, repr(told), str(told.findings), repr(Scanner({NAME: KEY}))):
        assert [secret for secret in ("s3cr3t", SIGNATURE[:12], "eyJ") if secret in text] == []


def test_nothing_found_ends_with_0(tmp_path, capsys):
    """It says what was looked for."""
    (tmp_path / "a.txt").write_text("nothing")

    assert main(["doctor", "--secrets", str(tmp_path)]) == 0
    assert "0 secrets in 0 of 1 file." in capsys.readouterr().out


def test_a_path_that_is_not_there_is_an_error(tmp_path, capsys):
    """Not a clean bill."""
    assert main(["doctor", "--secrets", str(tmp_path / "gone")]) == 1
    assert "gone" in capsys.readouterr().err


def test_findings_sort_by_place():
    """They are plain values."""
    assert sorted([Finding("b", "1", "k", "0"), Finding("a", "2", "k", "0")])[0].file == "a"
