"""The grid without a browser: what it answers, what it keeps, and what a saved notebook has of it."""

from __future__ import annotations

import json
import subprocess
import sys

import nbformat
import pandas as pd
import pytest

from docframes.errors import ConfigError, DocframesError
from docframes.widgets import browse

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
EVIL = "<img src=x onerror='window.hit=1'>"


@pytest.fixture
def frame():
    """Twelve lines of a journal, written out so that every answer can be read off."""
    return pd.DataFrame({
        "line": [f"L{number:02d}" for number in range(12)],
        "amount": [10.5, -3.0, 7.25, 0.0, 99.0, -12.5, 4.0, 5.0, 6.0, 8.0, 9.0, 1.0],
        "party": ["Acme", "Bolt", "Acme", None, "Crag", "Acme", "Bolt", "Dune", "Dune", "Acme", "Eire", "Fell"],
        "payload": [f'{{"id": {9007199254740993 + number}}}' for number in range(12)],
    })  # fmt: skip


def told(grid):
    """Collects what the grid sends."""
    sent = []
    grid.send = lambda content, buffers=None: sent.append((content, buffers))
    return sent


def ask(grid, **message):
    """The one answer to a message."""
    sent = told(grid)
    grid._receive(grid, {"nonce": "n1", **message}, [])
    assert len(sent) == 1
    return sent[0][0]


def query(grid, **message):
    defaults = {"start": 0, "count": 5, "search": "", "filters": [], "sort": []}
    return ask(grid, **{"type": "query", **defaults, **message})


# --- pages ----------------------------------------------------------------------------------------------------------


def test_a_page_has_its_rows_as_text_and_both_counts(frame):
    """Positions are of the whole, and the nonce comes back."""
    answer = query(browse(frame), start=5, count=2)

    assert (answer["type"], answer["nonce"], answer["start"]) == ("page", "n1", 5)
    assert (answer["positions"], answer["matched"], answer["total"]) == ([5, 6], 12, 12)
    assert [row[0] for row in answer["rows"]] == ["L05", "L06"]
    assert all(cell is None or isinstance(cell, str) for row in answer["rows"] for cell in row)


def test_a_page_beyond_the_end_is_the_last_one(frame):
    """Five to a page: the twelve rows end with a page from 10; the three of Bolt and Dune fit on the first."""
    grid = browse(frame)

    assert query(grid, start=500)["start"] == 10
    assert query(grid, start=10, search="bolt")["start"] == 0
    assert query(grid, start=10, search="nobody")["positions"] == []


def test_filtered_is_all_that_matches_in_the_order_of_the_sort(frame):
    """Not only the page: the four lines of Acme, largest first, with the dtypes of the whole."""
    grid = browse(frame)
    answer = query(grid, count=1, search="acme", sort=[[1, True]])

    assert answer["matched"] == 4
    assert list(grid.filtered["line"]) == ["L00", "L09", "L02", "L05"]
    assert grid.query.search == "acme"
    assert (grid.filtered.dtypes == frame.dtypes).all()


def test_a_query_that_cannot_be_keeps_the_last_one(frame):
    """What the grid shows is what ``filtered`` gives."""
    grid = browse(frame)
    query(grid, search="acme")
    answer = query(grid, filters=[{"column": 1, "kind": "range", "low": "ten", "high": ""}])

    assert answer["type"] == "error"
    assert "ten" in answer["text"]
    assert len(grid.filtered) == 4


def test_a_record_is_whole(frame):
    """Every field, also those that are not shown, and digits beyond 2^53 in JSON."""
    frame.loc[1, "party"] = "x" * 5000
    answer = ask(browse(frame), type="record", position=1)
    fields = {field["name"]: field for field in answer["fields"]}

    assert fields["party"]["text"] == "x" * 5000
    assert fields["payload"]["json"]
    assert "9007199254740994" in fields["payload"]["text"]
    assert answer["files"] == []


