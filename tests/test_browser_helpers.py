"""A person at JupyterLab with the helpers: choose above, see below, open the file; nothing cut, nothing left behind."""

from __future__ import annotations

import pytest

from docframes import docdigitizer, validocx
from docframes.vendors.validis import Client as Validis
from docframes.vendors.validis import load_gl_extract
from tests.browser import SHOTS
from tests.jupyter import DEADLINE, Grid, until

pytest_plugins = ["tests.browser", "tests.jupyter"]

JOBS = """
from docframes import validocx
from docframes.widgets.jobs import job_browser
details = validocx.load_job_details(validocx.load_jobs(), progress=False)
browser = job_browser(details)
browser"""
DOCUMENTS = """
from docframes import docdigitizer
from docframes.widgets.documents import document_browser
papers = docdigitizer.load_documents(progress=False)
fields = docdigitizer.load_annotation_fields(papers, progress=False)
browser = document_browser(fields, documents=papers)
browser"""
LEDGER = """
from docframes import open_ledger
from docframes.widgets.ledgers import ledger_browser
gl = open_ledger({folder!r})
browser = ledger_browser(gl)
browser"""

#: Parts that stick out of what holds them, and grids that lie over each other.
FAULTS = """() => {
  const grids = [...document.querySelectorAll('.docframes-grid')];
  const boxes = grids.map((grid) => grid.getBoundingClientRect());
  const wider = (inner, outer) => inner.width && (inner.right > outer.right + 1 || inner.left < outer.left - 1);
  const found = [];
  grids.forEach((grid, place) => {
    const box = boxes[place];
    for (let up = grid.parentElement; up && !up.matches('.jp-OutputArea-output'); up = up.parentElement) {
      if (wider(box, up.getBoundingClientRect())) found.push(`grid ${place} is wider than ${up.className}`);
      if (up.scrollWidth > up.clientWidth + 1) found.push(`${up.className} scrolls sideways`);
      const down = up.scrollHeight > up.clientHeight + 1 && getComputedStyle(up).overflowY !== 'visible';
      if (down) found.push(`${up.className} scrolls down`);
    }
    grid.querySelectorAll('.df-bar > *, .df-caption').forEach((part) => {
      if (wider(part.getBoundingClientRect(), box)) found.push(`${part.className} of grid ${place} is cut`);
    });
    boxes.slice(place + 1).forEach((other, after) => {
      const beside = other.left >= box.right || other.right <= box.left;
      const below = other.top >= box.bottom || other.bottom <= box.top;
      if (!beside && !below) found.push(`grids ${place} and ${place + 1 + after} overlap`);
    });
  });
  return found;
}"""


def named(book, caption):
    """The grid with this caption, below the first cell."""
    table = book.page.get_by_role("grid", name=caption, exact=True)
    return Grid(book.page, book.page.locator(".docframes-grid").filter(has=table))


def choose(grid, row):
    """Click on a row of the page, at its first cell."""
    grid.root.locator("tbody tr").nth(row).locator("td").first.click()
    grid.told("1 selected")


def seen(book, name):
    """Pictures at 1280 and 800 pixels, light and dark, to be looked at; nothing sticks out of what holds it."""
    SHOTS.mkdir(exist_ok=True)
    # The list of files takes a third of the page.
    if book.page.locator("#jp-left-stack").is_visible():
        book.page.keyboard.press("Control+b")
    output = book.cell(0).locator(".jp-OutputArea").first
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        book.page.set_viewport_size({"width": 1280, "height": 2400})
        book.theme(theme)
        for width in (1280, 800):
            book.page.set_viewport_size({"width": width, "height": 2400})
            book.page.wait_for_timeout(400)
            output.screenshot(path=SHOTS / f"{name}-{theme[11:].lower()}-{width}.png")

            assert book.page.evaluate(FAULTS) == []
    book.page.set_viewport_size({"width": 1280, "height": 2400})


@pytest.fixture(scope="module")
def details(company):
    """What the kernels load, loaded here."""
    with validocx.Client(api_key=company.key("validocx"), base_url=company.url("validocx")) as client:
        return validocx.load_job_details(validocx.load_jobs(client=client), client=client, progress=False)


@pytest.fixture(scope="module")
def fields(company):
    """Likewise, and the list of the documents."""
    with docdigitizer.Client(api_key=company.key("docdigitizer"), base_url=company.url("docdigitizer")) as client:
        papers = docdigitizer.load_documents(client=client)
        return docdigitizer.load_annotation_fields(papers, client=client), papers


