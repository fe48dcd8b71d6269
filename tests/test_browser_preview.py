"""The panel of a file in a real browser: what is shown, what is opened, what is never run."""

from __future__ import annotations

import base64
import re

import pytest
from widget_files import SIGNATURE, Vault, paper, picture

from docframes.widgets import assets
from docframes.widgets.preview import Files

pytest_plugins = ["tests.browser"]

ADDRESS = "http://127.0.0.1:9/panel"

MOUNT = """
const buffers = (list) => list.map((text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer));
let last = 0;
const el = document.getElementById("panel");
window.panel = filePanel(el, (message) => window.toPython(message), () => `nonce-${++last}`);
window.fromPython = ({ content, data }) => window.panel.receive(content, buffers(data));
"""


class Panel:
    """The panel alone in a page, joined to real ``Files``; answers are held back while ``held`` is a list."""

    def __init__(self, page, found, before=""):
        self.page, self.found, self.sent, self.answers = page, found, [], []
        self.held = None
        page.expose_function("toPython", self._receive)
        script = assets._read("preview.js")
        html = f"""<!doctype html><html lang=en><title>t</title><style>{assets._read("preview.css")}</style>
            <button id=row>row</button><main id=panel></main><script type=module>{before}{script}{MOUNT}</script>"""
        # The browser's own viewer of PDFs is made of such parts.
        page.route(re.compile("^(chrome|chrome-extension|blob):"), lambda route: route.continue_())
        page.route(ADDRESS, lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
        page.goto(ADDRESS)
        self.root = page.locator("#panel")
        page.locator("#row").focus()

    def show(self, position=0):
        """Show the row's files and wait until the answer is there."""
        self.page.evaluate("([files, at]) => window.panel.show(files, at)", [self.found.listed(position), position])
        if self.held is None:
            self.root.locator(".dff-content:not([aria-busy=true])").wait_for(state="attached")

    def click(self, name):
        self.root.get_by_role("button", name=name).click()

    def answer(self):
        """Let go of the answers that were held back, the last first."""
        held, self.held = self.held[::-1], None
        for answer in held:
            self._hand(answer)

    def _receive(self, message):
        self.sent.append(message)
        answer = self.found.answer(message)
        self.answers.append(answer[0])
        if self.held is not None:
            self.held.append(answer)
        else:
            self._hand(answer)

    def _hand(self, answer):
        content, data = answer
        told = {"content": content, "data": [base64.b64encode(one).decode() for one in data]}
        self.page.evaluate("told => { window.fromPython(told); }", told)


@pytest.fixture
def vault(scripted, monkeypatch):
    """A vendor whose files are what the test puts in."""
    return Vault(scripted, monkeypatch)


@pytest.fixture
def mount(page, vault):
    """The panel over files that the test names: ``mount({"a.txt": b"text"})``."""

    def make(named, *, before="", **options):
        return Panel(page, Files.of(vault.hold(named), **options), before)

    return make


def closed(popup):
    """Whether the tab is closed, once the browser has told of it."""
    if not popup.value.is_closed():
        popup.value.wait_for_event("close")
    return popup.value.is_closed()


def shown(panel, selector):
    return panel.root.locator(f".dff-content {selector}")


# --- what is shown ------------------------------------------------------------------------------------------------


def test_a_pdf_is_shown_by_its_bytes_and_no_address_reaches_the_page(mount, page):
    """A frame over a blob, without the attribute that would grey it out."""
    panel = mount({"terms.pdf": paper("terms")})
    panel.show()
    frame = shown(panel, "iframe")
    frame.wait_for()

    assert frame.get_attribute("src").startswith("blob:")
    assert frame.get_attribute("sandbox") is None
    fetched = "async (src) => { const b = await (await fetch(src)).blob(); return [b.type, b.size]; }"
    assert page.evaluate(fetched, frame.get_attribute("src")) == ["application/pdf", len(paper("terms"))]
    assert SIGNATURE not in page.content()
    assert panel.root.get_by_role("heading", name="terms.pdf").count() == 1


def test_type_size_and_digest_stand_above_the_preview(mount, page):
    """Twelve digits are shown; the button copies all sixty-four."""
    data = picture("PNG")
    panel = mount({"photo.png": data})
    panel.show()
    seal = panel.answers[0]["sha256"]

    assert (
        panel.root.locator(".dff-facts")
        .inner_text()
        .startswith(f"PNG picture · {len(data)} bytes · SHA-256 {seal[:12]} ")
    )
    panel.click("Copy SHA-256")
    panel.root.get_by_text("The SHA-256 is copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == seal


def test_a_digest_that_cannot_be_copied_is_written_out(mount):
    """Some hosts keep the clipboard to themselves."""
    panel = mount({"a.txt": b"text"}, before="Object.defineProperty(navigator, 'clipboard', {value: undefined});")
    panel.show()
    panel.click("Copy SHA-256")

    panel.root.get_by_text(f"SHA-256: {panel.answers[0]['sha256']}").wait_for()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_a_picture_is_drawn(mount, page, kind):
    """Its pixels arrive: red."""
    panel = mount({f"scan.{kind}": picture(kind, size=(400, 300))})
    panel.show()
    image = shown(panel, "img")
    image.wait_for()
    page.wait_for_function("() => document.querySelector('.dff-content img').naturalWidth === 400")
    pixel = page.evaluate(
        """() => { const c = document.createElement("canvas"); const g = c.getContext("2d");
        g.drawImage(document.querySelector(".dff-content img"), 0, 0); return [...g.getImageData(9, 9, 1, 1).data]; }"""
    )

    assert pixel[0] > 250
    assert max(pixel[1:3]) < 5


def test_a_click_shows_a_picture_at_its_true_size_and_back(mount):
    """A picture wider than the panel fits first."""
    panel = mount({"plan.png": picture("PNG", size=(3_000, 100))})
    panel.show()
    zoom = shown(panel, "button")
    zoom.wait_for()
    widths = []
    for _ in range(3):
        widths.append(round(shown(panel, "img").bounding_box()["width"]))
        zoom.click()

    assert widths[0] == widths[2] < 1_280
    assert widths[1] == 3_000
    assert zoom.get_attribute("aria-pressed") == "true"


def test_text_is_text(mount):
    """Line by line, with the note beside it."""
    panel = mount({"note.txt": "Gebühr\n  <b>fett</b>".encode("cp1252")})
    panel.show()

    assert shown(panel, "pre").inner_text() == "Gebühr\n  <b>fett</b>"
    assert panel.root.get_by_text("Read as cp1252.").count() == 1


def test_a_csv_is_a_table_of_text(mount):
    """The first row heads the columns."""
    panel = mount({"a.csv": b"account;amount\n0400;1.10\n0500;2.20\n"})
    panel.show()

    assert shown(panel, "th[scope=col]").all_inner_texts() == ["account", "amount"]
    assert shown(panel, "td").all_inner_texts() == ["0400", "1.10", "0500", "2.20"]


def test_what_has_no_preview_says_why(mount):
    """And the digest is there all the same."""
    panel = mount({"a.zip": b"PK\x03\x04" + b"\0" * 2_000})
    panel.show()

    panel.root.get_by_text("There is no preview of a ZIP archive; download it.").wait_for()
    assert shown(panel, "*").count() == 0
    assert panel.root.locator(".dff-seal").count() == 1


def test_pages_are_drawn_for_a_browser_that_shows_no_pdf(mount, page):
    """The panel asks for them, and for them only there."""
    pytest.importorskip("pypdfium2")
    panel = mount({"a.pdf": paper()}, before="Object.defineProperty(navigator, 'pdfViewerEnabled', {value: false});")
    panel.show()
    shown(panel, "img").wait_for()

    assert panel.sent[0]["pages"] is True
    assert shown(panel, "img").get_attribute("alt") == "Page 1 of 1"
    assert shown(panel, "iframe").count() == 0


def test_without_pages_a_browser_that_shows_no_pdf_gets_a_way_out(mount, monkeypatch):
    """No grey frame."""
    monkeypatch.setattr("docframes.widgets.pictures.pages_of", lambda data: ([], 0))
    panel = mount({"a.pdf": paper()}, before="Object.defineProperty(navigator, 'pdfViewerEnabled', {value: false});")
    panel.show()

    panel.root.get_by_text("This browser shows no PDF here").wait_for()
    assert shown(panel, "iframe").count() == 0


def test_a_row_with_several_files_lets_one_choose(page, vault):
    """The second is fetched when it is chosen, and not before."""
    frame = vault.hold({"a.txt": b"first", "b.txt": b"second"})
    pair = [Files.of(frame).at(position)[0] for position in (0, 1)]
    panel = Panel(page, Files.many({0: pair}))
    panel.show()
    assert shown(panel, "pre").inner_text() == "first"
    assert vault.fetched == 1

    panel.root.get_by_label("File of the row to show").select_option("b.txt")
    shown(panel, "pre").get_by_text("second").wait_for()
    assert vault.fetched == 2


def test_a_late_answer_does_not_take_the_place_of_a_later_one(mount, page):
    """Two rows in quick succession; the answer of the first comes last."""
    panel = mount({"a.txt": b"first", "b.txt": b"second"})
    panel.held = []
    panel.show(0)
    panel.show(1)
    page.wait_for_function("() => true")
    assert len(panel.held) == 2
    panel.answer()

    assert shown(panel, "pre").all_inner_texts() == ["second"]
    assert panel.root.get_by_role("heading").inner_text() == "b.txt"


def test_an_answer_to_somebody_else_is_left_to_him(mount, page):
    """The grid's own messages, and another view's."""
    mount({"a.txt": b"x"})

    assert page.evaluate("() => window.panel.receive({type: 'page', nonce: 'other'}, [])") is False


def test_a_preview_that_fails_says_so_and_the_next_one_works(mount, vault):
    """The storage host has lost the file, and finds it again."""
    panel = mount({"a.txt": b"text"})
    vault.status = 404
    panel.show()
    panel.root.get_by_role("alert").get_by_text("The storage host has no such file any more (404)").wait_for()
    vault.status = 200
    panel.show()

    assert shown(panel, "pre").inner_text() == "text"
    assert panel.root.get_by_role("alert").inner_text() == ""


# --- nothing runs -------------------------------------------------------------------------------------------------

EVIL = "<img src=x onerror='window.ran=1'><script>window.ran=2</script>"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (EVIL, b"text"),
        ("a.txt", EVIL.encode()),
        ("a.csv", f"{EVIL},b\n{EVIL},c\n".encode()),
        ("invoice.pdf", f"<html>{EVIL}</html>".encode()),
        ("invoice.pdf", f"{EVIL}%PDF-1.4".encode()),
        (
            "photo.png",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='window.ran=3'><script>window.ran=4</script></svg>",
        ),
        ("page.html", f"<!doctype html>{EVIL}".encode()),
        ("javascript:window.ran=5", b"javascript:window.ran=5"),
    ],
)
def test_nothing_of_a_file_runs(mount, page, name, data):
    """Names, texts, cells, pages and drawings are shown as they are written."""
    panel = mount({name: data})
    panel.show()
    panel.root.locator(".dff-seal").wait_for()
    shown(panel, "pre, .dff-rows").wait_for()

    assert panel.root.get_by_role("heading").inner_text() == name
    assert panel.root.locator("img, script, svg, iframe, object, embed").count() == 0
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize("mime", ["text/html", "image/svg+xml", "text/javascript", "application/xhtml+xml"])
def test_bytes_of_any_other_type_become_no_page_of_this_origin(mount, page, mime):
    """Whatever Python may say: a blob is a PDF, one of three kinds of picture, or a file to save."""
    mount({"a.txt": b"x"})
    made = page.evaluate(
        """async (mime) => { const made = []; const real = URL.createObjectURL;
        URL.createObjectURL = (blob) => { made.push(blob.type); return real.call(URL, blob); };
        window.panel.show([{label: "a", kind: "b"}], 0);
        for (const kind of ["image", "pdf"])
          window.panel.receive({type: "preview", nonce: "nonce-1", kind, mime, name: "a", note: "", size: 1, pages: 0},
            [new DataView(new ArrayBuffer(1))]);
        return made; }""",
        mime,
    )

    assert set(made) <= {"application/pdf"}
    assert page.locator("#panel img").count() == 0


