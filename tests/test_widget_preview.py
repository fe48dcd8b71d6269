"""The files behind the rows of a grid: links, bytes, previews, and sentences where there are none."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib

import pandas as pd
import pytest
from PIL import Image
from test_secrets import chain, logged, shown_in  # noqa: F401
from widget_files import SIGNATURE, Vault, paper, picture

import docframes
from docframes import docdigitizer, files, validocx
from docframes.errors import ConfigError, DocframesError
from docframes.widgets import browse, pictures
from docframes.widgets.preview import Files, sized


@pytest.fixture
def vault(scripted, monkeypatch):
    """A vendor whose files are what the test puts in."""
    return Vault(scripted, monkeypatch)


@pytest.fixture
def details(client):
    """Frames of jobs in full, their documents and photos."""
    return validocx.load_job_details(validocx.load_jobs(limit=6, client=client), client=client)


def seen(vault, name, data, **options):
    """The preview of one file."""
    return Files.of(vault.hold({name: data}), **options).preview(0)


# --- which files --------------------------------------------------------------------------------------------------


def test_a_frame_names_the_file_of_each_row_and_nobody_is_asked(box, client, details):
    """Label, kind and id stand in the frame's own columns; to read them no call is made."""
    box.clear_calls()
    found = Files.of(details.documents, client=client)

    row = details.documents.iloc[2]
    (file,) = found.at(2)
    assert (file.label, file.kind, file.size) == (row["name"], "documents", row["file_size"])
    assert file.ref == files.FileRef("validocx", "documents", row["document_id"])
    assert found.listed(2) == [{"label": row["name"], "kind": "documents"}]
    assert box.calls == []


@pytest.mark.parametrize("data", [pd.DataFrame({"a": [1]}), "no frame", None])
def test_what_names_no_files_has_none(data):
    """A frame of the user's own, or no frame at all."""
    assert Files.of(data) is None


def test_a_loaded_frame_without_files_has_none(client):
    """Projects have no file of their own."""
    assert Files.of(validocx.load_projects(client=client)) is None


def test_a_row_without_an_id_has_no_file(vault):
    """Missing and empty ids are no files, and the rows beside them keep their own."""
    frame = vault.hold({"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"})
    frame.loc[[0, 2], "file_id"] = [None, ""]
    found = Files.of(frame)

    assert [len(found.at(position)) for position in range(3)] == [0, 1, 0]
    with pytest.raises(ConfigError, match="has no file"):
        found.preview(0)


@pytest.mark.parametrize(("position", "number"), [(3, 0), (-1, 0), (0, 1), (0, -1)])
def test_a_row_or_file_that_there_is_not_is_refused(vault, position, number):
    """No place is counted from the end."""
    found = Files.of(vault.hold({"a.txt": b"a"}))

    with pytest.raises(DocframesError, match="position"):
        found.link(position, number)


def test_a_row_may_have_several_files(vault):
    """A mapping or a function of the position says which, each with its number."""
    frame = vault.hold({"a.txt": b"first", "b.txt": b"second"})
    pair = [Files.of(frame).at(position)[0] for position in (0, 1)]

    for found in (Files.many({7: pair}), Files.many(lambda position: pair if position == 7 else [])):
        assert [file.label for file in found.at(7)] == ["a.txt", "b.txt"]
        assert found.content(7, 1).data == b"second"
        assert found.at(8) == []


def test_files_of_a_name_that_turns_round_are_shown_for_what_they_are(vault):
    """The mark that would show ``invoice_fdp.exe`` as a PDF is written out; in a name to save it is an underscore."""
    found = Files.of(vault.hold({"invoice\u202efdp.exe": b"text"}))

    assert found.listed(0) == [{"label": "invoice\\u202efdp.exe", "kind": "papers"}]
    assert found.preview(0).name == "invoice\\u202efdp.exe"
    assert found.content(0).name == "invoice_fdp.exe"


# --- links and bytes ----------------------------------------------------------------------------------------------


