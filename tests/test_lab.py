"""``docframes lab``: one command from nothing to notebooks that run, and nothing left of it afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import nbformat
import psutil
import pytest
import websocket

from docframes import sandbox
from docframes.cli import lab, main, notebooks
from docframes.errors import ConfigError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
DEADLINE = 90.0  #: seconds for whatever is waited for; reached by what is broken only


class Lab:
    """A running ``docframes lab``."""

    def __init__(self, folder: Path, home: Path, *arguments: str) -> None:
        environment = {**os.environ, "HOME": str(home), "JUPYTER_RUNTIME_DIR": str(home / "runtime")}
        environment |= {"JUPYTER_CONFIG_DIR": str(home / "config"), "IPYTHONDIR": str(home / "ipython")}
        environment.pop("JUPYTER_TOKEN", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "docframes.cli", "lab", *arguments],
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        self.lines += iter(self.process.stdout.readline, "")

    @property
    def told(self) -> str:
        return "".join(self.lines)

    def until(self, found):
        """What *found* gives once it gives something."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if value := found():
                return value
            assert self.process.poll() is None, self.told
            self._reader.join(0.05)
        raise AssertionError(f"waited in vain; so far it told:\n{self.told}")

    def address(self) -> tuple[str, str]:
        """The server's address and its token, as JupyterLab prints them, once it answers there."""
        base, token = self.until(lambda: re.findall(r"(http://127\.0\.0\.1:\d+)/\S*\?token=(\w+)", self.told))[0]
        self.until(lambda: answers(f"{base}/api/status?token={token}"))
        return base, token

    def kernel(self, base: str, token: str) -> Kernel:
        """A kernel of the server's, to be asked."""
        asked = urllib.request.Request(f"{base}/api/kernels?token={token}", data=b"{}", method="POST")
        with urllib.request.urlopen(asked, timeout=DEADLINE) as answer:
            kernel_id = json.load(answer)["id"]
        return Kernel(f"{base.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels?token={token}")

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal; gives the exit code once all is told."""
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


class Kernel:
    """A kernel, as a notebook in the browser talks to it."""

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(url, timeout=DEADLINE)

    def run(self, code: str) -> str:
        """What *code* printed; an error of the kernel is one of the test."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": "test", "username": "test"}
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        message = {"header": {**header, "version": "5.3"}, "parent_header": {}, "metadata": {}, "content": content}
        self._socket.send(json.dumps({**message, "channel": "shell"}))
        printed = []
        while True:
            said = json.loads(self._socket.recv())
            if said["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            assert said["msg_type"] != "error", said["content"]
            if said["msg_type"] == "stream":
                printed.append(said["content"]["text"])
            if said["msg_type"] == "status" and said["content"]["execution_state"] == "idle":
                return "".join(printed)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def start(tmp_path):
    """Start ``docframes lab``; whatever of it still runs is ended by its own handle."""
    with contextlib.ExitStack() as stack:

        def start_lab(*arguments: str) -> Lab:
            (tmp_path / "home").mkdir(exist_ok=True)
            made = Lab(tmp_path, tmp_path / "home", *arguments)
            stack.callback(end_all, made.process)
            return made

        yield start_lab


def end_all(process: subprocess.Popen) -> None:
    if process.poll() is None:
        left = psutil.Process(process.pid).children(recursive=True)
        for one in [process, *left]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()
    process.stdout.close()


def free_port() -> int:
    """A port of the loopback that nobody has at present."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_from_nothing_to_notebooks_that_run(start, tmp_path):
    """Its kernels load without a key of anybody's, nobody gets in without the token, and Ctrl-C ends all there was."""
    port = free_port()
    running = start("--no-browser", "--port", str(port))
    base, token = running.address()
    kernel = running.kernel(base, token)
    jobs = kernel.run("from docframes import validocx\nprint(len(validocx.load_jobs()))")
    secrets = kernel.run("import os\nprint([v for n, v in os.environ.items() if 'DOCFRAMES' in n and 'KEY' in n])")
    first = nbformat.read(tmp_path / "docframes-lab" / "01-jobs-and-answers.ipynb", 4)
    for source in [cell.source for cell in first.cells if cell.cell_type == "code"][:2]:
        kernel.run(source)
    kernel.close()
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{base}/api/contents", timeout=10)
    family = psutil.Process(running.process.pid).children(recursive=True)
    listening = {
        found.laddr.ip for one in family for found in one.net_connections("tcp") if found.status == psutil.CONN_LISTEN
    }
    ended = running.end()

    assert base == f"http://127.0.0.1:{port}"
    assert jobs == "120\n"
    assert listening == {"127.0.0.1"}
    assert ended == 130
    assert len(family) >= 2
    assert [one for one in family if one.is_running()] == []
    keys = re.findall(r"'([^']+)'", secrets)
    assert len(keys) >= 4
    assert [key for key in keys if key in running.told or key.rpartition("_")[2] in running.told] == []
    assert running.told.rstrip().endswith("Stopped.")
    assert "Traceback" not in running.told


@pytest.mark.parametrize("name", [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)])
def test_being_told_to_end_is_like_ctrl_c(name):
    """Neither a stopped service nor a closed terminal leaves a server behind."""
    number = getattr(signal, name)
    former = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), lab._stoppable():
        signal.raise_signal(number)

    assert signal.getsignal(number) is former


