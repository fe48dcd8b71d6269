"""Every notebook runs from top to bottom, says what is true, and keeps no secret."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from docframes import sandbox
from docframes.sandbox.company import Company
from docframes.sandbox.company import ledger as ledgers
from docframes.sandbox.company.forensics import examine
from docframes.sandbox.company.inbox import BILLS, receive
from docframes.sandbox.company.journals import year
from docframes.sandbox.company.personnel import LEFT, file_away

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
JOBS = 60  #: as many as each notebook asks for
LINES = 5_000  #: of the sandbox's ledger, where nobody says how many


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


def table_of(notebook, source: str) -> list[list[str]]:
    """The rows of the frame that the one cell with *source* in it showed, without the index."""
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source]
    (shown,) = [out.data["text/html"] for out in cell.outputs if "text/html" in out.get("data", {})]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", shown.partition("<tbody>")[2], re.DOTALL)
    return [[html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)] for row in rows]


def pictures(notebook) -> int:
    """How many charts stand in it."""
    return sum("image/png" in out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", []))


@pytest.fixture(scope="module")
def company():
    """The company of every notebook, told without an API or a loader."""
    return Company(7, 1, JOBS)


@pytest.fixture(scope="module")
def posted(company, tmp_path_factory):
    """The lines of its ledger, with the planted faults, as the standard library reads them."""
    path = ledgers.write_ledger(company, tmp_path_factory.mktemp("ledger") / "gl.zip", lines=LINES, faults=True)
    with zipfile.ZipFile(path) as archive:
        lines = list(csv.DictReader(io.StringIO(archive.read("GL_Transactions.csv").decode(), newline="")))
    return [{**line, "amount": Decimal(line["BASE_VALUE"])} for line in lines]


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
        secrets = box.canaries

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
    assert pictures(executed("01-jobs-and-answers.ipynb")[0]) == 1


# --- 02: annotation fields ----------------------------------------------------------------------------------------


def test_the_second_notebook_shows_the_inbox(executed, company):
    """Documents by class and state, and how many were read and left out."""
    notebook, _ = executed("02-annotation-fields.ipynb")
    papers = receive(company).papers
    states = Counter((paper.document_class, paper.state) for paper in papers)
    complete = sum(paper.state == "success" for paper in papers)

    shown = table_of(notebook, 'groupby(["document_class", "state"])')
    assert shown == [[*key, str(number)] for key, number in sorted(states.items())]
    assert f"{complete} documents, {len(papers) - complete} left out" in output_of(notebook, "arguments = ")


def test_the_second_notebook_tells_null_from_empty_from_absent(executed, company):
    """Counted in what the service sends for bills."""
    notebook, _ = executed("02-annotation-fields.ipynb")
    bills = [paper for paper in receive(company).papers if paper.document_class == BILLS and paper.state == "success"]
    wanted = []
    for field in ("amount_total", "amount_due", "amount_paid", "amount_rounding"):
        values = [paper.fields.get(field, ...) for paper in bills]
        came = [values.count(""), sum(bool(value) and value is not ... for value in values), values.count(None)]
        wanted.append([*map(str, came), str(values.count(...))])

    assert table_of(notebook, 'said["absent"]') == wanted
    assert {int(row[3]) for row in wanted} != {0}


def test_the_second_notebook_finds_what_is_planted(executed, company):
    """The bill whose total is not base + tax, and the one that was handed in twice; items add up."""
    notebook, _ = executed("02-annotation-fields.ipynb")
    inbox = receive(company)
    by_id = {paper.id: paper for paper in inbox.papers}
    faults = {fault["fault"]: [by_id[one] for one in fault["ids"]] for fault in inbox.truth}
    (wrong,), twice = faults["amount_not_posted"], faults["duplicate_document"]

    (row,) = table_of(notebook, 'exact["difference"] =')
    assert row[3:] == ["90.00", wrong.fields["document_identifier"], wrong.fields["supplier_name"]]
    shown = table_of(notebook, "bills = wide")
    assert sorted(row[1] for row in shown) == sorted(paper.name for paper in twice)
    items = [item for paper in inbox.papers if paper.state == "success" for table in ("line_items", "movements")
             for item in paper.fields.get(table) or ()]  # fmt: skip
    assert f"{len(items)} items, 0 calls" in output_of(notebook, "load_line_items")
    assert re.search(r"^0 of \d+ documents", output_of(notebook, "load_line_items"), re.MULTILINE)
    assert pictures(notebook) == 1


# --- 03: general ledger -------------------------------------------------------------------------------------------


def test_the_third_notebook_has_the_control_totals(executed, posted):
    """Debit and credit to the penny, and the transaction that does not balance."""
    notebook, _ = executed("03-general-ledger.ipynb")
    debit = sum(line["amount"] for line in posted if line["amount"] > 0)
    credit = -sum(line["amount"] for line in posted if line["amount"] < 0)
    sums = Counter()
    for line in posted:
        sums[line["GL_TX_ID"]] += line["amount"]
    (unbalanced,) = [number for number, gap in sums.items() if gap]

    (row,) = table_of(notebook, "gl.controls[")
    assert row[:3] == ["GBP", str(len(posted)), str(len(sums))]
    assert [Decimal(text) for text in row[3:]] == [debit, credit, debit - credit]
    assert debit - credit == 100
    assert {row[0] for row in table_of(notebook, "unbalanced_transactions(")} == {unbalanced}


def test_the_third_notebook_has_the_trial_balance(executed, company, posted):
    """Movements are those of the lines; the one period whose balances are wrong is found."""
    notebook, _ = executed("03-general-ledger.ipynb")
    moved = Counter()
    for line in posted:
        moved[line["ACCOUNT_CODE"]] += line["amount"]
    (mismatch,) = [fault for fault in ledgers.ledger_truth(company, LINES) if fault["fault"] == "balance_mismatch"]

    shown = table_of(notebook, 'trial["closing"] = ')
    assert len(shown) == 8
    assert [Decimal(row[3]) for row in shown] == [moved[row[0]] for row in shown]
    assert all(Decimal(row[2]) + Decimal(row[3]) == Decimal(row[4]) == Decimal(row[5]) for row in shown)
    assert "opening 0.00, closing 100.00" in output_of(notebook, 'print(f"opening')
    (row,) = table_of(notebook, 'periods["difference"] = ')
    assert [row[0], row[2]] == mismatch["ids"]
    assert Decimal(row[5]) == 250


def test_the_third_notebook_reads_the_same_ledger_again(executed):
    """Offline without a call, and from a zip that is in order; the chart is there."""
    notebook, _ = executed("03-general-ledger.ipynb")

    assert output_of(notebook, "docframes.offline()") == "0 True"
    assert f"{LINES:,} lines" in output_of(notebook, "read_ledger(")
    assert "balanced to 0.00" in output_of(notebook, "read_ledger(")
    assert pictures(notebook) == 1


# --- 04: files ----------------------------------------------------------------------------------------------------


def test_the_fourth_notebook_saves_files_of_three_vendors(executed):
    """Nine files with their digests; what Veridox examined is what ValiDocX holds, and what it refuses has a reason."""
    notebook, _ = executed("04-files.ipynb")
    manifest = table_of(notebook, "manifest = pd.concat")

    assert Counter(row[0] for row in manifest) == {"validocx": 3, "docdigitizer": 3, "veridox": 3}
    assert all(re.fullmatch(r"[0-9a-f]{40,}(\.\.\.)?", row[4]) and int(row[3]) > 0 for row in manifest)
    pairs = table_of(notebook, "duplicated(keep=False)")
    assert [row[1] for row in pairs] == ["validocx", "veridox"] * 3
    signed = table_of(notebook, "sign_files(")
    assert [row[3] == "NaN" for row in signed] == [True] * 3 + [False] * 2
    assert [row[2] != "<NA>" for row in table_of(notebook, "files.save_all(signed")] == [
        True, True, True, False, False
    ]  # fmt: skip


def test_the_fourth_notebook_has_the_risks_of_the_laboratory(executed, company):
    """Scores by level in their order, the one that a person lowered, and the findings of the forged bills."""
    notebook, _ = executed("04-files.ipynb")
    lab = examine(company)
    scores = Counter(row["current_risk_score"] for row in lab.files if row["file_id"] in lab.invoices)
    lowered = [row for row in lab.files if lab.forged.get(row["file_id"]) and row["current_risk_score"] == "Low"]

    assert [int(row[0]) for row in table_of(notebook, "value_counts(")] == [
        scores[level] for level in ("Informational", "Low", "Medium", "High")
    ]
    assert [row[0] for row in table_of(notebook, "found = analyses")] == [row["file_id"] for row in lowered]
    assert {row[4] for row in table_of(notebook, "high = analyses")} == {
        lab.file(file_id)["label"] for file_id in lab.forged
    }


def test_the_fourth_notebook_ties_paper_ledger_and_laboratory_together(executed, company):
    """As many bills as stand in both; the planted amount and the planted forgeries are the rows left over."""
    notebook, _ = executed("04-files.ipynb")
    inbox, lab = receive(company), examine(company)
    posted = {journal.reference for journal in year(company, LINES - 3) if journal.kind == "PI"}
    read = {paper.fields["document_identifier"] for paper in inbox.papers
            if paper.state == "success" and "amount_total" in paper.fields}  # fmt: skip
    forged = {lab.invoices[file_id].number for file_id in lab.forged}
    (fault,) = [fault for fault in inbox.truth if fault["fault"] == "amount_not_posted"]
    (wrong,) = [paper.fields["document_identifier"] for paper in inbox.papers if paper.id in fault["ids"]]

    shown = output_of(notebook, "joined = ")
    assert f"{len(read & posted)} bills on paper and in the ledger" in shown
    rows = table_of(notebook, "joined = ")
    assert {row[0] for row in rows} == forged | {wrong}
    assert {row[0]: Decimal(row[6]) for row in rows} == {row[0]: Decimal(90 * (row[0] == wrong)) for row in rows}


# --- 05: people and documents -------------------------------------------------------------------------------------


def test_the_fifth_notebook_tells_whose_documents_may_not_be_seen(executed, company):
    """A warning counts them, the record names them with the status, and the certificate proves nothing."""
    notebook, _ = executed("05-people-documents.ipynb")
    personnel = file_away(company)
    names = {person.id: person.name for person in company.staff}

    shown = output_of(notebook, "AccessWarning)")
    assert shown.startswith(f"AccessWarning: papershift.load_documents: 2 of {len(names)} lists may not be seen")
    assert output_of(notebook, "record.certificate.verdict").startswith("CANNOT_PROVE")
    rows = table_of(notebook, "record.certificate.verdict")
    assert sorted(rows) == sorted([[names[personnel.forbidden], "403"], [names[personnel.hidden], "404"]])


def test_the_fifth_notebook_finds_what_is_planted_in_the_files(executed, company):
    """The contract that is not there, of somebody who was seen; the certificate that two people share."""
    notebook, _ = executed("05-people-documents.ipynb")
    personnel = file_away(company)
    faults = {fault["fault"]: fault["ids"] for fault in personnel.faults}
    names = {person.id: person.name for person in company.staff}
    owners = {row["id"]: names[user] for user, rows in personnel.documents.items() for row in rows}

    rows = table_of(notebook, "Employment contract")
    assert len(rows) == len(names)
    assert [row[0] for row in rows if row[2] == "missing"] == [names[one] for one in faults["missing_contract"]]
    assert {row[0] for row in rows if row[2] == "unknown"} == {names[personnel.forbidden], names[personnel.hidden]}
    shared = table_of(notebook, "files.save_all(licences")
    assert {row[0] for row in shared} == {owners[one] for one in faults["shared_certificate"]}


def test_the_fifth_notebook_knows_who_posts(executed, company, posted):
    """Lines by login, and those that were entered after their clerk had left."""
    notebook, _ = executed("05-people-documents.ipynb")
    lines = Counter(line["ENTRY_USER"] for line in posted)
    people = {person.username: person for person in company.staff}
    clerk = next(person for person in company.staff if person.id in file_away(company).faults[0]["ids"])
    after = [line for line in posted if line["ENTRY_USER"] == clerk.username and line["ENTRY_TIMESTAMP"] > f"{LEFT}Z"]

    rows = table_of(notebook, "posters = posted.merge")
    assert [[row[0], row[1], row[2], row[4]] for row in rows] == [
        [login, people[login].name, "Finance", str(number)] for login, number in sorted(lines.items())
    ]
    transactions = len({line["GL_TX_ID"] for line in after})
    assert f"{len(after):,} lines in {transactions:,} transactions" in output_of(notebook, "after = ")
    assert pictures(notebook) == 1


# --- 06: grids ----------------------------------------------------------------------------------------------------


def test_the_sixth_notebook_shows_grids(executed, company):
    """Each with a plain table for readers without a kernel, and no row chosen by anybody."""
    notebook, _ = executed("06-browse.ipynb")
    outputs = [output.data for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    grids = [data for data in outputs if "application/vnd.jupyter.widget-view+json" in data]

    assert [data["text/plain"].partition(": ")[2] for data in grids][:3] == ["Answers", "Photos", "Documents"]
    assert all("<table" in data["text/html"] for data in grids)
    assert output_of(notebook, "answers.selected_rows").startswith("Empty DataFrame")
    assert f"{LINES:,} rows" in grids[3]["text/plain"]
    assert grids[4]["text/plain"] == f"Grid of {len(company.jobs)} rows and 2 columns: Jobs"


# --- 07: trust ----------------------------------------------------------------------------------------------------


def test_the_seventh_notebook_says_what_a_load_costs(executed):
    """60 jobs at 20 a page are three calls, of which two were allowed; a call for each job's detail."""
    notebook, _ = executed("07-trust.ipynb")

    assert "would cost 3 calls, and max_calls is 2. 1 call so far" in output_of(notebook, "TooManyCalls as error")
    assert f"load_job_details: {JOBS} calls" in output_of(notebook, "docframes.load_record(jobs)")