def test_every_click_asks_for_a_link_of_its_own(box, client, details):
    """A browser cannot try again, so no remembered link is handed to it."""
    found = Files.of(details.images, client=client)
    box.clear_calls()
    links = [found.link(0), found.link(0)]

    assert box.count(path_prefix="/signed-files") == 2
    assert all(link.startswith(f"{box.storage_url}/") for link in links)


@pytest.mark.parametrize("url", ["http://files.example", "javascript:alert(1)//", "file:///etc", "ftp://files.example"])
def test_a_link_that_is_not_https_is_refused_without_being_shown(vault, url):
    """Only this machine's own may be plain http."""
    vault.url = url
    with pytest.raises(DocframesError, match="no https address") as caught:
        Files.of(vault.hold({"a.pdf": paper()})).link(0)

    assert "example" not in str(caught.value)
    assert SIGNATURE not in str(caught.value)


def test_an_https_link_is_handed_on_as_it_is(vault):
    """Whatever its host."""
    vault.url = "https://files.example"

    assert Files.of(vault.hold({"a.pdf": paper()})).link(0).startswith("https://files.example/f0?X-Amz-Signature=")


def test_a_file_comes_whole_with_its_digest(box, client, details):
    """What is handed over is what the company's file holds."""
    content = Files.of(details.documents, client=client).content(1)

    original = box.company.file("documents", details.documents["document_id"].iloc[1]).read()
    assert content.data == original
    assert (content.size, content.sha256) == (len(original), hashlib.sha256(original).hexdigest())
    assert (content.name, content.mime) == (details.documents["name"].iloc[1], "application/pdf")
    assert box.leaks == []


@pytest.mark.parametrize(
    ("label", "data", "name", "mime"),
    [
        ("../../etc/passwd", b"root", "_.._etc_passwd.txt", "text/plain"),
        ("Acme Ltd", b"PK\x03\x04rest", "Acme Ltd.zip", "application/zip"),
        ("a<script>.pdf", b"<script>x</script>", "a_script_.pdf", "text/plain"),
        ("noise.bin", bytes(range(256)), "noise.bin", "application/octet-stream"),
    ],
)
def test_a_file_is_saved_under_a_safe_name_and_by_the_type_of_its_bytes(vault, label, data, name, mime):
    """No folder is left; a name without an ending gets that of its type; a claim in the name changes no type."""
    content = Files.of(vault.hold({label: data})).content(0)

    assert (content.name, content.mime) == (name, mime)


def test_a_vendor_that_sends_the_bytes_itself_gives_the_file_in_place_of_a_link(vault):
    """Asked to open, the answer is the file; asked for a link in Python, a sentence."""
    vault.links = False
    found = Files.of(vault.hold({"a.pdf": paper("own")}))
    message, buffers = found.answer({"type": "open", "nonce": "1", "position": 0, "file": 0})

    assert (message["type"], message["nonce"], message["mime"]) == ("file", "1", "application/pdf")
    assert buffers == [paper("own")]
    with pytest.raises(DocframesError, match="hands out no link"):
        found.link(0)


def test_the_assets_of_a_document_are_opened_too(start, settings):
    """Another room, whose files are found by way of their document."""
    box = start(jobs=6)
    with docdigitizer.Client(
        api_key=box.key("docdigitizer"), base_url=box.url("docdigitizer"), settings=settings
    ) as client:
        assets = docdigitizer.load_assets(docdigitizer.load_documents(limit=3, client=client), client=client)

        assert Files.of(assets, client=client).preview(0).kind == "pdf"


# --- previews by the bytes ----------------------------------------------------------------------------------------


def test_a_pdf_is_previewed_by_its_own_bytes(vault):
    """With the name, the type, the size and the digest of the whole file."""
    data = paper("terms")
    preview = seen(vault, "terms.pdf", data)

    assert (preview.kind, preview.mime, preview.data, preview.note) == ("pdf", "application/pdf", data, "")
    assert (preview.name, preview.size) == ("terms.pdf", len(data))
    assert preview.sha256 == hashlib.sha256(data).hexdigest()