# --- a tab of its own ---------------------------------------------------------------------------------------------


def test_a_file_is_opened_in_a_tab_though_the_answer_is_late(mount, page, vault):
    """The tab is there from the click on; no Referer is sent, and the tab has no hold on the page."""
    panel = mount({"a.txt": b"the file itself"})
    panel.show()
    panel.held = []
    with page.expect_popup() as popup:
        panel.click("View in new tab")
    tab = popup.value
    assert tab.url == "about:blank"
    panel.answer()
    tab.wait_for_url(re.compile(SIGNATURE))

    asked = [asked for asked in vault.server.asked if "Mozilla" in asked.headers["user-agent"] and asked.path == "/f0"]
    assert vault.signed == 2
    assert [one.headers.get("referer") for one in asked] == [None]
    assert tab.evaluate("window.opener") is None
    assert SIGNATURE not in page.content()


def test_a_blocked_tab_leaves_a_link_that_goes_away_after_use(mount, page):
    """It is there once; what the page holds of it afterwards is nothing."""
    panel = mount({"a.txt": b"text"})
    panel.show()
    page.evaluate("window.open = () => null")
    panel.click("View in new tab")
    link = panel.root.get_by_role("link", name="Open the file")
    link.wait_for()
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert SIGNATURE in link.get_attribute("href")

    with page.context.expect_page() as opened:
        link.click()
    opened.value.wait_for_url(re.compile(SIGNATURE))
    link.wait_for(state="detached")
    assert SIGNATURE not in page.content()


