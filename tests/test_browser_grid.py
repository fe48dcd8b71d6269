"""The grid in Chromium: the real front end joined to the real widget; rows, filters, columns and one row whole."""

from __future__ import annotations

import re

import pytest

from docframes.widgets import browse

pytest_plugins = ["tests.browser"]

SEARCH = "Search all rows"


# --- rows -----------------------------------------------------------------------------------------------------------


def test_the_first_page_is_shown_with_its_count(on):
    """Fifty of a thousand rows, as text with every digit; numbers stand right, negative ones are marked."""
    assert on.root.locator("tbody tr").count() == 50
    assert on.status() == "1,000 of 1,000 rows"
    assert on.cells(0)[:2] == ["JE-00000", "JE-00001"]
    assert "9007199254740993" in on.cells(5)[1].replace(",", "")
    assert on.cell(0, 2).evaluate("cell => getComputedStyle(cell).textAlign") == "right"
    assert "df-negative" in on.cell(0, 2).get_attribute("class")


def test_a_search_covers_all_rows_and_is_told(on):
    """A name that stands in the last row only; the filter is named, and one button takes it away."""
    on.page.get_by_label(SEARCH).fill("zebra")
    on.root.get_by_text("1 of 1,000 rows").wait_for()

    assert on.cells(0) == ["JE-00999"]
    assert "filtered by search" in on.status()

    on.root.get_by_role("button", name="Clear filters").click()
    on.root.get_by_text("1,000 of 1,000 rows").wait_for()

    assert on.page.get_by_label(SEARCH).input_value() == ""
    assert "filtered" not in on.status()


def test_a_search_without_a_hit_says_so(on):
    """An empty grid is no blank."""
    on.search("nobody of this name")

    assert on.root.get_by_text("No row matches.").is_visible()
    assert "0 of 1,000 rows" in on.status()


def test_a_header_sorts_up_down_and_not_at_all(on, ledger):
    """All rows, not the page; smallest and largest as pandas has them; the header says it."""
    smallest, largest = ledger["amount"].idxmin(), ledger["amount"].idxmax()
    sort = on.header("amount").get_by_role("button").first
    sort.click()
    on.settled()
    assert on.cells(0)[0] == ledger["entry"][smallest]
    assert on.header("amount").get_attribute("aria-sort") == "ascending"

    sort.click()
    on.settled()
    assert on.cells(0)[0] == ledger["entry"][largest]
    assert on.header("amount").get_attribute("aria-sort") == "descending"

    sort.click()
    on.settled()
    assert on.cells(0)[0] == "JE-00000"
    assert on.header("amount").get_attribute("aria-sort") == "none"


def test_shift_adds_a_column_to_the_sort(on, grid, ledger):
    """By account, then the largest amount first."""
    on.sort("account")
    for _ in range(2):
        on.sort("amount", modifiers=["Shift"])
    expected = ledger.sort_values(["account", "amount"], ascending=[True, False], kind="stable")

    assert grid.query.sort == ((3, False), (2, True))
    assert on.cells(0) == list(expected["entry"].head(50))
    assert on.root.locator("th[aria-sort=ascending]").count() == 1


def test_pages_turn_by_buttons_and_by_number(on):
    """Twenty pages of fifty."""
    on.root.get_by_role("button", name="Next page").click()
    on.settled()
    assert on.cells(0)[0] == "JE-00050"

    on.root.get_by_label("Page number").fill("20")
    on.press("Enter")
    assert on.cells(0)[-1] == "JE-00999"
    assert on.root.get_by_role("button", name="Next page").is_disabled()

    on.root.get_by_role("button", name="First page").click()
    on.settled()
    assert on.cells(0)[0] == "JE-00000"
    assert on.root.get_by_text("of 20").is_visible()


# --- filters --------------------------------------------------------------------------------------------------------


def test_a_column_is_filtered_by_its_text(on):
    """The shown text; the header and the status line say that it is."""
    box = on.open_filter("entry")
    box.get_by_label("Contains").fill("-0042")
    on.apply(box)

    assert on.cells(0) == [f"JE-0042{digit}" for digit in range(10)]
    assert "filtered by entry" in on.status()
    assert on.root.locator("th .df-on").count() == 1


def test_a_number_and_a_date_are_filtered_from_and_to(on, ledger):
    """Both ends included; counted by pandas."""
    box = on.open_filter("amount")
    box.get_by_label("From").fill("-2.5")
    box.get_by_label("To").fill("100")
    on.apply(box)
    box = on.open_filter("posted_on")
    box.get_by_label("From").fill("2025-03-01")
    box.get_by_label("To").fill("2025-03-31")
    on.apply(box)
    expected = ledger[ledger["amount"].between(-2.5, 100) & ledger["posted_on"].between("2025-03-01", "2025-03-31")]

    assert on.status().startswith(f"{len(expected)} of 1,000 rows")
    assert on.cells(0) == list(expected["entry"])


def test_the_most_frequent_values_are_offered_with_counts(on):
    """899 lines of Acme, a hundred without a party, one of Zebra: among the rows that the other filters leave."""
    box = on.open_filter("party")
    assert [line.split() for line in box.locator(".df-list label").all_inner_texts()] == [
        ["Acme", "899"], ["empty", "100"], ["Zebra", "Ltd", "1"],
    ]  # fmt: skip

    box.get_by_label("Zebra Ltd").check()
    box.get_by_label("empty", exact=False).last.check()
    on.apply(box)
    assert on.status().startswith("101 of 1,000 rows")

    box = on.open_filter("party")
    assert box.get_by_label("Zebra Ltd").is_checked()
    box.get_by_role("button", name="Clear").click()
    on.settled()
    assert on.status() == "1,000 of 1,000 rows"