def test_pages_of_a_pdf_are_drawn_where_they_are_asked_for(vault):
    """A4, 595 by 842 points, twice as many pixels or 1,600 at most; there is black on white in it."""
    pytest.importorskip("pypdfium2")
    found = Files.of(vault.hold({"terms.pdf": paper("terms")}))
    message, buffers = found.answer({"type": "preview", "nonce": "1", "position": 0, "file": 0, "pages": True})
    page = Image.open(io.BytesIO(buffers[0])).convert("L")

    assert (message["pages"], message["page_count"], len(buffers)) == (1, 1, 1)
    assert abs(page.height / page.width - 842 / 595) < 0.01
    assert page.height == 1_600
    assert page.getextrema() == (0, 255)


def test_without_pdfium_the_bytes_are_sent_all_the_same(vault, monkeypatch):
    """The library is an extra."""

    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(pictures.importlib, "import_module", missing)
    message, buffers = Files.of(vault.hold({"terms.pdf": paper()})).answer(
        {"type": "preview", "nonce": "1", "position": 0, "file": 0, "pages": True}
    )

    assert (message["kind"], message["pages"], buffers) == ("pdf", 0, [paper()])


@pytest.mark.parametrize(("kind", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_pictures_that_browsers_show_are_sent_as_they_are(vault, kind, mime):
    """Not a byte is changed, whatever the name says."""
    data = picture(kind)
    preview = seen(vault, "scan", data)

    assert (preview.kind, preview.mime, preview.data) == ("image", mime, data)


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "GIF"])
def test_pictures_that_browsers_do_not_show_become_png(vault, kind):
    """Same size, same colour; the digest is still the file's own."""
    data = picture(kind)
    preview = seen(vault, f"scan.{kind.lower()}", data)
    shown = Image.open(io.BytesIO(preview.data))

    assert (preview.kind, preview.mime, shown.format, shown.size) == ("image", "image/png", "PNG", (40, 30))
    assert shown.convert("RGB").getpixel((20, 15)) == (255, 0, 0)
    assert preview.sha256 == hashlib.sha256(data).hexdigest()


def test_the_first_of_several_pages_is_shown_and_told(vault):
    """A scan of three pages, the first of which is red."""
    preview = seen(vault, "scan.tif", picture("TIFF", pages=3))

    assert preview.note == "Page 1 of 3."
    assert Image.open(io.BytesIO(preview.data)).convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def test_a_large_scan_is_shown_smaller(vault):
    """6,000 pixels become 5,000, and the note has the true size."""
    preview = seen(vault, "plan.tif", picture("TIFF", size=(6_000, 30)))

    assert Image.open(io.BytesIO(preview.data)).size == (5_000, 25)
    assert preview.note == "Shown smaller than its 6,000 × 30 pixels."


def bomb(width, height):
    """The head of a PNG that claims so many pixels, and little more."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(head)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return start + struct.pack(">I", 10) + b"IDAT" + b"\0" * 14


def tiff_bomb(side):
    """A TIFF of one strip that claims side x side grey pixels."""
    tags = [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
            (277, 3, 1, 1), (278, 4, 1, side), (279, 4, 1, 4)]  # fmt: skip
    body = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + body + b"\0" * 8


@pytest.mark.parametrize(("name", "data"), [("a.png", bomb(40_000, 40_000)), ("a.tif", tiff_bomb(40_000))])
def test_a_picture_that_unpacks_without_end_is_not_unpacked(vault, name, data):
    """40,000 by 40,000 pixels in a hundred bytes: far beyond Pillow's own limit."""
    preview = seen(vault, name, data)

    assert (preview.kind, preview.data) == ("none", None)
    assert "far more pixels than can be shown" in preview.note


