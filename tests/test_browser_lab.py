"""A person at JupyterLab, Notebook 7 and Voila: the grid, its files, and what is left in a saved notebook."""

from __future__ import annotations

import json

import nbformat
import numpy as np
import pytest
from nbconvert import HTMLExporter

from docframes import validocx
from docframes.transport import redact

pytest_plugins = ["tests.browser", "tests.jupyter"]

LOAD = """
from docframes import validocx
from docframes.widgets import browse
details = validocx.load_job_details(validocx.load_jobs(), progress=False)
grid = browse(details.answers, caption="Answers", snapshot_rows=3)
grid"""
READ = 'print("chosen", grid.selected_rows["answer_id"].tolist(), len(grid.filtered))'
PAPERS = """
papers = browse(details.documents, caption="Documents")
papers"""
PHOTOS = """
photos = browse(details.images, caption="Photos", snapshot_rows=0)
photos"""


@pytest.fixture(scope="module")
def details(company):
    """What the kernels load, loaded here: the grids are compared with its frames, by pandas alone."""
    with validocx.Client(api_key=company.key("validocx"), base_url=company.url("validocx")) as client:
        return validocx.load_job_details(validocx.load_jobs(client=client), client=client, progress=False)


def changed(before, after) -> float:
    """The part of the pixels that are plainly others."""
    one, other = (np.asarray(image, dtype=int) for image in (before.resize(after.size), after))
    return float((abs(one - other).max(axis=2) > 24).mean())


def test_from_the_load_to_the_choice_in_python(lab, details):
    """Load, search, filter, sort, choose a row, and read it back in the next cell."""
    answers = details.answers
    book = lab("answers.ipynb", LOAD, READ)
    book.run(0)
    grid = book.grid(0)
    grid.told(f"{len(answers):,} of {len(answers):,} rows")
    assert grid.root.get_by_role("grid").count() == 1

    grid.search(answers["answer_id"].iloc[-1])
    grid.told(f"1 of {len(answers):,} rows")
    grid.search("")
    grid.told(f"{len(answers):,} of {len(answers):,} rows")

    kind = answers["question_type"].mode()[0]
    wanted = answers[answers["question_type"].str.contains(kind, regex=False)]
    grid.filter("question_type", kind)
    grid.told(f"{len(wanted):,} of {len(answers):,} rows")
    grid.told("filtered by question_type")

    grid.sort("answered_at")
    first = wanted.sort_values("answered_at", kind="stable").iloc[0]
    assert grid.column("answer_id")[0] == first["answer_id"]
    assert grid.header("answered_at").get_attribute("aria-sort") == "ascending"

    grid.root.locator("tbody tr").first.locator("td").nth(1).click()
    grid.told("1 selected")

    assert book.run(1).strip() == f"chosen ['{first['answer_id']}'] {len(wanted)}"


def ink(image) -> float:
    """The part of the pixels that are plainly another colour than most."""
    pixels = np.asarray(image, dtype=int).reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    return float((abs(pixels - colours[counts.argmax()]).max(axis=1) > 24).mean())


def secrets_in(text: str, box) -> list[str]:
    """Keys and signatures of the sandbox, and whatever has the shape of a signed link or a secret."""
    found = [canary for canary in box.canaries if canary in text]
    return found + ([] if redact.text(text) == text else ["something that redact takes for a secret"])


def seen(grid, row: int, name: str):
    """The file behind a row, once it is drawn."""
    grid.view(row)
    grid.until(lambda: ink(grid.picture(name)) > 0.02)
    return grid.picture(name)


def exports(saved: str) -> list[str]:
    """The notebook as a page: as nbconvert makes it, and by the plain outputs where the widgets' state is left out."""
    book = nbformat.reads(saved, 4)
    without = nbformat.reads(saved, 4)
    del without.metadata["widgets"]
    return [HTMLExporter().from_notebook_node(one)[0] for one in (book, without)]


