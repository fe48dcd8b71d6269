"""Each notebook, run once online and once more inside its capsule: no socket, no key, the same frames."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).parent
#: The seventh is about capsules itself: within one it could not save another.
NOTEBOOKS = sorted(path.name for path in (HERE.parent / "notebooks").glob("0[1-6]*.ipynb"))
#: Columns that tell when this very run wrote a file.
OF_THE_RUN = ["saved_at"]


def run(name: str, how: str, folder: Path) -> tuple[str, dict[str, pd.DataFrame]]:
    """What the notebook printed, and its frames; in a process without any key, with a cache of its own."""
    capsule, frames = folder / "used.dfz", folder / f"{how}.pickle"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DOCFRAMES_")}
    environment["DOCFRAMES_CACHE_DIR"] = str(folder / f"cache-{how}")
    command = [sys.executable, HERE / "run_notebook.py", HERE.parent / "notebooks" / name, capsule, frames, how]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    # Our own process wrote it a moment ago.
    return done.stdout, pickle.loads(frames.read_bytes())  # noqa: S301


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_again_in_its_capsule(name, tmp_path):
    """Every frame that it leaves behind is equal, cell by cell and dtype by dtype."""
    _, online = run(name, "save", tmp_path)
    _, again = run(name, "open", tmp_path)

    assert len(online) >= 5
    assert online.keys() == again.keys()
    for frame in online:
        pd.testing.assert_frame_equal(
            online[frame].drop(columns=OF_THE_RUN, errors="ignore"),
            again[frame].drop(columns=OF_THE_RUN, errors="ignore"),
            obj=frame,
        )