@pytest.mark.parametrize("data", [picture("TIFF")[:60], b"\x89PNG\r\n\x1a\nnonsense", b"GIF89a"])
def test_a_damaged_picture_is_told_as_damaged(vault, data):
    """And may still be downloaded."""
    preview = seen(vault, "scan", data)

    assert preview.kind == "none"
    assert "is damaged" in preview.note
    assert preview.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("name", "text", "words", "note"),
    [
        ("invoice.pdf", "<!doctype html><script>window.x=1</script>", "HTML",
         "Its name ends in .pdf, but its bytes say: HTML. HTML, shown as its source."),
        ("photo.png", "<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "SVG",
         "Its name ends in .png, but its bytes say: SVG. SVG, shown as its source."),
        ("page.html", "<html><body onload=x()>%PDF-1.4", "HTML", "HTML, shown as its source."),
        ("run.js", "alert(1)", "text", ""),
        ("plain.pdf", "just words", "text", "Its name ends in .pdf, but its bytes say: text."),
    ],
)  # fmt: skip
def test_what_could_run_is_shown_as_its_source(vault, name, text, words, note):
    """HTML, SVG and scripts are text, whatever they are called; the name's untrue claim is told."""
    preview = seen(vault, name, text.encode())

    assert (preview.kind, preview.words, preview.text, preview.note) == ("text", words, text, note)
    assert (preview.mime, preview.data) == ("text/plain", None)


def test_a_picture_called_a_pdf_is_told(vault):
    """By its bytes it is shown, and the claim of its name is not passed over."""
    preview = seen(vault, "invoice.pdf", picture("PNG"))

    assert (preview.kind, preview.mime) == ("image", "image/png")
    assert preview.note == "Its name ends in .pdf, but its bytes say: PNG picture."


def test_the_first_lines_of_a_long_text_are_shown(vault):
    """200 of 1,000, and it is told that more follow."""
    lines = [f"line {number}" for number in range(1_000)]
    preview = seen(vault, "log.log", "\r\n".join(lines).encode())

    assert preview.text.split("\n") == lines[:200]
    assert preview.note == "The beginning only."


def test_a_text_of_one_endless_line_is_cut(vault):
    """64 kB are shown, and no half of a letter."""
    preview = seen(vault, "a.log", b"x" + "ü".encode() * 100_000)

    assert preview.text == "x" + "ü" * 32_767
    assert preview.note == "The beginning only."


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "Read as utf-16."),
        ("cp1252", "Read as cp1252."),
        ("cp437", "Read as cp437."),
    ],
)
def test_text_is_read_in_the_encoding_that_it_shows(vault, encoding, note):
    """By mark, zero bytes or words, as a ledger's would be; what is read is told."""
    text = "Vergütung für Übertragungen\nGebühr für Prüfung"
    preview = seen(vault, "note.txt", text.encode(encoding))

    assert (preview.kind, preview.text, preview.note) == ("text", text, note)


@pytest.mark.parametrize("data", [bytes(range(256)) * 10, b"\x7fELF\x02\x01\x01\0\0\0", b"a\x01b"])
def test_bytes_that_are_no_text_are_not_shown(vault, data):
    """Their size, their digest and a word of what to do."""
    preview = seen(vault, "thing", data)

    assert (preview.kind, preview.size) == ("none", len(data))
    assert preview.note == "There is no preview of a file of an unknown kind; download it."


def test_an_empty_file_is_told_as_empty(vault):
    """Its digest is that of nothing."""
    preview = seen(vault, "a.pdf", b"")

    assert (preview.kind, preview.size, preview.note) == ("none", 0, "The file is empty: 0 bytes.")
    assert preview.sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(("delimiter", "told"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")])
def test_the_head_of_a_csv_is_a_table_of_text(vault, delimiter, told):
    """The header and 50 rows; zeros in front and digits behind stay."""
    rows = [["account", "amount", "text"]]
    rows += [[f"{number:06}", f"{number}.10", f'"a {delimiter} b"'] for number in range(80)]
    preview = seen(vault, "ledger.csv", "\n".join(delimiter.join(row) for row in rows).encode())

    assert preview.kind == "table"
    assert preview.rows[0] == rows[0]
    assert preview.rows[8] == ["000007", "7.10", f"a {delimiter} b"]
    assert len(preview.rows) == 51
    assert preview.note == f"The first 50 rows. Delimiter: {told}."


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("letter.txt", "Dear Sir,\nwe thank you, and ask you to pay.\nYours, A"),
        ("a.log", "12:00:00,123 start\n12:00:01,124 stop\n"),
        ("one.csv", "only\none\ncolumn\n"),
        ("page.csv", "<html>,<body>\n1,2\n"),
    ],
)
def test_text_with_commas_is_no_table(vault, name, text):
    """Nor is a CSV of one column, nor a page of the web."""
    assert seen(vault, name, text.encode()).kind == "text"