def test_files_are_seen_and_leave_no_trace(lab, company, details):
    """Ten files are drawn and a tab opens; what is saved and exported holds no link and no key."""
    book = lab("files.ipynb", LOAD, PAPERS, PHOTOS)
    for cell in range(3):
        book.run(cell)
    papers, photos = book.grid(1), book.grid(2)

    papers.search("pdf")
    shots = [seen(papers, row, f"jupyterlab-pdf-{row}") for row in range(5)]
    # One page of text differs from another by some letters.
    assert min(changed(shots[0], shot) for shot in shots[1:]) > 0.001

    address = papers.open(0)
    assert address.startswith(company.storage_url)
    assert company.signature_marker in address
    assert secrets_in(address, company) != []

    shots = [seen(photos, row, f"jupyterlab-photo-{row}") for row in range(5)]
    assert min(changed(shots[0], shot) for shot in shots[1:]) > 0.01

    saved = book.save()
    assert len(json.loads(saved)["metadata"]["widgets"]) > 0
    assert details.documents["document_id"].iloc[0] in saved
    assert details.images["image_id"].iloc[0] not in saved
    for text in (saved, *exports(saved)):
        assert secrets_in(text, company) == []
        assert company.storage_url not in text


def test_the_details_of_a_row_are_legible_in_jupyterlab(lab):
    """JupyterLab has rules of its own for lists of terms; a field's name stands on one line all the same."""
    book = lab("details.ipynb", LOAD)
    book.run(0)
    grid = book.grid(0)
    grid.root.locator("tbody tr").first.dblclick()
    name = grid.root.locator(".df-fields dt", has_text="project_id").first
    name.wait_for()
    grid.picture("jupyterlab-details")
    box = name.bounding_box()

    assert box["height"] < 2 * float(name.evaluate("node => parseFloat(getComputedStyle(node).fontSize)"))
    assert box["width"] > 60


def contrast(grid) -> float:
    """Of the texts in the rows with what is behind them, by the formula of WCAG 2."""
    return grid.page.evaluate(CONTRAST, grid.root.locator("tbody td").first.element_handle())


#: The colour behind is that of the nearest element which has one.
CONTRAST = """cell => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (node) => {
    const found = parts(getComputedStyle(node).backgroundColor);
    if (found.length === 3 || found[3] === 1) return found;
    return node.parentElement ? behind(node.parentElement) : [255, 255, 255];
  };
  const ground = behind(cell);
  const [r, g, b, alpha = 1] = parts(getComputedStyle(cell).color);
  const letters = [r, g, b].map((part, place) => part * alpha + ground[place] * (1 - alpha));
  const light = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low, high] = [light(ground), light(letters)].sort((one, other) => one - other);
  return (high + 0.05) / (low + 0.05);
}"""


def test_the_grid_takes_the_theme_of_jupyterlab(lab):
    """Dark where JupyterLab is dark, at once, and legible in both."""
    book = lab("theme.ipynb", LOAD)
    book.run(0)
    grid = book.grid(0)
    book.theme("JupyterLab Light")
    light = grid.picture("jupyterlab-light")
    assert contrast(grid) > 4.5

    book.theme("JupyterLab Dark")
    dark = grid.picture("jupyterlab-dark")
    assert contrast(grid) > 4.5
    book.theme("JupyterLab Light")
    assert np.asarray(light).mean() > 180
    assert np.asarray(dark).mean() < 90


def test_notebook_7_shows_the_grid(notebook7, details):
    """And searches in it."""
    book = notebook7("seven.ipynb", LOAD)
    book.run(0)
    grid = book.grid(0)
    grid.search(details.answers["answer_id"].iloc[-1])

    grid.told(f"1 of {len(details.answers):,} rows")


def test_voila_shows_the_grid(voila, details):
    """And searches in it."""
    grid = voila("page.ipynb", LOAD)
    grid.search(details.answers["answer_id"].iloc[-1])

    grid.told(f"1 of {len(details.answers):,} rows")