@pytest.fixture(scope="module")
def ledger(company, tmp_path_factory):
    """The company's ledger, in a folder for the kernel."""
    told = company.environment()
    with Validis(
        api_key=told["DOCFRAMES_VALIDIS_API_KEY"],
        secondary_api_key=told["DOCFRAMES_VALIDIS_SECONDARY_API_KEY"],
        region=told["DOCFRAMES_VALIDIS_REGION"],
        base_url=told["DOCFRAMES_VALIDIS_BASE_URL"],
    ) as client:
        gl = load_gl_extract("4711", client=client, progress=False)
    gl.save(tmp_path_factory.mktemp("ledgers") / "4711")
    return gl, tmp_path_factory.getbasetemp()


def test_a_photo_opens_below_the_answer_of_a_chosen_job(lab, company, details):
    """A job, a step of it, the answer with its photo; the saved notebook has the jobs' first rows, and no answer."""
    photo = details.images.iloc[0]
    job = details.jobs.index[details.jobs["job_id"] == photo["job_id"]][0]
    answers = details.answers[details.answers["job_id"] == photo["job_id"]]
    asked = details.questions[details.questions["job_id"] == photo["job_id"]]
    book = lab("jobs.ipynb", JOBS, "print(browser.answers.selected_rows.shape)")
    book.run(0)
    jobs, steps = named(book, "Jobs"), named(book, "Steps of the chosen job")
    jobs.told("30 of 30 rows")
    named(book, "Answers of the chosen job").told("0 of 0 rows")
    choose(jobs, int(job))

    rows = len(asked) + int(answers.duplicated(["step_id", "question_id"]).sum())
    named(book, "Answers of the chosen job").told(f"{rows} of {rows} rows")
    seen(book, "helper-jobs")
    steps = named(book, "Steps of the chosen job")
    choose(steps, steps.column("step_name").index(answers.set_index("answer_id").loc[photo["answer_id"], "step_name"]))
    of_step = len(asked[asked["step_id"] == photo["step_id"]])
    found = named(book, "Answers of the chosen job")
    found.told(f"{of_step} of {of_step} rows")

    found.view(found.column("photos").index("1"))
    picture = found.root.locator(".dff-content img")
    until(lambda: picture.evaluate("image => image.complete && image.naturalWidth > 0"))
    seen(book, "helper-jobs-photo")
    saved = book.save()
    assert details.jobs["job_id"].iloc[0] in saved
    assert not [answer for answer in details.answers["answer_id"] if answer in saved]
    assert not [step for step in details.steps["step_id"] if step in saved]
    assert not [mark for mark in company.canaries if mark in saved]


def test_a_document_stands_beside_its_fields(lab, company, fields):
    """The file is asked of the vendor when it is opened, and shown as a PDF."""
    found, papers = fields
    own = found[found["document_id"] == found["document_id"].iloc[0]]
    book = lab("documents.ipynb", DOCUMENTS)
    book.run(0)
    documents = named(book, "Documents")
    documents.told(f"{len(papers)} of {len(papers)} rows")
    choose(documents, 0)
    table = named(book, "Fields of the chosen document")
    table.told(f"{len(own)} of {len(own)} rows")
    assert table.column("field") == own["field"].tolist()
    seen(book, "helper-documents")

    named(book, "Documents").view(0)
    seen(book, "helper-documents-file")
    assert not [mark for mark in company.canaries if mark in book.save()]


def test_a_line_leads_to_its_whole_transaction(lab, ledger):
    """An account, its lines, and all lines of the transaction of one; it says that they balance to nothing."""
    gl, folder = ledger
    lines = gl.transactions
    account = lines["account"].min()
    of_account = lines[lines["account"] == account]
    whole = lines[lines["transaction"] == of_account["transaction"].iloc[0]]
    place = next(folder.glob("ledgers*/4711"))
    book = lab("ledger.ipynb", LEDGER.format(folder=str(place)))
    book.run(0)
    choose(named(book, "Accounts"), 0)
    found = named(book, "Lines of the chosen account")
    found.told(f"{len(of_account)} of {len(of_account)} rows")
    choose(found, 0)

    sums = named(book, "Sum of the transaction of the chosen line")
    sums.told("1 of 1 rows")
    assert sums.column("result") == ["balances to 0.00"]
    named(book, "All lines of the transaction of the chosen line").told(f"{len(whole)} of {len(whole)} rows")
    seen(book, "helper-ledger")


def test_every_grid_has_a_name_and_the_whole_a_heading(lab):
    """For whoever hears the page."""
    book = lab("names.ipynb", JOBS)
    book.run(0)
    book.page.get_by_role("heading", name="Jobs with their steps, answers and documents").wait_for(
        timeout=DEADLINE * 1000
    )
    named(book, "Documents of the chosen job").settled()
    names = [
        book.page.locator(f"#{grid.get_attribute('aria-labelledby')}").inner_text()
        for grid in book.page.get_by_role("grid").all()
    ]

    assert names == ["Jobs", "Steps of the chosen job", "Answers of the chosen job", "Documents of the chosen job"]