def test_a_link_that_nobody_follows_goes_away(mount, page):
    """After a minute."""
    page.clock.install()
    panel = mount({"a.txt": b"text"})
    panel.show()
    page.evaluate("window.open = () => null")
    panel.click("View in new tab")
    panel.root.get_by_role("link").wait_for()
    page.clock.run_for(61_000)

    assert panel.root.get_by_role("link").count() == 0


def test_a_tab_is_closed_where_the_link_is_refused(mount, page, vault):
    """The sentence stands in the panel."""
    panel = mount({"a.txt": b"text"})
    panel.show()
    vault.url = "javascript:alert(1)//"
    with page.expect_popup() as popup:
        panel.click("View in new tab")
    panel.root.get_by_role("alert").get_by_text("no https address").wait_for()

    assert closed(popup)


@pytest.mark.parametrize("url", ["javascript:window.ran=1", "http://files.example/a", "data:text/html,x", "no address"])
def test_an_address_that_is_not_https_is_not_opened_whoever_sent_it(mount, page, url):
    """The page looks at it once more."""
    mount({"a.txt": b"x"})
    with page.expect_popup() as popup:
        page.evaluate("window.toPython = () => {}")
        page.evaluate("() => { document.getElementById('row').onclick = () => window.panel.open(0, 0); }")
        page.locator("#row").click()
    page.evaluate("(url) => window.panel.receive({type: 'link', nonce: 'nonce-1', url}, [])", url)
    page.locator("#panel").get_by_text("The link is no https address").wait_for()

    assert closed(popup)
    assert page.locator("#panel a").count() == 0


