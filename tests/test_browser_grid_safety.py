"""The grid in Chromium: what texts of the data cannot do, and how Python and the page keep in step."""

from __future__ import annotations

import struct
import zlib

import pandas as pd

from docframes.widgets import browse

pytest_plugins = ["tests.browser"]

SEARCH = "Search all rows"

EVIL = "<script>window.hit=1</script><img src=x onerror='window.hit=1'><a href='javascript:window.hit=1'>go</a>"


def _chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


#: A PNG of 60 by 40 grey points, by the standard's own words: size, depth 8, no colour; each line begins with a zero.
PICTURE = b"\x89PNG\r\n\x1a\n" + b"".join([
    _chunk(b"IHDR", struct.pack(">IIBBBBB", 60, 40, 8, 0, 0, 0, 0)),
    _chunk(b"IDAT", zlib.compress((b"\0" + b"\x80" * 60) * 40)),
    _chunk(b"IEND", b""),
])  # fmt: skip


# --- what the data cannot do ----------------------------------------------------------------------------------------


class EvilFiles:
    """One file to a row, with a name that would be markup."""

    def at(self, position):
        return [object()]

    def listed(self, position):
        return [{"label": EVIL, "kind": EVIL}]


def test_texts_of_the_data_are_never_markup(page, host):
    """Cells, names, meanings, captions, values in filters, names of files, errors: all shown as they are written."""
    frame = pd.DataFrame({EVIL: [EVIL, None], "amount": [1.0, 2.0]})
    grid = browse(frame, caption=EVIL)
    grid._files, grid.can_open = EvilFiles(), True
    grid.columns = [{**column, "meaning": EVIL, "unit": EVIL} for column in grid.columns]
    grid.on_select(lambda chosen: (_ for _ in ()).throw(ValueError(EVIL)))
    on = host(grid)
    on.cell(0, 0).click()
    on.root.get_by_role("alert").get_by_text("ValueError").wait_for()
    on.press("Enter")
    on.root.get_by_text("Row 1 of 2").wait_for()
    on.root.locator("th .df-filter").first.click()
    on.page.locator(".df-list label").first.wait_for()
    on.page.get_by_role("dialog").get_by_role("checkbox").first.check()
    on.page.get_by_role("dialog").get_by_role("button", name="Apply").click()
    on.settled()

    assert page.evaluate("window.hit") is None
    assert on.root.locator("script, img, a, iframe").count() == 0
    for place in (".df-caption", "td", "th .df-name", ".df-filtered", "dt", ".df-file .df-value"):
        assert EVIL in on.root.locator(place).first.text_content()


def test_no_attribute_is_made_of_the_data(page, host):
    """Not even of a harmless one: texts stand between tags, and nowhere else."""
    word = "Quetzalcoatl"
    on = host(browse(pd.DataFrame({word: [word], "n": [1]}), caption=word))
    on.cell(0, 0).dblclick()
    on.root.get_by_text("Row 1 of 1").wait_for()
    on.open_filter(word)
    made = on.root.evaluate(
        "(root, word) => [...root.querySelectorAll('*')].flatMap((node) => [...node.attributes])"
        ".filter((attribute) => attribute.value.includes(word)).map((attribute) => attribute.name)",
        word,
    )

    assert made == []


def test_marks_that_turn_the_writing_are_named(host):
    """'invoice' + right-to-left override + 'fdp.exe' would read as invoiceexe.pdf."""
    on = host(browse(pd.DataFrame({"file": ["invoice\u202efdp.exe"], "\u202eeman": ["x"]})))

    assert on.cells(0) == ["invoiceU+202Efdp.exe"]
    assert "U+202Eeman" in on.names()
    assert "\u202e" not in on.root.locator("table").text_content()


def test_the_plain_table_of_a_saved_notebook_runs_nothing(page):
    """The snapshot's HTML in a page of its own."""
    grid = browse(pd.DataFrame({EVIL: [EVIL, "\u202ex"]}), caption=EVIL)
    page.set_content(grid._repr_mimebundle_()[0]["text/html"])

    assert page.locator("td").first.inner_text() == EVIL
    assert page.locator("th").inner_text() == EVIL
    assert page.locator("script, img, a").count() == 0
    assert page.evaluate("window.hit") is None