@pytest.mark.parametrize(("choice", "count"), [("Is empty", 100), ("Is not empty", 900)])
def test_a_column_is_filtered_by_presence(on, choice, count):
    """Every tenth line has no party."""
    box = on.open_filter("party")
    box.get_by_label("Presence").select_option(choice)
    on.apply(box)

    assert on.status().startswith(f"{count} of 1,000 rows")


def test_a_filter_that_cannot_be_is_told_and_changes_nothing(on):
    """The rows stay, and the sentence goes when the filter does."""
    box = on.open_filter("amount")
    box.get_by_label("From").fill("ten")
    on.apply(box)

    assert "ten" in on.root.get_by_role("alert").inner_text()
    assert on.root.locator("tbody tr").count() == 50

    box = on.open_filter("amount")
    box.get_by_role("button", name="Clear").click()
    on.settled()
    assert on.root.get_by_role("alert").inner_text() == ""


def test_escape_leaves_a_filter_as_it_was(on):
    """And the focus goes back to its button."""
    box = on.open_filter("entry")
    box.get_by_label("Contains").fill("0042")
    on.press("Escape")

    assert not box.is_visible()
    assert on.status() == "1,000 of 1,000 rows"
    assert "df-filter" in on.page.evaluate("document.activeElement.className")


# --- columns --------------------------------------------------------------------------------------------------------


def test_columns_are_hidden_and_shown(on):
    """One at least stays."""
    on.root.get_by_role("button", name="Columns").click()
    box = on.page.get_by_role("dialog")
    box.get_by_label("posted_on").uncheck()
    assert "posted_on" not in on.names()
    assert len(on.cells(1)) == 50

    box.get_by_role("button", name=re.compile("first|keys", re.IGNORECASE)).click()
    assert on.names() == ["entry"]
    assert box.get_by_label("entry").is_disabled()

    box.get_by_role("button", name="Show all").click()
    assert len(on.names()) == 8


def test_a_column_takes_another_width(on):
    """Dragged by its edge, or with alt and the arrows on its header."""
    head = on.header("account")
    before = head.bounding_box()["width"]
    edge = head.locator(".df-edge").bounding_box()
    on.page.mouse.move(edge["x"] + 3, edge["y"] + 8)
    on.page.mouse.down()
    on.page.mouse.move(edge["x"] + 63, edge["y"] + 8)
    on.page.mouse.up()
    assert head.bounding_box()["width"] == pytest.approx(before + 60, abs=1)

    head.focus()
    on.press("Alt+ArrowLeft", "Alt+ArrowLeft")
    assert head.bounding_box()["width"] == pytest.approx(before + 28, abs=1)
    assert head.get_attribute("aria-sort") == "none"


def test_key_columns_stay_in_sight(host, ledger):
    """Scrolled to the end, the first column is where it was, and nothing shines through the header."""
    grid = browse(ledger)
    grid.fixed = 1
    on = host(grid)
    before = on.cell(3, 0).bounding_box()["x"]
    on.root.locator(".df-scroll").evaluate("box => { box.scrollLeft = 5000; box.scrollTop = 300; }")

    assert on.cell(3, 0).bounding_box()["x"] == before
    head = on.header("entry").bounding_box()
    topmost = on.page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).closest('th, td').tagName", [head["x"] + 30, head["y"] + 10]
    )
    assert topmost == "TH"


# --- one row --------------------------------------------------------------------------------------------------------


def test_enter_shows_the_whole_row_and_escape_closes_it(on, ledger):
    """Long text unbroken, JSON indented with every digit, and the place of the row in the whole."""
    on.cell(7, 0).click()
    on.press("Enter")
    panel = on.root.get_by_role("region", name="Details of the row")
    panel.wait_for()
    values = dict(
        zip(panel.locator("dt").all_inner_texts(), panel.locator("dd > :first-child").all_text_contents(), strict=True)
    )

    assert panel.get_by_role("heading").first.inner_text() == "Row 8 of 1,000"
    assert values["text"] == ledger["text"][7]
    assert values["payload"] == (
        '{\n  "id": 9007199254740993,\n  "lines": [\n    7,\n    "a, b: {c}"\n  ],\n  "none": []\n}'
    )
    assert panel.get_by_text("long long").evaluate(
        "node => node.scrollWidth <= node.clientWidth + 1 || getComputedStyle(node).display === 'inline'"
    )

    on.press("Escape")
    assert not panel.is_visible()
    assert on.focused() == [7, 0]


def test_the_details_follow_the_focus(on):
    """Browsing with the arrows reads row after row."""
    on.cell(0, 0).click()
    on.press("Enter")
    on.root.get_by_text("Row 1 of 1,000").wait_for()
    on.press("ArrowDown")

    on.root.get_by_text("Row 2 of 1,000").wait_for()


def test_a_cell_is_copied_by_key_and_by_button(on, ledger):
    """As it is shown; one that is cut on the page comes whole by the button."""
    on.cell(4, 0).click()
    on.press("Control+c")
    assert on.page.evaluate("navigator.clipboard.readText()") == "JE-00004"

    on.cell(4, 7).click()
    on.root.get_by_role("button", name="Copy cell").click()
    on.root.get_by_text("Copied.").wait_for()
    assert on.page.evaluate("navigator.clipboard.readText()") == ledger["text"][4]


def test_a_field_of_the_details_is_copied_as_it_came(on, ledger):
    """JSON without the indents that make it legible."""
    on.cell(4, 0).dblclick()
    on.root.get_by_role("button", name="Copy payload").click()
    on.root.get_by_text("Copied.").wait_for()

    assert on.page.evaluate("navigator.clipboard.readText()") == ledger["payload"][4]
