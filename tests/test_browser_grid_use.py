"""The grid in Chromium, for everyone: choosing, keys, names for screen readers, widths and themes."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.browser"]

SEARCH = "Search all rows"


# --- choosing -------------------------------------------------------------------------------------------------------


def test_rows_are_chosen_by_mouse(on, grid):
    """A click takes one alone, ctrl adds one or takes it out, shift takes all between; Python has their frame."""
    on.cell(2, 0).click()
    assert grid.selection == [2]

    for row in (5, 6, 6):
        on.cell(row, 1).click(modifiers=["Control"])
    assert grid.selection == [2, 5]

    on.cell(5, 1).click()
    assert grid.selection == [5]

    on.cell(8, 1).click(modifiers=["Shift"])
    assert grid.selection == [5, 6, 7, 8]
    assert list(grid.selected_rows["entry"]) == ["JE-00005", "JE-00006", "JE-00007", "JE-00008"]
    assert on.root.locator("tr[aria-selected=true]").count() == 4
    assert "4 selected" in on.status()


def test_the_choice_outlives_pages_and_searches(on, grid):
    """Positions are of the whole, not of the page."""
    on.cell(2, 0).click()
    on.press("PageDown")
    on.cell(0, 0).click(modifiers=["Control"])
    on.search("zebra")
    on.cell(0, 0).click(modifiers=["Control"])
    assert grid.selection == [2, 50, 999]

    on.root.get_by_role("button", name="Clear filters").click()
    on.settled()
    assert on.root.locator("tr[aria-selected=true]").count() == 1


def test_a_callback_that_fails_is_told_in_the_grid(on, grid):
    """And choosing goes on."""
    grid.on_select(lambda frame: frame["no such column"])
    on.cell(2, 0).click()

    on.root.get_by_role("alert").get_by_text("no such column").wait_for()
    assert grid.selection == [2]


# --- keys -----------------------------------------------------------------------------------------------------------


def test_arrows_move_from_cell_to_cell(on):
    """And up into the header, where enter sorts."""
    on.cell(0, 0).click()
    on.press("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft")
    assert on.focused() == [2, 1]

    on.press("End")
    assert on.focused() == [2, 7]

    on.press("Home", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp")
    assert on.focused() == [-1, 0]

    on.press("Enter")
    assert on.header("entry").get_attribute("aria-sort") == "ascending"


def test_page_keys_turn_pages_and_control_goes_to_the_ends(on):
    """The focus keeps its place."""
    on.cell(3, 1).click()
    on.press("PageDown")
    assert on.cells(0)[0] == "JE-00050"
    assert on.focused() == [3, 1]

    on.press("Control+End")
    assert on.cells(0)[-1] == "JE-00999"
    assert on.focused() == [49, 7]

    on.press("Control+Home")
    assert on.cells(0)[0] == "JE-00000"
    assert on.focused() == [0, 0]

    on.press("PageUp")
    assert on.focused() == [0, 0]


def test_space_chooses_and_shift_extends(on, grid):
    """Without a mouse."""
    on.cell(0, 0).focus()
    on.press("ArrowDown", " ", "Shift+ArrowDown", "Shift+ArrowDown")
    assert grid.selection == [1, 2, 3]

    on.press("Escape")
    assert grid.selection == []


def test_a_slash_goes_to_the_search_and_down_comes_back(on):
    """The slash itself is not typed."""
    on.cell(3, 1).focus()
    on.press("/")
    assert on.page.evaluate("document.activeElement.type") == "search"
    assert on.page.get_by_label(SEARCH).input_value() == ""

    on.press("ArrowDown")
    assert on.focused()[0] == 0


def test_one_cell_takes_part_in_the_tab_order(on):
    """However many there are."""
    assert on.root.locator("table [tabindex='0']").count() == 1
    on.root.get_by_role("button", name="Details").focus()
    on.press("Tab")
    assert on.focused() == [0, 0]

    on.press("ArrowDown", "ArrowRight", "Tab", "Shift+Tab")
    assert on.focused() == [1, 1]


def test_plain_keys_stay_in_the_grid_and_held_ones_pass(on):
    """Else 'dd' would delete the notebook's cell, and ctrl+s would not save."""
    on.page.evaluate(
        "() => { window.heard = []; document.addEventListener('keydown', (event) => window.heard.push(event.key)); }"
    )
    on.cell(3, 1).focus()
    on.press("d", "d", "Enter", "Escape", "ArrowDown", " ")
    on.page.get_by_label(SEARCH).focus()
    on.press("x", "Backspace")
    on.open_filter("entry")
    on.press("d", "Escape")
    assert on.page.evaluate("window.heard") == []

    on.page.evaluate("() => document.addEventListener('keydown', (event) => event.preventDefault())")
    on.press("Control+s")
    assert on.page.evaluate("window.heard") == ["Control", "s"]


