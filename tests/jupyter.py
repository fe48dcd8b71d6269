"""A real Jupyter server with JupyterLab, Notebook 7 and Voila on it; a plugin of pytest.

One server for a module, on a port and in a home of its own, ended by its handle.  ``docframes`` in its kernels loads
from the sandbox without a key.  Where a part is missing, its tests are a skip for users and a failure in CI.
"""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from docframes import sandbox
from tests.browser import SHOTS

DEADLINE = 90.0  #: seconds for whatever is waited for; reached by what is broken only
#: Widget state goes into the saved file, and every cell into the page, wherever it stands.
SETTINGS = {
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}


def require(module: str, command: str) -> None:
    """*module* is there, or the test ends: skipped for users, failed in CI."""
    if find_spec(module) is None:
        why = f"no {module}: {command}"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)


class Server:
    """A Jupyter server; *home* holds its settings, its notebooks and its log."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.folder, self._log = home / "notebooks", home / "log"
        self.folder.mkdir()
        for name, values in SETTINGS.items():
            path = home / "settings" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        self.token, self.url = secrets.token_hex(16), f"http://127.0.0.1:{port}"
        own = {
            "HOME": str(home), "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTER_DATA_DIR": str(home / "data"), "IPYTHONDIR": str(home / "ipython"), "JUPYTER_TOKEN": self.token,
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        }  # fmt: skip
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.folder}",
            "--ServerApp.terminals_enabled=False", "--LabApp.extension_manager=readonly",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url=None",
        ]  # fmt: skip
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **environment, **own}, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
            )

    def wait(self) -> None:
        """Until it answers."""
        until(self._answers, lambda: self._log.read_text()[-3000:])

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def end(self) -> None:
        """End it and its kernels."""
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def write(self, name: str, *cells: str) -> Path:
        """A notebook of these cells."""
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells], metadata=metadata)
        nbformat.write(book, self.folder / name)
        return self.folder / name

    def lab(self, name: str) -> str:
        """Where JupyterLab opens the notebook, in a workspace that nobody used."""
        return f"{self.url}/lab/workspaces/{secrets.token_hex(4)}/tree/{name}?token={self.token}"

    def notebook(self, name: str) -> str:
        """Where Notebook 7 does."""
        return f"{self.url}/notebooks/{name}?token={self.token}"

    def voila(self, name: str) -> str:
        """Where Voila runs it."""
        return f"{self.url}/voila/render/{name}?token={self.token}"


def until(found, told=str, page=None):
    """What *found* gives once it gives something; *told* says what stands in the way."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if value := found():
            return value
        # What happens in a browser is heard of only while Playwright waits.
        page.wait_for_timeout(100) if page else time.sleep(0.1)
    raise AssertionError(f"waited in vain: {told()}")


class Book:
    """A notebook that is open in JupyterLab or Notebook 7."""

    def __init__(self, page, path: Path) -> None:
        self.page, self.path = page, path
        page.locator(".jp-Notebook .jp-Cell .cm-content").first.wait_for(timeout=DEADLINE * 1000)

    def cell(self, number: int):
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def run(self, number: int) -> str:
        """Run a cell to its end; gives the text that it printed."""
        prompt = self.cell(number).locator(".jp-InputPrompt").first
        before = prompt.inner_text()

        # The kernel may look idle before its channel is up; what is pressed then is lost without a word.
        def started() -> bool:
            self.refuse_dialogs()
            self.cell(number).locator(".cm-content").first.click()
            self.page.keyboard.press("Shift+Enter")
            self.page.wait_for_timeout(700)
            return prompt.inner_text() != before

        until(started, prompt.inner_text, self.page)
        until(lambda: re.fullmatch(r"\[\d+\]:", prompt.inner_text().strip()), prompt.inner_text, self.page)
        return "".join(self.cell(number).locator(".jp-OutputArea-output pre").all_inner_texts())

    def refuse_dialogs(self) -> None:
        """Whatever lies over the page is sent away."""
        dialog = self.page.locator(".jp-Dialog button.jp-mod-reject")
        if dialog.count():
            dialog.first.click()

    def grid(self, number: int) -> Grid:
        """The grid below a cell, once it shows what was asked for."""
        return Grid(self.page, self.cell(number).locator(".docframes-grid"))

    def save(self) -> str:
        """Save it; gives what stands in the file."""
        before = self.path.stat().st_mtime_ns
        self.cell(0).locator(".cm-content").first.click()
        self.page.keyboard.press("Control+s")
        until(lambda: self.path.stat().st_mtime_ns != before, lambda: f"{self.path.name} was not saved", self.page)
        return until(lambda: self.path.read_text(encoding="utf-8"))

    def theme(self, name: str) -> None:
        """Take another theme, from the menu."""
        self.page.locator(".lm-MenuBar-item", has_text="Settings").click()
        for label in ("Theme", name):
            self.page.locator(".lm-Menu-item", has_text=re.compile(f"^{label}$")).click()
        light = "false" if name.endswith("Dark") else "true"
        self.page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")