# --- Python and the page --------------------------------------------------------------------------------------------


def test_a_late_answer_changes_nothing(on):
    """Two searches of a busy kernel, answered in the wrong order: the last one counts."""
    on.hold()
    for text in ("acme", "zebra"):
        on.page.get_by_label(SEARCH).fill(text)
        on.page.keyboard.press("Enter")
    on.page.wait_for_function("() => document.querySelector('.docframes-grid').ariaBusy === 'true'")
    on.release(backwards=True)
    on.settled()

    assert on.status().startswith("1 of 1,000 rows")
    assert on.cells(0) == ["JE-00999"]


def test_other_rows_replace_these(on, grid):
    """Columns, caption and count are new, and the search is empty."""
    on.search("acme")
    grid.show(browse(pd.DataFrame({"job": ["J1", "J2"], "state": ["open", "done"]}))._rows, caption="Jobs")
    on.push()
    on.settled()

    assert on.names() == ["job", "state"]
    assert on.status() == "2 of 2 rows"
    assert on.root.locator(".df-caption").inner_text() == "Jobs"
    assert on.page.get_by_label(SEARCH).input_value() == ""
    assert on.root.count() == 1


def test_two_views_do_not_mix_their_answers(on, grid):
    """Each draws what it asked for itself."""
    on.page.evaluate("""async () => {
        const widget = (await import("./widget.js")).default;
        const second = document.body.appendChild(document.createElement("div"));
        await widget.render({ model: window.model, el: second });
    }""")
    second = on.page.locator(".docframes-grid").nth(1)
    second.get_by_text("JE-00000").first.wait_for()
    second.get_by_label(SEARCH).fill("zebra")
    second.get_by_text("1 of 1,000 rows").wait_for()

    assert on.page.locator(".docframes-grid").first.get_by_role("status").inner_text() == "1,000 of 1,000 rows"


def test_a_view_that_is_closed_leaves_nothing(on):
    """Neither in the page nor among the listeners."""
    on.page.evaluate("window.leave()")

    assert on.root.count() == 0
    assert on.page.evaluate("window.listening()") == 0


def test_rows_with_files_have_buttons_that_show_them(host):
    """View opens the details with the file beside; a row without a file has no button; nothing is fetched before."""
    frame = pd.DataFrame({"vendor": "veridox", "kind": "files", "file_id": ["f1", None], "label": ["a.pdf", "b.pdf"]})
    grid = browse(frame)
    asked = []
    grid._files.answer = lambda message: (
        asked.append(message["type"]),
        ({"type": "error", "text": "No.", "nonce": message["nonce"]}, []),
    )[1]
    on = host(grid)

    assert on.root.locator("tbody tr").nth(1).get_by_role("button").count() == 0
    on.cell(0, 0).dblclick()
    on.root.get_by_role("button", name="Download a.pdf").wait_for()
    assert asked == []

    on.root.locator("tbody tr").first.get_by_role("button", name="View").click()
    on.root.get_by_role("alert").get_by_text("No.").wait_for()
    assert asked == ["preview"]


def test_a_picture_beside_the_details_is_shown_whole(host):
    """The grid's styles do not reach into the preview: a picture of 60 by 40 has this size, and its row is named."""
    grid = browse(pd.DataFrame({"vendor": ["veridox"], "kind": ["files"], "file_id": ["f1"], "label": ["roof.png"]}))
    facts = {"name": "roof.png", "words": "PNG picture", "mime": "image/png", "size": len(PICTURE), "sha256": "0" * 64}
    shown = {
        "type": "preview",
        "kind": "image",
        **facts,
        "note": "",
        "text": "",
        "rows": [],
        "pages": 0,
        "page_count": 0,
    }
    grid._files.answer = lambda message: ({**shown, "nonce": message["nonce"]}, [PICTURE])
    on = host(grid)
    on.root.get_by_role("button", name="View of row 1").click()
    picture = on.root.get_by_role("img", name="Preview of the picture")
    picture.wait_for()

    assert (picture.bounding_box()["width"], picture.bounding_box()["height"]) == (60, 40)
    assert picture.evaluate("node => node.parentElement.clientHeight >= 40")
    assert on.root.get_by_role("heading", name="Row 1 of 1").is_visible()
