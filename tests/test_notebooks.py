"""Every notebook runs from top to bottom, says what is true, and keeps no secret."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from docframes import sandbox
from docframes.sandbox.company import Company

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
JOBS = 60  #: as many as the first notebook asks for


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Notebooks by name, each run in an empty folder, once."""
    done = {}

    def run(name):
        if name not in done:
            place = tmp_path_factory.mktemp("notebook")
            notebook = nbformat.read(FOLDER / name, as_version=4)
            with pytest.MonkeyPatch.context() as environment:
                # A backend that is named there would keep charts out of the notebook.
                environment.delenv("MPLBACKEND", raising=False)
                NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(place)}}).execute()
            done[name] = (notebook, place)
        return done[name]

    return run


def outputs(notebook) -> list[str]:
    """What each cell of code showed, as text."""
    shown = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            texts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs]
            shown.append("\n".join(text.rstrip("\n") for text in texts))
    return shown


def output_of(notebook, source: str) -> str:
    """What the one cell with *source* in it showed."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    (place,) = [number for number, cell in enumerate(cells) if source in cell.source]
    return outputs(notebook)[place]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_without_outputs(name):
    """What is committed holds no output, and the kernel that everybody has."""
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbformat.validate(notebook)

    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell for cell in cells if cell.outputs or cell.execution_count] == []
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_that_ran_keeps_no_secret(name, executed):
    """No key, signed link, port or machine path stands in it, and nothing is left in its folder."""
    notebook, place = executed(name)
    text = nbformat.writes(notebook)
    with sandbox.running(jobs=1, environment=False) as box:
        secrets = box.secret_parts()

    traces = [*secrets, "?token=", "127.0.0.1", "localhost", str(place), str(Path.home()), str(FOLDER.parent)]
    assert [trace for trace in traces if trace in text] == []
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_shows_no_warning(name, executed):
    """Nothing goes to the standard error."""
    streams = [
        out for cell in executed(name)[0].cells for out in cell.get("outputs", []) if out.get("name") == "stderr"
    ]

    assert streams == []


def test_the_first_notebook_shows_the_company(executed):
    """Jobs, calls and the pivot are those of the company, told without the loaders."""
    notebook, _ = executed("01-jobs-and-answers.ipynb")
    company = Company(7, 1, JOBS)
    statuses = [job["status"] for job in company.jobs]

    assert output_of(notebook, "len(box.jobs)") == str(JOBS)
    assert output_of(notebook, "record.certificate") == f"{JOBS} rows in 1 call(s)\nPASS: {JOBS} rows, as declared"
    # A wide frame is shown in several parts, each with its own last line.
    totals = " ".join(re.findall(r"^All +([\d ]+)", output_of(notebook, "pivot_table"), re.MULTILINE)).split()
    assert [int(total) for total in totals] == [*(statuses.count(status) for status in sorted(set(statuses))), JOBS]


def test_the_first_notebook_loads_a_second_time_without_a_call(executed):
    """The same details come from the cache, and are the same."""
    notebook, _ = executed("01-jobs-and-answers.ipynb")

    assert output_of(notebook, "again =").split() == f"0 calls, {JOBS} answers from the cache True".split()


def test_the_first_notebook_draws(executed):
    """The chart is in it, as a picture."""
    notebook, _ = executed("01-jobs-and-answers.ipynb")
    pictures = [out for cell in notebook.cells for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]

    assert len(pictures) == 1
