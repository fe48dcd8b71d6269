"""Runs a notebook's cells in a process of their own, and keeps every frame that they leave behind.

``python run_notebook.py NOTEBOOK CAPSULE FRAMES save|open``: with ``save`` a capsule of all that was used is written
before the last cell; with ``open`` the cells run within it, and whoever opens a connection fails.
"""

from __future__ import annotations

import json
import os
import pickle
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from IPython.core.interactiveshell import InteractiveShell


def forbid_sockets() -> None:
    """No connection is made and no name looked up."""

    def refused(*arguments: Any, **_: Any) -> None:
        raise AssertionError(f"a socket was opened: {arguments[1:]}")

    for name in ("connect", "connect_ex", "bind"):
        setattr(socket.socket, name, refused)
    socket.create_connection = refused
    socket.getaddrinfo = refused


def frames_of(namespace: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """Frames, and those that results of several frames and ledgers hold, by name."""
    found = {}
    for name, value in namespace.items():
        if name.startswith("_"):
            continue
        if isinstance(value, pd.DataFrame):
            found[name] = value
        elif hasattr(value, "transactions"):
            found[f"{name}.transactions"] = value.transactions
            found[f"{name}.period_balances"] = value.period_balances
        elif hasattr(value, "__dataclass_fields__"):
            found |= {f"{name}.{key}": frame for key, frame in vars(value).items() if isinstance(frame, pd.DataFrame)}
    return found


def main(notebook: str, path: str, frames: str, how: str) -> None:
    """Run it."""
    from docframes import capsule

    matplotlib.use("Agg")
    cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    shell = InteractiveShell.instance()
    held = None
    if how == "open":
        forbid_sockets()
        held = capsule.open(path).start()
    for number, source in enumerate(sources):
        if how == "save" and (source.strip().endswith("box.stop()") or number == len(sources) - 1):
            print(capsule.save(path, ledgers=True, files=True))
        if number == len(sources) - 1:
            # The last cell stops the sandbox, and takes its cache away.
            kept = {name: frame.copy() for name, frame in frames_of(shell.user_ns).items()}
        shell.run_cell(source).raise_error()
    for frame in kept.values():
        frame.attrs = {}
    Path(frames).write_bytes(pickle.dumps(kept))
    if held is not None:
        held.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        place = os.path.realpath(folder)
        os.chdir(place)
        main(*sys.argv[1:])
        os.chdir("/")
