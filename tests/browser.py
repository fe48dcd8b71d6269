"""Debian's Chromium, driven by Playwright, for tests of what a person sees; a plugin of pytest.

``host(grid)`` mounts the real front end in a bare page and joins it to the real widget in this process: no server, no
port.  Nothing leaves the browser: a request to anywhere fails the test, and so does an error in the page.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SHOTS = Path(__file__).parent / ".shots"
ADDRESS = "http://127.0.0.1:9/"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip

#: What the themes of JupyterLab 4 set, as far as the grid uses it.
THEMES = {
    "light": {
        "layout-color0": "white", "ui-font-color0": "#000", "ui-font-color1": "rgba(0,0,0,.87)",
        "brand-color1": "#1976d2", "error-color1": "#d32f2f",
    },
    "dark": {
        "layout-color0": "#111", "ui-font-color0": "#fff", "ui-font-color1": "rgba(255,255,255,.87)",
        "brand-color1": "#2196f3", "error-color1": "#f44336",
    },
}  # fmt: skip

SEARCH = "Search all rows"

FOCUSED = """() => {
  const cell = document.activeElement.closest("td, th");
  const row = cell.parentElement;
  return [row.closest("thead") ? -1 : [...row.parentElement.rows].indexOf(row), cell.cellIndex];
}"""

JOIN = """
import widget from "./widget.js";
const held = new Map(Object.entries(JSON.parse(document.getElementById("state").textContent)));
const listeners = new Map();
const told = (event, ...values) => [...(listeners.get(event) ?? [])].forEach((listen) => listen(...values));
const buffers = (list) => list.map((text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer));
const model = {
  get: (name) => held.get(name),
  on: (event, listen) => listeners.set(event, [...(listeners.get(event) ?? []), listen]),
  off: (event, listen) => listeners.set(event, (listeners.get(event) ?? []).filter((one) => one !== listen)),
  send: (message) => window.toPython(message),
};
window.fromPython = ({ state, messages }) => {
  Object.entries(state).forEach(([name, value]) => held.set(name, value));
  messages.forEach(({ content, data }) => told("msg:custom", content, buffers(data)));
};
window.model = model;
window.listening = () => [...listeners.values()].flat().length;
window.leave = await widget.render({ model, el: document.getElementById("root") });
"""


@pytest.fixture(scope="module")
def chromium():
    """The browser, for a module; where there is none, a skip for users and a failure in CI."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        found = None
    if not found:
        why = "no browser: apt-get install chromium, and pip install playwright"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    with sync_playwright() as playwright:
        # Playwright switches the pop-up blocker off, with which a link that opens too late would not be seen.
        browser = playwright.chromium.launch(
            executable_path=found, args=ARGUMENTS, ignore_default_args=["--disable-popup-blocking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """An empty page of 1280 by 900 in which an error, and a request to anywhere, fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=ADDRESS)
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    opened.route("**/*", lambda route: (wrong.append(f"asked for {route.request.url}"), route.abort()))
    yield opened
    context.close()

    assert wrong == []


class Host:
    """A widget in a page: what the page sends goes to Python, and what Python sends to the page."""

    def __init__(self, page, widget, theme: str | None = None) -> None:
        self.page, self.widget = page, widget
        self.asked: list[dict] = []
        self._out: list[dict] = []
        self._held: list[dict] | None = None
        widget.send = self._collect
        page.expose_function("toPython", self._receive)
        state = json.dumps(self._state()).replace("<", "\\u003c")
        html = _page(state, theme)
        for name, body, kind in (
            ("", html, "text/html; charset=utf-8"),
            ("join.js", JOIN, "text/javascript; charset=utf-8"),
            ("widget.js", widget._esm, "text/javascript; charset=utf-8"),
        ):
            page.route(ADDRESS + name, _answering(body, kind))
        page.goto(ADDRESS)
        self.root = page.locator(".docframes-grid")
        self.settled()

    def settled(self) -> None:
        """Wait until the grid shows what was asked for last."""
        self.page.locator(".docframes-grid[aria-busy=false]").wait_for()

    def push(self) -> None:
        """Hand to the page what Python sent without being asked."""
        self.page.evaluate("told => window.fromPython(told)", self._outgoing())

    def hold(self) -> None:
        """From here on questions wait for :meth:`release`, as they do while the kernel is busy."""
        self._held = []

    def release(self, *, backwards: bool = False) -> None:
        """Answer the questions that wait, if wanted the last one first."""
        held, self._held = self._held or [], None
        for message in reversed(held) if backwards else held:
            self._receive(message)

    # --- what a person does ---------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Keys, one after the other, each with its answer."""
        for key in keys:
            self.page.keyboard.press(key)
            self.settled()

    def search(self, text: str) -> None:
        """Search all rows."""
        self.page.get_by_label(SEARCH).fill(text)
        self.press("Enter")

    def sort(self, name: str, **options) -> None:
        """Click the header of a column."""
        self.header(name).get_by_role("button").first.click(**options)
        self.settled()

    def open_filter(self, name: str):
        """The dialog of a column's filter, its values counted."""
        self.header(name).get_by_role("button", name="Filter").click()
        box = self.page.get_by_role("dialog")
        box.get_by_text("Counting").wait_for(state="detached")
        return box

    def apply(self, box) -> None:
        """Apply the filter of an open dialog."""
        box.get_by_role("button", name="Apply").click()
        self.settled()

    # --- what a person sees ---------------------------------------------------------------------------------------

    def header(self, name: str):
        """The header of a column."""
        return self.root.get_by_role("columnheader").filter(has=self.page.get_by_text(name, exact=True)).first

    def names(self) -> list[str]:
        """The names of the columns that are shown."""
        return [name.strip() for name in self.root.locator("th .df-name").all_inner_texts()]

    def cell(self, row: int, place: int):
        """A cell of the page."""
        return self.root.locator("tbody tr").nth(row).locator("td").nth(place)

    def status(self) -> str:
        """What the status line says."""
        return self.root.get_by_role("status").first.inner_text()

    def focused(self) -> list[int]:
        """Row, -1 for the header, and place of the cell that has the focus."""
        return self.page.evaluate(FOCUSED)

    def cells(self, column: int) -> list[str]:
        """The shown texts of a column, from 0 among those shown."""
        return self.root.locator(f"tbody tr td:nth-child({column + 1})").all_inner_texts()

    def shot(self, name: str) -> None:
        """A picture of the page, to be looked at."""
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")

    def _state(self) -> dict:
        names = ("columns", "page_size", "caption", "height", "fixed", "can_open")
        return {name: getattr(self.widget, name) for name in names}

    def _collect(self, content, buffers=None) -> None:
        data = [base64.b64encode(bytes(one)).decode() for one in buffers or []]
        self._out.append({"content": content, "data": data})

    def _outgoing(self) -> dict:
        out, self._out = self._out, []
        return {"state": self._state(), "messages": out}

    def _receive(self, message: dict) -> None:
        if self._held is not None:
            self._held.append(message)
            return
        self.asked.append(message)
        self.widget._receive(self.widget, message, [])
        self.page.evaluate("told => { window.fromPython(told); }", self._outgoing())


def _page(state: str, theme: str | None) -> str:
    """A notebook's page without the notebook: the theme's variables, the state of the widget, and where it goes."""
    variables = "".join(f"--jp-{name}:{value};" for name, value in THEMES.get(theme, {}).items())
    ground = f"background:{THEMES[theme]['layout-color0']}" if theme else "background:Canvas;color-scheme:light dark"
    mark = f"data-jp-theme-light={str(theme == 'light').lower()}" if theme else ""
    return f"""<!doctype html><html lang=en><title>A notebook</title>
        <style>:root{{{variables}}} body{{margin:12px;{ground}}}</style>
        <body {mark}><main id=root></main>
        <script id=state type=application/json>{state}</script><script type=module src=join.js></script>"""


def _answering(body: str, kind: str):
    return lambda route: route.fulfill(body=body, content_type=kind)


ROWS = 1000


@pytest.fixture(scope="module")
def ledger():
    """A thousand lines whose every value follows from the line's number; line 999 alone has a name of its own."""
    numbers = np.arange(ROWS)
    return pd.DataFrame({
        "entry": [f"JE-{number:05d}" for number in numbers],
        "posted_on": pd.Timestamp("2025-01-01") + pd.to_timedelta(numbers % 365, unit="D"),
        "amount": (numbers * 37 % ROWS - 500) / 4,
        "account": [["4000 Sales", "5000 Rent", "6000 Wages"][number % 3] for number in numbers],
        "party": ["Zebra Ltd" if number == 999 else None if number % 10 == 0 else "Acme" for number in numbers],
        "counter": numbers + 2**53,
        "payload": [f'{{"id":{2**53 + 1},"lines":[{number},"a, b: {{c}}"],"none":[]}}' for number in numbers],
        "text": ["long " * 400 + str(number) for number in numbers],
    })  # fmt: skip


@pytest.fixture
def grid(ledger):
    """A grid of that ledger."""
    from docframes.widgets import browse

    return browse(ledger, caption="Ledger of Example Ltd")


@pytest.fixture
def on(host, grid):
    """That grid in a page."""
    return host(grid)


@pytest.fixture
def host(page):
    """Mount a widget in the page: ``host(grid)``, ``host(grid, theme="dark")``."""
    return lambda widget, **options: Host(page, widget, **options)