# --- for everyone ---------------------------------------------------------------------------------------------------


def test_roles_tell_a_screen_reader_what_there_is(on):
    """A grid with its caption, its counts, and the place of every row and cell in the whole."""
    table = on.root.get_by_role("grid", name="Ledger of Example Ltd")
    on.root.get_by_role("button", name="Next page").click()
    on.settled()

    assert table.get_attribute("aria-rowcount") == "1001"
    assert table.get_attribute("aria-colcount") == "8"
    assert table.get_attribute("aria-multiselectable") == "true"
    assert on.root.locator("tbody tr").first.get_attribute("aria-rowindex") == "52"
    assert on.cell(0, 2).get_attribute("aria-colindex") == "3"
    assert on.root.get_by_role("columnheader").count() == 8
    assert on.root.get_by_role("gridcell").count() == 400


def test_every_control_has_a_name(on):
    """Also those of the dialogs."""
    on.cell(0, 0).dblclick()
    on.root.get_by_text("Row 1 of").wait_for()
    on.open_filter("amount")
    nameless = on.root.locator("button, input, select").evaluate_all(
        "nodes => nodes.filter((node) => !(node.getAttribute('aria-label') || node.textContent.trim()"
        " || [...(node.labels ?? [])].some((label) => label.textContent.trim()))).map((node) => node.outerHTML)"
    )

    assert nameless == []


@pytest.mark.parametrize("width", [1280, 800, 480])
@pytest.mark.parametrize("theme", ["light", "dark", None])
def test_nothing_is_cut_or_overlaps(page, host, grid, width, theme):
    """Toolbar, table, footer and details stand below each other and within the page, whatever its width."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if theme is None else "light")
    on = host(grid, theme=theme)
    on.search("acme")
    on.cell(2, 2).click()
    on.press("Enter")
    on.root.get_by_text("Row 3 of").or_(on.root.get_by_text("Row 4 of")).wait_for()
    on.shot(f"grid-{theme or 'system-dark'}-{width}")

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert on.root.evaluate(OVERLAPPING) == []


OVERLAPPING = """
(root) => {
  const frame = root.getBoundingClientRect();
  const found = [];
  const all = [...root.querySelectorAll(".df-bar > *, .df-pager > *, .df-scroll, .df-details > *")];
  const boxes = all.filter((node) => node.offsetWidth);
  for (const node of boxes) {
    const box = node.getBoundingClientRect();
    if (box.left < frame.left - 1 || box.right > frame.right + 1) found.push(node.className || node.tagName);
    for (const other of boxes) {
      if (node.contains(other) || other.contains(node)) continue;
      const at = other.getBoundingClientRect();
      const across = at.left < box.right - 1 && box.left < at.right - 1;
      if (across && at.top < box.bottom - 1 && box.top < at.bottom - 1) found.push([node.className, other.className]);
    }
  }
  return found;
}
"""

LUMINANCE = """
(nodes) => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const read = (colours) => {
    pen.clearRect(0, 0, 1, 1);
    for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  };
  const light = ([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return nodes.filter((node) => node.offsetWidth > 1 && node.textContent.trim()).map((node) => {
    const grounds = [];
    for (let one = node; one; one = one.parentElement) grounds.unshift(getComputedStyle(one).backgroundColor);
    const [back, front] = [read(grounds), read([...grounds, getComputedStyle(node).color])].map(light);
    return [(Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05), node.className || node.tagName];
  });
}
"""


@pytest.mark.parametrize("theme", ["light", "dark", None])
def test_texts_stand_out_in_every_theme(page, host, grid, theme):
    """At least 4.5 to 1, as WCAG 2.1 wants of text (1.4.3): computed from the colours as they are painted."""
    page.emulate_media(color_scheme="dark" if theme is None else "light")
    on = host(grid, theme=theme)
    on.search("acme")
    on.cell(2, 2).click()
    on.press("Enter")
    on.root.get_by_text("Row 3 of").or_(on.root.get_by_text("Row 4 of")).wait_for()
    on.open_filter("party")
    texts = (
        ".df-caption, .df-status span, td, th .df-name, button:enabled, dt, dd span, .df-count, legend, label > span"
    )
    measured = on.root.locator(texts).evaluate_all(LUMINANCE)

    assert len(measured) > 100
    assert [found for found in measured if found[0] < 4.5] == []
