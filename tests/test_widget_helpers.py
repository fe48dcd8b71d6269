"""The helpers without a browser: what a choice in one grid shows in the others, and what a saved notebook keeps."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from conftest import Says

from docframes import docdigitizer, validocx
from docframes.errors import ColumnError, ConfigError, RoleError
from docframes.ledger import consolidate, read_ledger
from docframes.vendors.validocx import JobDetails
from docframes.widgets.documents import document_browser
from docframes.widgets.jobs import job_browser
from docframes.widgets.ledgers import ledger_browser

VIEW = "application/vnd.jupyter.widget-view+json"


def ask(grid, **message):
    """What the grid sends for a message."""
    sent = []
    grid.send = lambda content, buffers=None: sent.append((content, buffers))
    grid._receive(grid, {"nonce": "n1", **message}, [])
    return sent


def choose(grid, *positions):
    """Click on rows; gives what the grid itself says to that."""
    return [content for content, _ in ask(grid, type="select", positions=list(positions))]


def page(grid, **query):
    return ask(grid, **{"type": "query", "start": 0, "count": 100, **query})[0][0]


def column(grid, name):
    """The shown texts of a column."""
    place = [info["name"] for info in grid.columns].index(name)
    return [row[place] for row in page(grid)["rows"]]


def names(grid):
    return [info["name"] for info in grid.columns]


# --- jobs -------------------------------------------------------------------------------------------------------------


def frame(text, **dtypes):
    """A frame of lines of words; a dash is missing."""
    head, *lines = (line.split() for line in text.strip().splitlines())
    made = pd.DataFrame([[None if word == "-" else word for word in line] for line in lines], columns=head, dtype="str")
    return made.astype(dtypes)


@pytest.fixture
def details():
    """Two jobs with work done, one without any; both have a step s1 and a question q1, as templates have."""
    return JobDetails(
        jobs=frame("job_id reference\nj1 R1\nj2 R2\nj3 R3"),
        steps=frame("job_id step_id step_name\nj1 s1 Before\nj1 s2 After\nj2 s1 Before\nj2 - Odd"),
        questions=frame(
            """job_id step_id question_id question_text required
            j1 s1 q1 Roof? x
            j1 s1 q2 Damp? x
            j1 s2 q3 Done? x
            j2 s1 q1 Roof? x
            j2 - q4 Odd? x"""
        ),
        answers=frame(
            """job_id step_id question_id answer_id question_text value
            j1 s2 q3 a3 Done? yes
            j1 s1 q1 a1 Roof? slate
            j1 s1 q1 a2 Roof? tiles
            j2 s1 q1 a1 Roof? thatch
            j2 - q4 - Odd? odd"""
        ),
        images=frame(
            """job_id step_id question_id answer_id image_id file_name file_size
            j1 s1 q1 a2 i1 one.jpg 10
            j1 s1 q1 a2 i2 - -
            j2 s1 q1 a1 i3 three.jpg 30
            j2 - q4 - i4 four.jpg 40
            j2 s9 q9 a9 i5 lost.jpg 50""",
            file_size="Int64",
        ),
        documents=frame("job_id document_id name file_size\nj1 d1 plan.pdf 5\nj2 d2 bill.pdf 6", file_size="Int64"),
    )


def test_a_job_shows_its_steps_answers_and_documents(details):
    """In the order of the questions; one without an answer has a row too, and its value is missing."""
    browser = job_browser(details)
    choose(browser.jobs, 0)

    assert column(browser.steps, "step_name") == ["Before", "After"]
    assert column(browser.answers, "question_text") == ["Roof?", "Roof?", "Damp?", "Done?"]
    assert column(browser.answers, "value") == ["slate", "tiles", None, "yes"]
    assert column(browser.answers, "photos") == ["0", "2", "0", "0"]
    assert column(browser.documents, "name") == ["plan.pdf"]


def test_nothing_chosen_is_an_empty_grid_of_the_same_columns(details):
    """Before the first choice, for a job with nothing in it, and after the choice is taken back."""
    browser = job_browser(details)
    below = (browser.steps, browser.answers, browser.documents)
    before = [names(grid) for grid in below]
    assert [page(grid)["total"] for grid in below] == [0, 0, 0]

    for chosen in ([0], [2], [0], []):
        choose(browser.jobs, *chosen)
        assert [names(grid) for grid in below] == before
    assert [page(grid)["total"] for grid in below] == [0, 0, 0]


def test_a_step_leaves_its_answers_and_without_one_all_come_back(details):
    """Also a step without an id; the step s1 of another job is another step."""
    browser = job_browser(details)
    choose(browser.jobs, 0, 1)
    choose(browser.steps, 0)
    assert column(browser.answers, "value") == ["slate", "tiles", None]

    choose(browser.steps, 3)
    assert column(browser.answers, "value") == ["odd"]

    choose(browser.steps)
    assert column(browser.answers, "value") == ["slate", "tiles", None, "yes", "thatch", "odd"]


def test_photos_are_those_of_the_answer_in_the_row(details):
    """By job, question and answer, since ids of answers repeat; also where an answer has no id; none is mixed up."""
    browser = job_browser(details)
    choose(browser.jobs, 1)

    assert page(browser.answers)["files"] == [1, 1]
    assert ask(browser.answers, type="record", position=0)[0][0]["files"] == [{"label": "three.jpg", "kind": "images"}]
    assert ask(browser.answers, type="record", position=1)[0][0]["files"] == [{"label": "four.jpg", "kind": "images"}]
    choose(browser.jobs, 0)
    files = ask(browser.answers, type="record", position=1)[0][0]["files"]
    assert [file["label"] for file in files] == ["one.jpg", "images i2"]


def test_chosen_answers_come_back_with_the_dtypes_of_the_answers(details):
    """And with their number of photos; the frames that were given stay as they were."""
    details.answers["answered_at"] = pd.Timestamp("2026-01-02T03:04:05Z")
    details.answers["value_boolean"] = pd.array([True, None, None, None, None], "boolean")
    before = details.answers.copy()
    browser = job_browser(details)
    choose(browser.jobs, 0)
    choose(browser.answers, 1, 2)
    chosen = browser.answers.selected_rows

    assert chosen["photos"].tolist() == [2, 0]
    assert chosen["photos"].dtype == "int64"
    assert (chosen[details.answers.columns].dtypes == details.answers.dtypes).all()
    pd.testing.assert_frame_equal(details.answers, before)


def test_a_photo_comes_from_the_vendor_when_it_is_opened(box, client):
    """Of the sandbox: the bytes of the photo that belongs to the answer, and no call before."""
    loaded = validocx.load_job_details(validocx.load_jobs(client=client), client=client, progress=False)
    photo = loaded.images.iloc[0]
    browser = job_browser(loaded, client=client)
    box.clear_calls()
    choose(browser.jobs, int(np.flatnonzero(loaded.jobs["job_id"] == photo["job_id"])[0]))
    row = column(browser.answers, "photos").index("1")
    assert len(box.calls) == 0

    told, buffers = ask(browser.answers, type="download", position=row, file=0)[0]
    assert (told["type"], told["name"]) == ("file", photo["file_name"])
    assert len(buffers[0]) == photo["file_size"]


# --- documents --------------------------------------------------------------------------------------------------------


@pytest.fixture
def fields():
    """A document with fields, one whose only field is empty, one run of version 3 that holds two documents."""
    made = frame(
        """document_id entry_index source field value is_empty field_confidence
        d1 0 - total 12 0 0.9
        d1 0 - date - 1 0.4
        d2 0 - total - 1 -
        r 0 f.json total 1 0 0.8
        r 1 f.json total 2 0 -
        r 0 g.json total 3 - -
        d1 0 - tax 2 0 -
        - 0 - total 5 0 -""",
        entry_index="Int64",
        is_empty="Int64",
        field_confidence="float64",
    )
    return made.astype({"is_empty": "boolean"})


def test_each_document_has_its_counts_and_lowest_confidence(fields):
    """In the order in which they come; fields of one document need not stand together."""
    browser = document_browser(fields)

    assert column(browser.documents, "document_id") == ["d1", "d2", "r", "r", "r", None]
    assert column(browser.documents, "fields") == ["3", "1", "1", "1", "1", "1"]
    assert column(browser.documents, "empty") == ["1", "1", "0", "0", "0", "0"]
    lowest = [None if text is None else float(text) for text in column(browser.documents, "lowest_confidence")]
    assert lowest == [0.4, None, 0.8, None, None, None]


def test_a_document_shows_its_fields(fields):
    """Its own alone, in their order, also where it has no id or shares one; none once it is let go."""
    browser = document_browser(fields)
    found = []
    for place in range(6):
        choose(browser.documents, place)
        found.append(column(browser.fields, "value"))

    assert found == [["12", None, "2"], [None], ["1"], ["2"], ["3"], ["5"]]
    choose(browser.documents)
    assert page(browser.fields)["total"] == 0


def test_a_list_of_documents_gives_names_and_those_without_fields(fields):
    """A document that only the list has stands last, with no field."""
    listed = frame("document_id file_name state\nd9 nine.pdf pending\nd1 one.pdf success")
    browser = document_browser(fields, documents=listed)

    assert column(browser.documents, "document_id") == ["d1", "d2", "r", "r", "r", None, "d9"]
    assert column(browser.documents, "file_name") == ["one.pdf", *[None] * 5, "nine.pdf"]
    assert column(browser.documents, "fields")[-1] == "0"
    choose(browser.documents, 6)
    assert page(browser.fields)["total"] == 0


def test_a_frame_without_a_field_is_a_browser_without_a_document(fields):
    """Of the same columns."""
    browser, full = document_browser(fields.iloc[:0]), document_browser(fields)

    assert page(browser.documents)["total"] == 0
    assert names(browser.documents) == names(full.documents)


def test_the_file_of_a_document_is_asked_for_when_it_is_opened(box):
    """Its id is the vendor's, and the vendor is asked on the click; a document without an id has no file."""
    with docdigitizer.Client(api_key=box.key("docdigitizer"), base_url=box.url("docdigitizer")) as client:
        papers = docdigitizer.load_documents(client=client)
        found = docdigitizer.load_annotation_fields(papers, client=client, progress=False)
        browser = document_browser(found, client=client)
        box.clear_calls()
        choose(browser.documents, 1)
        assert page(browser.documents)["files"] == [1] * page(browser.documents)["total"]
        assert len(box.calls) == 0

        told, buffers = ask(browser.documents, type="preview", position=1, file=0)[0]
    assert (told["type"], told["kind"]) == ("preview", "pdf")
    assert told["name"] == papers.set_index("document_id")["file_name"][column(browser.documents, "document_id")[1]]
    assert buffers[0].startswith(b"%PDF")