class Grid:
    """A grid in a page, as a person uses it."""

    def __init__(self, page, root) -> None:
        self.page, self.root = page, root
        root.wait_for(timeout=DEADLINE * 1000)
        self.settled()

    def settled(self) -> None:
        """Wait until the grid shows what was asked for last."""
        self.until(lambda: self.root.get_attribute("aria-busy") == "false")

    @property
    def status(self) -> str:
        """The line below the rows."""
        return " ".join(self.root.get_by_role("status").first.inner_text().split())

    def told(self, text: str) -> None:
        """Wait until the line below the rows says so."""
        until(lambda: text in self.status, lambda: f"{self.status!r} instead of {text!r}", self.page)

    def search(self, text: str) -> None:
        self.root.get_by_label("Search all rows").fill(text)
        self.page.keyboard.press("Enter")
        self.settled()

    def _place(self, column: str) -> int:
        # A unit may stand behind the name.
        names = [str(name).partition(" ")[0] for name in self.root.locator("thead .df-name").all_text_contents()]
        return names.index(column)

    def header(self, column: str):
        """The heading of a column."""
        return self.root.locator("thead th").nth(self._place(column))

    def column(self, column: str) -> list[str]:
        """The texts of a column on this page."""
        return self.root.locator(f"tbody tr td:nth-child({self._place(column) + 1})").all_text_contents()

    def sort(self, column: str) -> None:
        self.header(column).locator(".df-sort").click()
        self.settled()

    def filter(self, column: str, text: str) -> None:
        """Only rows with *text* in the column."""
        self.header(column).locator(".df-filter").click()
        dialog = self.root.get_by_role("dialog")
        dialog.get_by_label("Contains").fill(text)
        dialog.get_by_role("button", name="Apply").click()
        self.settled()

    def view(self, row: int) -> None:
        """Show the file behind a row of this page, and wait for it."""
        self.root.locator("tbody tr").nth(row).get_by_role("button", name="View").click()
        done = self.root.locator(".dff-content[aria-busy=false]")
        self.until(lambda: done.locator("img, iframe, table, pre").count())

    def picture(self, name: str) -> Image.Image:
        """What the shown file looks like, or the grid where none is shown; kept as *name*, to be looked at."""
        SHOTS.mkdir(exist_ok=True)
        shown = self.root.locator(".dff-panel:not([hidden]) .dff-content")
        data = (shown if shown.count() else self.root).screenshot(path=SHOTS / f"{name}.png")
        return Image.open(io.BytesIO(data)).convert("RGB")

    def until(self, found):
        """Wait until *found* gives something."""
        return until(found, self.root.inner_text, self.page)

    def open(self, row: int) -> str:
        """Open the file behind a row in a tab of its own; gives the address that the tab went to."""
        asked: list[str] = []
        self.page.context.on("request", lambda request: asked.append(request.url))
        self.view(row)
        asked.clear()
        with self.page.expect_popup() as opened:
            self.root.get_by_role("button", name="View in new tab").click()
        home = self.page.evaluate("location.origin")
        address = self.until(lambda: [url for url in asked if url.startswith("http") and not url.startswith(home)])[0]
        opened.value.close()
        return address


@pytest.fixture(scope="module")
def company():
    """The sandbox that every kernel of the module loads from."""
    with sandbox.running(jobs=30, environment=False, time_scale=0.1) as box:
        yield box


@pytest.fixture(scope="module")
def server(company, tmp_path_factory):
    """A server whose kernels have the sandbox's keys, and no other."""
    require("jupyterlab", 'pip install "docframes[lab]"')
    running = Server(tmp_path_factory.mktemp("jupyter"), company.environment())
    try:
        running.wait()
        yield running
    finally:
        running.end()


@pytest.fixture
def tab(chromium, request):
    """A page of 1280 by 900; what it looked like in the end is kept as a picture."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    yield opened
    SHOTS.mkdir(exist_ok=True)
    opened.screenshot(path=SHOTS / f"{request.node.name}.png")
    context.close()


@pytest.fixture
def lab(server, tab):
    """Open a notebook in JupyterLab: ``lab("a.ipynb", "1 + 1")``."""

    def open_book(name: str, *cells: str) -> Book:
        path = server.write(name, *cells)
        tab.goto(server.lab(name))
        return Book(tab, path)

    return open_book


@pytest.fixture
def notebook7(server, tab):
    """Open a notebook in Notebook 7, likewise."""
    require("notebook", "pip install notebook")

    def open_book(name: str, *cells: str) -> Book:
        path = server.write(name, *cells)
        tab.goto(server.notebook(name))
        return Book(tab, path)

    return open_book


@pytest.fixture
def voila(server, tab):
    """Run a notebook in Voila; gives the grid in it."""
    require("voila", "pip install voila")

    def open_page(name: str, *cells: str) -> Grid:
        server.write(name, *cells)
        tab.goto(server.voila(name), timeout=DEADLINE * 1000)
        return Grid(tab, tab.locator(".docframes-grid"))

    return open_page