def test_values_of_a_column_are_counted_among_the_rows_that_match(frame):
    """Most frequent first; a missing one is null."""
    answer = ask(browse(frame), type="values", column=2, search="", filters=[])

    assert answer["values"][0] == ["Acme", 4]
    assert [None, 1] in answer["values"]
    assert answer["more"] is False


# --- choosing -------------------------------------------------------------------------------------------------------


def select(grid, *positions):
    grid._receive(grid, {"type": "select", "positions": list(positions)}, [])


def test_chosen_rows_come_back_as_a_frame(frame):
    """In the order of the rows, whatever the order of the clicks; nothing is answered."""
    grid = browse(frame)
    sent = told(grid)
    select(grid, 7, 2, 7)

    assert sent == []
    assert grid.selection == [2, 7]
    assert list(grid.selected_rows["line"]) == ["L02", "L07"]
    assert (grid.selected_rows.dtypes == frame.dtypes).all()


def test_nothing_chosen_is_a_frame_without_rows(frame):
    """With the same columns."""
    assert list(browse(frame).selected_rows.columns) == list(frame.columns)
    assert len(browse(frame).selected_rows) == 0


@pytest.mark.parametrize("positions", [[-1], [12], ["1"], [1.0], [True], None, {"0": 1}])
def test_rows_that_are_not_there_cannot_be_chosen(frame, positions):
    """The choice stays, and the grid says why."""
    grid = browse(frame)
    select(grid, 3)
    sent = told(grid)
    grid._receive(grid, {"type": "select", "positions": positions}, [])

    assert grid.selection == [3]
    assert sent[0][0]["type"] == "notice"


def test_callbacks_get_the_frame_when_the_choice_changes(frame):
    """Once for each change."""
    grid, seen = browse(frame), []

    @grid.on_select
    def keep(chosen):
        seen.append(list(chosen["line"]))

    for positions in ([4], [4], [4, 5], []):
        select(grid, *positions)

    assert seen == [["L04"], ["L04", "L05"], []]


def test_a_callback_that_fails_is_told_and_stops_nobody(frame):
    """The sentence has its type and words, without addresses; the next callback is called."""
    grid, seen = browse(frame), []
    grid.on_select(lambda chosen: {}["party of https://vault.example/f?sig=SECRET"])
    grid.on_select(lambda chosen: seen.append(len(chosen)))
    sent = told(grid)
    select(grid, 4)

    assert seen == [1]
    assert sent[0][0]["type"] == "notice"
    assert "KeyError" in sent[0][0]["text"]
    assert "party of" in sent[0][0]["text"]
    assert "vault.example" not in sent[0][0]["text"]


# --- what goes wrong ------------------------------------------------------------------------------------------------


class Failing:
    """Files that cannot be told."""

    def __init__(self, error):
        self.error = error

    def at(self, position):
        raise self.error

    listed = at


def failing(frame, error):
    grid = browse(frame)
    grid._files = Failing(error)
    return ask(grid, type="record", position=0)


def test_an_error_of_docframes_is_told_without_addresses(frame):
    """Its sentence stays."""
    answer = failing(frame, DocframesError("The host https://vault.example/f?X-Amz-Signature=SECRET said no."))

    assert answer["type"] == "error"
    assert answer["text"].startswith("The host ")
    assert "vault" not in answer["text"]
    assert "SECRET" not in answer["text"]