def test_cells_and_columns_of_a_table_have_a_limit(vault):
    """A cell of 10,000 letters is cut, and columns beyond 100 are left out."""
    preview = seen(vault, "wide.csv", (",".join(["x" * 10_000] + ["1"] * 150) + "\n").encode() * 2)

    assert len(preview.rows[0]) == 100
    assert preview.rows[0][0] == "x" * 500 + "…"
    assert preview.note.startswith("The first 1 rows.")


# --- size ---------------------------------------------------------------------------------------------------------


def test_nothing_is_fetched_of_a_file_that_the_frame_tells_to_be_too_large(box, client, details):
    """No link is asked for, no byte is read; the note has the size and the way out."""
    frame = details.documents.assign(file_size=48_000_000)
    box.clear_calls()
    preview = Files.of(frame, client=client).preview(0)

    assert (preview.kind, preview.size, preview.sha256) == ("none", 48_000_000, "")
    assert preview.note == "48 MB: too large to preview; download it."
    assert box.calls == []


@pytest.mark.parametrize(("size", "kind"), [(1_000, "text"), (1_001, "none")])
def test_a_file_that_the_host_tells_to_be_too_large_is_not_read(vault, size, kind):
    """A limit of 1,000 bytes takes 1,000 and no more."""
    preview = seen(vault, "a.txt", b"x" * size, largest_preview=1_000)

    assert (preview.kind, preview.size) == (kind, size)
    assert preview.note == ("" if kind == "text" else "1.0 kB: too large to preview; download it.")


def test_reading_stops_where_nobody_told_the_size(vault):
    """After the limit; how large the file is stays unknown."""
    vault.told = False
    preview = seen(vault, "a.txt", b"x" * 5_000, largest_preview=1_000)

    assert (preview.kind, preview.size, preview.sha256) == ("none", None, "")
    assert preview.note == "More than 1 kB: too large to preview; download it."


def test_a_file_too_large_for_the_notebook_is_saved_by_name(vault):
    """The sentence holds the call that does it."""
    found = Files(Files.of(vault.hold({"a.zip": b"x" * 2_000})).at, largest_download=1_000)

    with pytest.raises(DocframesError, match=r"has 2 kB.*FileRef\('vault', 'papers', 'f0'\)\.save\(path\)"):
        found.content(0)


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1 kB"), (1_250, "1.2 kB"), (48_000_000, "48 MB"),
     (999_600, "1.0 MB"), (2_500_000_000, "2.5 GB"), (3_000_000_000_000, "3000 GB")],
)  # fmt: skip
def test_sizes_are_told_in_words(size, words):
    """By thousands, with one digit behind the point below ten."""
    assert sized(size) == words


# --- what goes wrong ----------------------------------------------------------------------------------------------


def refusals(found):
    """What a person is told by each of the three clicks, and by Python; checked for addresses."""
    told = []
    for kind in ("open", "download", "preview"):
        message, buffers = found.answer({"type": kind, "nonce": kind, "position": 0, "file": 0})
        told.append(message)
        assert (message["nonce"], buffers) == (kind, [])
        assert "://" not in message.get("text", "")
    with pytest.raises(DocframesError) as caught:
        found.preview(0)
    assert [error for error in chain(caught.value) if "://" in f"{error} {vars(error)}"] == []
    return told, str(caught.value)


