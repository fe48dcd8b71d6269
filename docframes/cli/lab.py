"""``docframes lab``: JupyterLab on copies of the notebooks, with the sandbox behind them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from docframes import sandbox
from docframes.cli.notebooks import Copied, copy, notebooks
from docframes.cli.screen import Screen
from docframes.errors import ConfigError
from docframes.words import count

FOLDER = Path("docframes-lab")
#: The notebook that opens first.
FIRST = "06-browse.ipynb"
#: Waits of the vendors take a tenth of their time, and their links live a tenth of theirs: long enough for a click.
TIME_SCALE = 0.1
#: Seconds in which JupyterLab ends its kernels.
_LONGEST_END = 20.0


def run(screen: Screen, *, port: int | None, browser: bool, folder: Path | None) -> int:
    """Run both until JupyterLab is shut down, which gives 0, or until Ctrl-C, which is raised once both have ended.

    port : of JupyterLab; None is the first free one from 8888 up.  folder : for the notebooks; None is
    ``docframes-lab`` here.  Raises ConfigError where JupyterLab or Flask is missing, or JupyterLab does not run.
    """
    if find_spec("jupyterlab") is None:
        raise ConfigError('The lab needs JupyterLab, which is not installed: pip install "docframes[lab]"')
    place = FOLDER if folder is None else folder
    with sandbox.running(environment=False, time_scale=TIME_SCALE) as box:
        _tell_copied(screen, place, copy(place, notebooks()))
        screen.say(f"The sandbox runs, an invented company with {len(box.jobs)} jobs; the notebooks have its keys.")
        screen.say("Ctrl-C stops both.\n")
        with _stoppable():
            return _serve(_command(port, browser), {**os.environ, **box.environment()}, place)


def _tell_copied(screen: Screen, folder: Path, copied: Copied) -> None:
    number = len(copied.new) + len(copied.same)
    screen.say(f"{count(number, 'notebook')} in {folder}{os.sep}, {len(copied.new)} of them new.")
    for name in copied.kept:
        screen.say(f"  {name} was changed and is kept; delete or rename it for a fresh copy.")


def _command(port: int | None, browser: bool) -> list[str]:
    options = [
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.root_dir=.",
        # Tabs of the user's other work stay out of it.
        f"--LabApp.default_url=/lab/workspaces/docframes/tree/{FIRST}",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.answer_yes=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
    ]
    if port is not None:
        options += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Containers have no other user, and the server is reached from this machine only, with its token.
        options.append("--allow-root")
    return [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "jupyterlab", *options]


@contextmanager
def _stoppable() -> Iterator[None]:
    """Being told to end, or losing the terminal, ends both as Ctrl-C does."""
    wanted = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    former = {number: signal.signal(number, signal.default_int_handler) for number in wanted}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _serve(command: list[str], environment: dict[str, str], folder: Path) -> int:
    # Ctrl-C is for this process, which ends the other as it should be ended: while it still starts, it would complain.
    group = None if os.name == "nt" else 0
    server = subprocess.Popen(  # noqa: S603
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, process_group=group
    )
    try:
        while server.poll() is None:
            # A wait without end cannot be interrupted on Windows.
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.5)
    finally:
        _end(server)
    if server.returncode:
        msg = f"JupyterLab ended with {server.returncode}; what it said stands above. "
        raise ConfigError(msg + "Where its port was taken, name another with --port.")
    return 0


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server and its kernels."""
    if os.name != "nt" and server.poll() is None:
        # On Windows Ctrl-C has reached it too, and to terminate it would leave its kernels.
        server.terminate()
    try:
        server.wait(_LONGEST_END)
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