def test_any_other_error_is_told_by_its_type_alone(frame):
    """Its words may hold anything; there is no traceback."""
    answer = failing(frame, TypeError("token=SECRET in /home/someone"))

    assert answer["text"] == "Something went wrong in docframes (TypeError); the kernel goes on."


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "nonsense"},
        {"type": "query"},
        {"type": "query", "start": -1, "count": 5},
        {"type": "query", "start": 0, "count": 10**9},
        {"type": "query", "start": 0, "count": "5"},
        {"type": "query", "start": 0, "count": 5, "sort": [[99, True]]},
        {"type": "query", "start": 0, "count": 5, "filters": [{"column": 0, "kind": "drop"}]},
        {"type": "query", "start": 0, "count": 5, "filters": 7},
        {"type": "record"},
        {"type": "record", "position": 12},
        {"type": "values", "column": 4},
        {"type": "open", "position": 0, "file": 0},
        {"type": "download"},
        {"type": "preview", "position": None},
    ],
)
def test_odd_messages_are_answered_with_a_sentence(frame, message):
    """And the grid goes on."""
    grid = browse(frame)
    answer = ask(grid, **message)

    assert answer["type"] == "error"
    assert answer["nonce"] == "n1"
    assert answer["text"]
    assert query(grid)["type"] == "page"


# --- files ----------------------------------------------------------------------------------------------------------


def test_a_page_says_how_many_files_each_row_has():
    """None is asked for yet."""
    frame = pd.DataFrame(
        {"vendor": ["veridox"] * 2, "kind": ["files"] * 2, "file_id": ["f1", None], "label": ["a.pdf", ""]}
    )
    grid = browse(frame)
    answer = ask(grid, type="record", position=0)

    assert grid.can_open
    assert query(grid)["files"] == [1, 0]
    assert answer["files"] == [{"label": "a.pdf", "kind": "files"}]
    assert not browse(frame, files=False).can_open


def test_a_click_on_a_file_is_answered_by_the_files(frame):
    """The bytes travel as a buffer, and the nonce comes back."""

    class Files(Failing):
        def answer(self, message):
            return {"type": "file", "name": "a.pdf", "file": message["file"], "nonce": message["nonce"]}, [b"%PDF"]

    grid = browse(frame)
    grid._files = Files(None)
    sent = told(grid)
    grid._receive(grid, {"type": "download", "nonce": "n9", "position": 3, "file": 1}, [])

    assert sent == [({"type": "file", "name": "a.pdf", "file": 1, "nonce": "n9"}, [b"%PDF"])]


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_the_synced_state_holds_no_row(frame):
    """Whatever was asked: neither a front end nor nbclient can store what is not there."""
    grid = browse(frame, caption="Journal")
    told(grid)
    for message in (
        {"type": "query", "start": 0, "count": 5, "search": "crag", "filters": [], "sort": []},
        {"type": "record", "position": 4},
        {"type": "values", "column": 2, "search": "", "filters": []},
        {"type": "select", "positions": [4]},
    ):
        grid._receive(grid, {"nonce": "1", **message}, [])
    state = {name: value for name, value in grid.get_state().items() if name not in ("_esm", "layout")}

    assert state["caption"] == "Journal"
    for value in ("Crag", "crag", "L04", "99"):
        assert value not in repr(state)


def test_the_first_page_of_fifteen_columns_travels_in_less_than_60_kb():
    """The front end's source and the output's plain table included."""
    frame = pd.DataFrame({f"column_{number:02d}": [f"value {line:08d}" for line in range(50)] for number in range(15)})
    grid = browse(frame)
    state = {name: value for name, value in grid.get_state().items() if isinstance(value, (str, int, list))}
    sent = sum(len(json.dumps(part)) for part in (state, query(grid, count=50), bundle(grid)))

    assert sent < 60_000


def test_other_rows_begin_anew(frame):
    """Columns, choice and query are those of the new rows; the front end is told to draw again."""
    grid = browse(frame)
    query(grid, search="acme")
    select(grid, 1)
    sent = told(grid)
    grid.show(browse(pd.DataFrame({"job": ["J1", "J2"]}))._rows, caption="Jobs")

    assert sent[-1][0] == {"type": "changed"}
    assert [column["name"] for column in grid.columns] == ["job"]
    assert (grid.caption, grid.selection, len(grid.filtered)) == ("Jobs", [], 2)