def test_a_link_that_is_over_is_asked_for_again(box, client, details):
    """A preview an hour later works, and no one is told."""
    found = Files.of(details.documents, client=client)
    found.preview(0)
    box.advance(3_601)

    assert found.preview(0).kind == "pdf"


def test_a_storage_host_that_refuses_fresh_links_too_is_told(start, account):
    """Links that are over when they arrive: two were tried."""
    box = start(jobs=6)
    client = account(box)
    found = Files.of(validocx.load_job_details(client=client).documents, client=client)
    box.clock.scale = 1e-9
    told, raised = refusals(found)

    assert raised.startswith("The link was over and a fresh one was refused too (403).")
    assert [message["type"] for message in told] == ["link", "error", "error"]
    assert {message["text"] for message in told[1:]} == {raised}
    box.clock.scale = 1.0
    assert found.preview(0).kind == "pdf"


def test_a_revoked_key_is_told(start, account):
    """By the vendor's name and what to do; the next key works."""
    box = start(jobs=6)
    client = account(box)
    found = Files.of(validocx.load_job_details(client=client).documents, client=client)
    box.revoke_key("validocx")
    told, raised = refusals(found)

    assert raised.startswith("validocx refuses the key (401): it was revoked")
    assert {message["text"] for message in told} == {raised}
    assert shown_in(raised, box.canaries) == []


def test_a_deleted_file_is_told(start, account, monkeypatch):
    """By the vendor, which knows no such id, or by the storage host, which has lost it."""
    box = start(jobs=6)
    client = account(box)
    frame = pd.DataFrame(
        {"vendor": "validocx", "kind": "documents", "file_id": ["00000000-0000-4000-8000-000000000000"]}
    )
    _, by_vendor = refusals(Files.of(frame, client=client))
    found = Files.of(validocx.load_job_details(client=client).documents, client=client)
    monkeypatch.setattr(box, "stored_file", lambda *_: None)
    _, by_storage = refusals(found)

    assert by_vendor.startswith("validocx has no such file (404)")
    assert by_storage.startswith("The storage host has no such file any more (404)")


def test_being_offline_is_told_and_no_socket_is_opened(client, details, no_sockets):
    """A remembered link is not followed either."""
    found = Files.of(details.documents, client=client)
    with docframes.offline():
        told, raised = refusals(found)

    assert raised.startswith("docframes is offline")
    assert {message["type"] for message in told} == {"error"}


def test_a_remembered_link_opens_no_socket_offline(client, details, monkeypatch):
    """What was opened before is not opened again without the network."""
    found = Files.of(details.documents, client=client)
    found.preview(0)

    with docframes.offline(), pytest.raises(DocframesError, match="offline"):
        found.preview(0)


@pytest.mark.parametrize(
    ("chaos", "says"),
    [
        ("500_always", "validocx failed (500), on every try"),
        ("429_always", "validocx takes no more calls for now (429)"),
        ("drop_mid_body:99", "Nothing came back from validocx"),
        ("html_instead", "The vendor answered with something that is no answer of its API"),
    ],
)
def test_a_vendor_in_trouble_is_told(start, account, chaos, says):
    """Each kind of trouble has its own sentence."""
    whole = start(jobs=6)
    client = account(whole)
    frame = validocx.load_job_details(client=client).documents
    ill = start(chaos, jobs=6)
    _, raised = refusals(Files.of(frame, client=account(ill)))

    assert says in raised


def test_no_network_is_told(account, start):
    """Nobody listens at the vendor's address."""
    box = start(jobs=6)
    frame = validocx.load_job_details(client=account(box)).documents
    found = Files.of(frame, client=account(box, base_url="http://127.0.0.1:9"))

    assert refusals(found)[1] == "Nothing came back from validocx, after every try. Check the network, then try again."