@pytest.mark.parametrize("assets", [[], [{"id": "x", "name": "a.txt"}, {"id": "y", "name": "b.txt"}]])
def test_a_document_may_have_no_file_or_several(fields, scripted, settings, assets):
    """None is told in a sentence; of several the first is shown, with a note, and all are there from then on."""

    def answer(asked):
        if asked.path.endswith("/assets"):
            return Says({"assets": [{**asset, "url": f"{server.url}/file"} for asset in assets]})
        return Says(b"plain words", headers={"Content-Type": "text/plain"})

    server = scripted(answer)
    with docdigitizer.Client(api_key="k", base_url=server.url, settings=settings) as client:
        browser = document_browser(fields, client=client)
        told = ask(browser.documents, type="preview", position=0, file=0)[0][0]
        files = ask(browser.documents, type="record", position=0)[0][0]["files"]
    if not assets:
        assert told["type"] == "error"
        assert told["text"] == "DocDigitizer has no original file of this document."
    else:
        assert "This document has 2 files" in told["note"]
        assert [file["label"] for file in files] == ["a.txt", "b.txt"]


# --- ledgers ----------------------------------------------------------------------------------------------------------

#: Account 1200 has two currencies; T3 is out of balance by 0.01; two lines have no transaction, one no account.
LINES = """Transaction ID,Line,Date,Account,Account Name,Amount,Currency
T1,1,2025-01-05,4000,Sales,-100.10,EUR
T1,2,2025-01-05,1200,Bank,100.10,EUR
T2,1,2025-01-06,1200,Bank,7,USD
T2,2,2025-01-06,4000,Sales,-7,USD
T3,1,2025-01-07,1200,Bank,0.01,EUR
,1,2025-01-08,4000,Sales,-2.50,EUR
,2,2025-01-08,,,2.50,EUR
"""