def test_a_vendor_without_links_opens_the_bytes(mount, page, vault):
    """A PDF in the tab, by a blob; there is no address to leak."""
    vault.links = False
    panel = mount({"a.png": picture("PNG")})
    panel.show()
    with page.expect_popup() as popup:
        panel.click("View in new tab")
    popup.value.wait_for_url(re.compile("^blob:"))

    assert popup.value.evaluate("document.contentType") == "image/png"


def test_a_vendor_without_links_lets_no_page_run(mount, page, vault):
    """A file of HTML is saved, not opened: in a tab it would run as the notebook's own."""
    vault.links = False
    panel = mount({"invoice.pdf": f"<html>{EVIL}</html>".encode()})
    panel.show()
    with page.expect_download() as download, page.expect_popup() as popup:
        panel.click("View in new tab")

    assert download.value.suggested_filename == "invoice.pdf"
    assert closed(popup)
    assert page.evaluate("window.ran") is None


# --- saving -------------------------------------------------------------------------------------------------------


def test_a_file_is_saved_whole_under_a_safe_name(mount, page, tmp_path):
    """Byte for byte; the name leads to no folder."""
    data = bytes(range(256)) * 1_000
    panel = mount({"../a:b.bin": data})
    panel.show()
    with page.expect_download() as download:
        panel.click("Download")
    download.value.save_as(tmp_path / "saved")

    assert (tmp_path / "saved").read_bytes() == data
    assert download.value.suggested_filename == "_a_b.bin"
    panel.root.get_by_role("status").get_by_text("Handed to the browser: _a_b.bin, 256 kB.").wait_for()
    assert panel.root.locator("a").count() == 0