def test_a_port_that_is_taken_is_said(start):
    """And nothing goes on running."""
    with sandbox.running(jobs=1, environment=False) as box:
        taken = box.url("validocx").split(":")[2].partition("/")[0]
        running = start("--no-browser", "--port", taken)
        code = running.process.wait(DEADLINE)
        running._reader.join(DEADLINE)

    assert code == 1
    assert "name another with --port" in running.told


def test_the_lab_needs_jupyterlab(monkeypatch, capsys, tmp_path):
    """Without it the message says what to install, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lab, "find_spec", lambda name: None)

    assert main(["lab"]) == 1
    assert 'pip install "docframes[lab]"' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# --- the copies ---------------------------------------------------------------------------------------------------


BOOKS = {"01-one.ipynb": b"one", "02-two.ipynb": b"two"}


def test_notebooks_are_copied_once(tmp_path):
    """The second time there is nothing to do."""
    folder = tmp_path / "deep" / "lab"
    first = notebooks.copy(folder, BOOKS)
    second = notebooks.copy(folder, BOOKS)

    assert (first.new, first.same, first.kept) == (["01-one.ipynb", "02-two.ipynb"], [], [])
    assert (second.new, second.same, second.kept) == ([], ["01-one.ipynb", "02-two.ipynb"], [])
    assert {path.name: path.read_bytes() for path in folder.glob("*.ipynb")} == BOOKS


def test_what_somebody_changed_is_kept(tmp_path):
    """For good: neither the same nor a newer docframes writes over it; what nobody touched moves on."""
    notebooks.copy(tmp_path, BOOKS)
    (tmp_path / "01-one.ipynb").write_bytes(b"mine")
    again = notebooks.copy(tmp_path, BOOKS)
    newer = notebooks.copy(tmp_path, {"01-one.ipynb": b"one, newer", "02-two.ipynb": b"two, newer"})

    assert (again.kept, again.same) == (["01-one.ipynb"], ["02-two.ipynb"])
    assert (newer.kept, newer.new) == (["01-one.ipynb"], ["02-two.ipynb"])
    assert (tmp_path / "01-one.ipynb").read_bytes() == b"mine"
    assert (tmp_path / "02-two.ipynb").read_bytes() == b"two, newer"


def test_what_was_there_before_is_kept(tmp_path):
    """A file of the same name, a folder, a link to nowhere: none is ours, and a broken note of ours counts as none."""
    names = {"01-file.ipynb": b"1", "02-folder.ipynb": b"2", "03-link.ipynb": b"3", "04-new.ipynb": b"4"}
    (tmp_path / "01-file.ipynb").write_bytes(b"theirs")
    (tmp_path / "02-folder.ipynb").mkdir()
    (tmp_path / "03-link.ipynb").symlink_to(tmp_path / "nowhere")
    (tmp_path / notebooks.MANIFEST).write_bytes(b"[broken")
    copied = notebooks.copy(tmp_path, names)

    assert copied.kept == ["01-file.ipynb", "02-folder.ipynb", "03-link.ipynb"]
    assert copied.new == ["04-new.ipynb"]
    assert (tmp_path / "01-file.ipynb").read_bytes() == b"theirs"
    assert not (tmp_path / "nowhere").exists()


def test_a_notebook_that_was_deleted_comes_back(tmp_path):
    """Deleting it is how to get a fresh copy."""
    notebooks.copy(tmp_path, BOOKS)
    (tmp_path / "01-one.ipynb").unlink()

    assert notebooks.copy(tmp_path, BOOKS).new == ["01-one.ipynb"]


def test_a_file_in_place_of_the_folder_is_said(tmp_path):
    """It is left alone."""
    (tmp_path / "lab").write_text("mine")

    with pytest.raises(ConfigError, match="is no folder"):
        notebooks.copy(tmp_path / "lab", BOOKS)
    assert (tmp_path / "lab").read_text() == "mine"


def test_the_notebooks_come_with_docframes(monkeypatch, tmp_path):
    """From beside the package or from inside it; where neither is there, an error says so."""
    found = notebooks.notebooks()
    (tmp_path / "docframes" / "notebooks").mkdir(parents=True)
    (tmp_path / "docframes" / "notebooks" / "01-inside.ipynb").write_bytes(b"inside")
    monkeypatch.setattr(notebooks.docframes, "__file__", str(tmp_path / "docframes" / "__init__.py"))

    assert lab.FIRST in found
    assert sorted(found) == list(found)
    assert notebooks.notebooks() == {"01-inside.ipynb": b"inside"}
    (tmp_path / "docframes" / "notebooks" / "01-inside.ipynb").unlink()
    with pytest.raises(ConfigError, match="no notebooks"):
        notebooks.notebooks()


def test_what_was_kept_is_said(monkeypatch, tmp_path, capsys):
    """By name, with what to do for a fresh copy; the server is asked for nothing that a browser would need."""
    (tmp_path / "01-jobs-and-answers.ipynb").write_text("mine")
    asked = []
    monkeypatch.setattr(lab, "_serve", lambda command, environment, folder: asked.append((command, folder)) or 0)

    assert main(["lab", "--no-browser", "--folder", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "01-jobs-and-answers.ipynb was changed and is kept" in told
    ((command, folder),) = asked
    assert "--ServerApp.open_browser=False" in command
    assert folder == tmp_path