@pytest.mark.parametrize(
    "options",
    [
        {"page_size": 0},
        {"page_size": 5000},
        {"page_size": "50"},
        {"height": 10},
        {"snapshot_rows": -1},
        {"snapshot_rows": True},
        {"files": True},
        {"files": 3},
    ],
)
def test_options_that_cannot_be_are_refused(frame, options):
    """With what was wanted and what came."""
    with pytest.raises(ConfigError):
        browse(frame, **options)


def test_importing_widgets_reads_no_front_end():
    """Its files are read with the first grid; what fetches files is imported with the first rows that have some."""
    told = "print(assets.module.cache_info().misses, *sys.modules)"
    code = f"import sys; from docframes.widgets import assets, browse; {told}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    misses, *modules = run.stdout.split()
    assert misses == "0"
    assert {"docframes.widgets.preview", "docframes.files", "requests"}.isdisjoint(modules)


# --- saved and shared -----------------------------------------------------------------------------------------------


def bundle(grid):
    return grid._repr_mimebundle_()[0]


def test_the_output_has_a_plain_table_of_the_first_rows(frame):
    """Escaped, with the count, beside the live view; the line of text has no row."""
    frame.loc[0, "party"], frame.columns = EVIL, ["line", "amount", "<b>party", "payload"]
    data = bundle(browse(frame, snapshot_rows=3, caption="<i>Journal"))

    assert VIEW in data
    assert data["text/html"].count("<tr>") == 4
    assert "3 of 12 rows" in data["text/html"]
    assert "&lt;img src=x onerror=&#x27;window.hit=1&#x27;&gt;" in data["text/html"]
    assert "&lt;b&gt;party" in data["text/html"]
    assert "&lt;i&gt;Journal" in data["text/html"]
    assert not any(tag in data["text/html"] for tag in ("<img", "<b>", "<i>"))
    assert data["text/plain"] == "Grid of 12 rows and 4 columns: <i>Journal"


def test_a_snapshot_of_no_rows_holds_the_count_only(frame):
    """For rows that must not be in a file."""
    html = bundle(browse(frame, snapshot_rows=0, caption="Journal"))["text/html"]

    assert "12 rows" in html
    assert "Journal" in html
    assert "L00" not in html


def test_marks_that_turn_the_writing_are_named_in_the_snapshot():
    """Right-to-left override: 'invoice' + mark + 'fdp.exe' would read as invoiceexe.pdf."""
    html = bundle(browse(pd.DataFrame({"file": ["invoice\u202efdp.exe"]})))["text/html"]

    assert "invoice[U+202E]fdp.exe" in html
    assert "\u202e" not in html


def notebook(grid, *, stored):
    """A saved notebook with the grid's output, with or without the widgets' state."""
    output = nbformat.v4.new_output("execute_result", data=bundle(grid), execution_count=1)
    cell = nbformat.v4.new_code_cell("browse(frame)", outputs=[output], execution_count=1)
    state = {
        grid.model_id: {
            "model_name": "AnyModel",
            "model_module": "anywidget",
            "model_module_version": "~0.9",
            "state": {},
        }
    }
    metadata = {"widgets": {STATE: {"version_major": 2, "version_minor": 0, "state": state}}} if stored else {}
    return nbformat.v4.new_notebook(cells=[cell], metadata=metadata)


def exported(made, **options):
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    return HTMLExporter(config=Config({"NbConvertBase": options})).from_notebook_node(made)[0]


def test_an_export_shows_the_plain_table(frame):
    """Of a notebook as JupyterLab saves it, without the state of widgets."""
    html = exported(notebook(browse(frame), stored=False))

    assert html.count(">L0") == 10
    assert "10 of 12 rows" in html


def test_an_export_with_stored_state_shows_it_when_told_to(frame):
    """nbconvert prefers the live view there, which needs a network; one option of its own turns that round."""
    made = notebook(browse(frame), stored=True)
    first = ["text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/plain"]

    assert "10 of 12 rows" not in exported(made)
    assert "10 of 12 rows" in exported(made, display_data_priority=first)