@pytest.fixture
def ledger(tmp_path):
    """A ledger of the text of a CSV."""

    def read(text=LINES, name="gl"):
        (tmp_path / f"{name}.csv").write_text(text)
        return read_ledger(tmp_path / f"{name}.csv")

    return read


def test_an_account_shows_its_lines_in_its_currency(ledger):
    """In the order of the source; an account that is missing has lines too."""
    browser = ledger_browser(ledger())
    assert column(browser.accounts, "account") == ["1200", "1200", "4000", "4000", None]
    assert names(browser.accounts) == ["account", "account_name", "currency", "lines", "debit", "credit", "balance"]
    found = []
    for chosen in ([0], [1], [4], [0, 1, 2], []):
        choose(browser.accounts, *chosen)
        found.append(column(browser.lines, "source_line"))

    assert found == [["3", "6"], ["4"], ["8"], ["2", "3", "4", "6", "7"], []]


@pytest.mark.parametrize(("account", "line", "lines", "result"), [
    (0, 0, ["2", "3"], ["balances to 0.00"]),
    (0, 1, ["6"], ["out of balance by 0.01"]),
    (1, 0, ["4", "5"], ["balances to 0.00"]),
    (4, 0, ["7", "8"], ["balances to 0.00"]),
])  # fmt: skip
def test_a_line_shows_its_whole_transaction_and_the_sum(ledger, account, line, lines, result):
    """All lines of it, on whatever account; those without a transaction count as one."""
    browser = ledger_browser(ledger())
    choose(browser.accounts, account)
    choose(browser.lines, line)

    assert column(browser.transaction, "source_line") == lines
    assert column(browser.sums, "result") == result
    assert column(browser.sums, "lines") == [str(len(lines))]