def test_the_page_cleans_a_name_once_more(mount, page):
    """Folders, devices of the shell and turning marks become underscores; nothing at all becomes a name."""
    mount({"a.txt": b"x"})
    names = ["../a/b.pdf", "a\u202efdp.exe", "", "  .. ", "a\nb"]
    cleaned = page.evaluate(
        """(names) => { const made = []; const real = HTMLAnchorElement.prototype.click;
        HTMLAnchorElement.prototype.click = function () { made.push(this.download); };
        names.forEach((name, place) => { window.toPython = () => {};
          window.panel.download(0, 0);
          window.panel.receive({type: "file", nonce: `nonce-${place + 1}`, name, mime: "", size: 1},
            [new DataView(new ArrayBuffer(1))]); });
        return made; }""",
        names,
    )

    assert cleaned == ["_a_b.pdf", "a_fdp.exe", "file", "file", "a_b"]


# --- keys, focus, blobs -------------------------------------------------------------------------------------------


def test_escape_closes_and_the_focus_goes_back(mount, page):
    """To where it was when the panel opened; what was shown is gone."""
    panel = mount({"a.txt": b"text"})
    panel.show()
    assert page.evaluate("document.activeElement.className") == "dff-name"
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")

    assert panel.root.locator(".dff-panel").is_hidden()
    assert page.evaluate("document.activeElement.id") == "row"
    assert shown(panel, "*").count() == 0


def test_another_row_does_not_take_the_focus_from_the_grid(mount, page):
    """Once the panel is open it follows in silence."""
    panel = mount({"a.txt": b"first", "b.txt": b"second"})
    panel.show(0)
    page.locator("#row").focus()
    panel.show(1)

    assert page.evaluate("document.activeElement.id") == "row"
    assert shown(panel, "pre").inner_text() == "second"


def test_plain_keys_stay_in_the_panel_and_shortcuts_pass(mount, page):
    """``dd`` would delete the notebook's cell; Ctrl+S has to save it."""
    panel = mount({"a.txt": b"text"})
    panel.show()
    page.evaluate("() => { window.keys = []; document.addEventListener('keydown', e => window.keys.push(e.key)); }")
    for key in ("d", "d", "a", "Control+s"):
        page.keyboard.press(key)

    assert page.evaluate("window.keys") == ["Control", "s"]


def test_blobs_are_given_back(mount, page):
    """With the next preview, and when the panel closes."""
    panel = mount(
        {"a.png": picture("PNG"), "b.png": picture("JPEG")},
        before="""window.held = new Set(); const [made, gone] = [URL.createObjectURL, URL.revokeObjectURL];
        URL.createObjectURL = (blob) => { const url = made.call(URL, blob); window.held.add(url); return url; };
        URL.revokeObjectURL = (url) => { window.held.delete(url); gone.call(URL, url); };""",
    )
    counts = []
    for position in (0, 1, 0):
        panel.show(position)
        shown(panel, "img").wait_for()
        counts.append(page.evaluate("window.held.size"))
    panel.click("Close")
    counts.append(page.evaluate("window.held.size"))

    assert counts == [1, 1, 1, 0]


def test_everything_that_can_be_clicked_has_a_name(mount):
    """For who hears the page instead of seeing it."""
    panel = mount({"a.png": picture("PNG")})
    panel.show()
    shown(panel, "img").wait_for()
    names = panel.root.get_by_role("button").evaluate_all("all => all.map(b => b.innerText || b.title)")

    assert names == ["View in new tab", "Download", "Close", "Copy SHA-256", "Actual size"]
    assert panel.root.get_by_role("region", name="File of the row").count() == 1
    assert panel.root.get_by_role("status").count() == panel.root.get_by_role("alert").count() == 1
    assert shown(panel, "img").get_attribute("alt")


def test_a_widget_that_goes_away_leaves_nothing(mount, page):
    """No element, no blob, no tab that waits for ever."""
    panel = mount({"a.pdf": paper()})
    panel.show()
    panel.held = []
    with page.expect_popup() as popup:
        panel.click("View in new tab")
    page.evaluate("window.panel.dispose()")

    assert closed(popup)
    assert panel.root.locator("*").count() == 0