def test_the_seventh_notebook_finds_where_rows_come_from(executed):
    """The record stands where the pointer leads; the line of the ledger is the one in the file."""
    notebook, _ = executed("07-trust.ipynb")
    pointer, same = output_of(notebook, "found.pointer").split()[:2]

    assert re.fullmatch(r"/data/\d+", pointer)
    assert same == "True"
    member, line, *text = output_of(notebook, "print(line.record)").split(maxsplit=2)
    with zipfile.ZipFile(sandbox_ledger(notebook)) as archive:
        rows = archive.read(member).decode().splitlines()
    assert text[0] == rows[int(line) - 1]


def sandbox_ledger(notebook):
    """The ledger that the notebook wrote, once more: the same company gives the same bytes."""
    with sandbox.running(jobs=JOBS, environment=False) as box:
        return io.BytesIO(box.write_ledger(Path(box.environment()["DOCFRAMES_CACHE_DIR"]) / "again.zip").read_bytes())


def test_the_seventh_notebook_tells_what_changed(executed):
    """One job was touched; a transaction of two lines went, one of three moved into an open quarter."""
    notebook, _ = executed("07-trust.ipynb")

    assert f"{JOBS} jobs, 2 calls, 1 changed since" in output_of(notebook, "moment = box.touch_job")
    told = output_of(notebook, "ledgers = docframes.diff")
    assert "2 vanished, 3 moved; 5 of them in closed periods" in told
    assert "totals explained to 0.00" in told


def test_the_seventh_notebook_runs_again_from_its_capsule(executed):
    """Equal frames without a vendor, and the flipped byte is found."""
    notebook, _ = executed("07-trust.ipynb")

    assert output_of(notebook, "again.equals(jobs)") == "True"
    assert output_of(notebook, "capsule.verify(altered)") == "5000"