def test_another_account_takes_the_transaction_away(ledger):
    """What is shown below belongs to what is chosen above."""
    browser = ledger_browser(ledger())
    choose(browser.accounts, 0)
    choose(browser.lines, 0, 1)
    assert column(browser.sums, "result") == ["balances to 0.00", "out of balance by 0.01"]

    choose(browser.accounts, 1)
    assert [page(grid)["total"] for grid in (browser.sums, browser.transaction)] == [0, 0]


def test_sums_are_exact(ledger):
    """0.1 + 0.2 - 0.3 is nothing in decimals, and something in floats; the frame holds decimals."""
    text = "Transaction ID,Date,Account,Amount\nT,2025-01-01,a,0.1\nT,2025-01-01,a,0.2\nT,2025-01-01,a,-0.3\n"
    browser = ledger_browser(ledger(text))
    choose(browser.accounts, 0)
    choose(browser.lines, 0)
    choose(browser.sums, 0)

    assert column(browser.sums, "result") == ["balances to 0.00"]
    assert browser.sums.selected_rows["balance"].tolist() == [Decimal(0)]


def test_a_transaction_of_several_engagements_is_several(ledger):
    """In a consolidated ledger the same ids of another engagement are others."""
    both = consolidate({"4711": ledger(), "4712": ledger(LINES.replace("100.10", "55"), "other")})
    browser = ledger_browser(both)
    engagements = column(browser.accounts, "engagement_id")
    choose(browser.accounts, engagements.index("4712"))
    assert column(browser.lines, "amount") == ["55.00", "0.01"]
    choose(browser.lines, 0)

    assert column(browser.transaction, "engagement_id") == ["4712", "4712"]
    assert column(browser.sums, "engagement_id") == ["4712"]
    assert column(browser.sums, "result") == ["balances to 0.00"]


def test_a_ledger_of_few_roles_can_be_browsed(ledger):
    """Without names, currency and transactions; lines can be chosen, and the grid below says why it is empty."""
    browser = ledger_browser(ledger("Date,Account,Amount\n2025-01-01,1200,5\n2025-01-02,4000,-5\n"))
    assert names(browser.accounts) == ["account", "lines", "debit", "credit", "balance"]
    choose(browser.accounts, 1)

    assert column(browser.lines, "amount") == ["-5.00"]
    assert choose(browser.lines, 0) == []
    assert page(browser.transaction)["total"] == 0
    assert browser.transaction.caption.startswith("No column of this ledger plays the role of the transaction")


def test_lines_are_searched_sorted_and_given_back_as_a_frame(ledger):
    """Among the account's own alone, with the dtypes of the whole."""
    gl = ledger()
    browser = ledger_browser(gl)
    choose(browser.accounts, 0, 1)
    assert browser.lines.filtered["amount"].tolist() == [100.10, 7.0, 0.01]
    amount = names(browser.lines).index("amount")
    found = page(browser.lines, search="t3")
    assert (found["matched"], found["total"]) == (1, 3)
    assert [row[amount] for row in page(browser.lines, sort=[[amount, False]])["rows"]] == ["0.01", "7.00", "100.10"]
    assert browser.lines.filtered["amount"].tolist() == [0.01, 7.0, 100.10]
    values = ask(browser.lines, type="values", column=names(browser.lines).index("transaction"), search="", filters=[])

    assert sorted(map(tuple, values[0][0]["values"])) == [("T1", 1), ("T2", 1), ("T3", 1)]
    choose(browser.lines, 1)
    chosen = browser.lines.selected_rows
    assert chosen["transaction"].tolist() == ["T2"]
    assert (chosen.dtypes == gl.transactions[chosen.columns].dtypes).all()