@pytest.mark.parametrize(
    ("status", "says"),
    [(403, "fresh one was refused too (403)"), (404, "no such file any more (404)"), (410, "any more (410)"),
     (503, "could not send the file (503)")],
)  # fmt: skip
def test_a_storage_host_in_trouble_is_told(vault, status, says):
    """By what it answers, and with no word of the link."""
    vault.status = status
    _, raised = refusals(Files.of(vault.hold({"a.pdf": paper()})))

    assert says in raised
    assert SIGNATURE not in raised


def test_an_error_that_is_not_ours_keeps_its_words_to_itself(vault, monkeypatch):
    """They may hold anything; its type is told."""
    found = Files.of(vault.hold({"a.pdf": paper()}))

    def fails(*_, **__):
        raise ValueError(f"https://files.example/a?sig={SIGNATURE}")

    monkeypatch.setattr(files, "fetch_links", fails)
    monkeypatch.setattr("docframes.widgets.preview.fetch_links", fails)
    told, raised = refusals(found)

    assert raised == "The file could not be opened (ValueError)."
    assert {message["text"] for message in told} == {raised}


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "preview"},
        {"type": "preview", "position": "0", "file": 0},
        {"type": "preview", "position": True, "file": 0},
        {"type": "preview", "position": 0, "file": 1.5},
        {"type": "preview", "position": 10**30, "file": 0},
        {"type": "delete", "position": 0, "file": 0},
        {"type": ["open"], "position": 0, "file": 0},
    ],
)
def test_a_message_that_makes_no_sense_is_answered_in_words(vault, message):
    """It may come from any page; nothing is raised, nothing is fetched."""
    told, buffers = Files.of(vault.hold({"a.pdf": paper()})).answer({**message, "nonce": "n"})

    assert (told["type"], told["nonce"], buffers) == ("error", "n", [])
    assert "Traceback" not in told["text"]
    assert vault.fetched == vault.signed == 0


# --- secrets ------------------------------------------------------------------------------------------------------


def test_no_secret_is_left_behind_by_a_session_of_ten_files(start, account, logged):  # noqa: F811
    """Opened, previewed, downloaded, refused: a link stands in the message that hands it over, and nowhere else."""
    box = start(jobs=12)
    client = account(box)
    found = Files.of(validocx.load_job_details(client=client).images, client=client)
    messages = [
        found.answer({"type": kind, "nonce": f"{kind}{position}", "position": position, "file": 0})
        for position in range(10)
        for kind in ("open", "preview", "download")
    ]
    contents = [found.content(0), found.preview(0)]
    box.revoke_key("validocx")
    box.advance(3_601)
    told, raised = refusals(found)

    links = [message["url"] for message, _ in messages if message["type"] == "link"]
    rest = [f"{message!r}" for message, _ in messages if message["type"] != "link"]
    assert len(links) == 10
    assert all(box.signature_marker in link for link in links)
    kept = [*rest, *map(repr, [found, vars(found), found.at(0), *contents, *told]), raised, *logged]
    assert shown_in("\n".join(kept), box.canaries) == []
    assert [text for text in [*rest, raised, repr(contents)] if "://" in text] == []


def test_no_secret_is_in_a_grid_whose_files_were_opened(start, account, logged):  # noqa: F811
    """State, repr, static table: what a front end or a saved notebook keeps of it holds no address at all."""
    box = start(jobs=12)
    client = account(box)
    grid = browse(validocx.load_job_details(client=client).images, client=client)
    sent = []
    grid.send = lambda content, buffers=None: sent.append(content)
    for position in range(10):
        for kind in ("open", "preview"):
            grid._receive(grid, {"type": kind, "nonce": f"{kind}{position}", "position": position, "file": 0}, [])

    assert [message["type"] for message in sent] == ["link", "preview"] * 10
    state = {name: value for name, value in grid.get_state().items() if name not in ("_esm", "_css")}
    kept = f"{state!r} {grid!r} {grid._repr_mimebundle_()!r}"
    assert shown_in(kept + "\n".join(logged), box.canaries) == []
    assert "://" not in kept