def test_the_whole_frame_is_never_read(ledger):
    """Lines come from the store; what ``gl.transactions`` would keep is not there."""
    gl = ledger()
    browser = ledger_browser(gl)
    choose(browser.accounts, 0)
    choose(browser.lines, 0)
    page(browser.transaction)

    assert "transactions" not in vars(gl)


def test_what_goes_wrong_is_a_sentence_and_nothing_old_stays(ledger):
    """The store is deleted while it is browsed: the lines of the account before are not shown as those of this one."""
    gl = ledger()
    browser = ledger_browser(gl)
    choose(browser.accounts, 0)
    shutil.rmtree(gl.store.folder)
    told = choose(browser.accounts, 1)

    assert [message["type"] for message in told] == ["notice"]
    assert str(gl.store.folder) not in told[0]["text"]
    assert page(browser.lines)["total"] == 0


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["jobs", "documents", "ledger"])
def browser(request, details, fields, ledger):
    """Each helper, with a row chosen in its first grid, and in the one below."""
    make = {
        "jobs": lambda: job_browser(details),
        "documents": lambda: document_browser(fields),
        "ledger": lambda: ledger_browser(ledger()),
    }
    made = make[request.param]()
    for grid in made.grids[:2]:
        choose(grid, 0)
        page(grid)
    return made


def test_no_row_stands_in_the_state_of_any_widget(browser):
    """Neither of the grids nor of the boxes and headings around them."""
    state = json.dumps([
        {name: value for name, value in widget.get_state().items() if name not in ("_esm", "layout", "children")}
        for widget in (*every(browser.widget),)
    ])  # fmt: skip

    assert browser.grids[0].caption in state
    for value in ("R1", "Before", "slate", "one.jpg", "plan.pdf", "d1", "f.json", "T1", "1200", "Bank", "100.10"):
        assert f'"{value}"' not in state


def every(widget):
    """A widget and all that it holds."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from every(child)


def test_all_grids_stand_in_the_widget_under_a_heading(browser):
    """Each with a caption of its own; the attributes are the grids that are shown."""
    shown = [widget for widget in every(browser.widget) if widget in browser.grids]

    assert sorted(map(id, shown)) == sorted(map(id, browser.grids))
    assert len({grid.caption for grid in shown}) == len(shown)
    assert browser.title in browser.widget.children[0].value
    assert browser.widget.children[0].value.startswith("<h2")


def test_the_output_has_a_plain_table_of_the_first_grid(browser):
    """Beside the live view; its rows only, and the helper's title."""
    data = browser._repr_mimebundle_()

    assert VIEW in data
    assert data[VIEW]["model_id"] == browser.widget.model_id
    assert browser.title in data["text/html"]
    assert data["text/html"].count("<table>") == 1
    assert data["text/html"].count("<tr>") == 1 + page(browser.grids[0])["total"]
    assert data["text/plain"].startswith(f"{browser.title}: Grid of ")


def test_rows_of_other_parts_do_not_change_the_columns(browser):
    """Kinds and names are those of the whole, so that the front end keeps its columns."""
    below = browser.grids[1]
    before = list(below.columns)
    choose(browser.grids[0])

    assert list(below.columns) == before


@pytest.mark.parametrize("make", [
    lambda details, fields, gl: job_browser(details.jobs),
    lambda details, fields, gl: job_browser(details, height=3),
    lambda details, fields, gl: document_browser(details),
    lambda details, fields, gl: document_browser(fields, documents=[1]),
    lambda details, fields, gl: ledger_browser(details.jobs),
    lambda details, fields, gl: ledger_browser(gl, engine="abacus"),
    lambda details, fields, gl: ledger_browser(gl, height="tall"),
])  # fmt: skip
def test_what_cannot_be_browsed_is_refused(make, details, fields, ledger):
    """With what was wanted and what came."""
    with pytest.raises(ConfigError):
        make(details, fields, ledger())


def test_missing_columns_and_roles_are_named(details, ledger):
    """And what to do."""
    with pytest.raises(ColumnError, match="load_annotation_fields"):
        document_browser(details.jobs)
    with pytest.raises(RoleError, match="'account'"):
        ledger_browser(ledger("Date,Amount\n2025-01-01,5\n"))
