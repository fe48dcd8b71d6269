"""Progress bars: safe in a notebook, plain in a terminal, and never at the cost of what they tell of."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import tqdm.auto
import tqdm.notebook
import tqdm.std

import docframes
from docframes import validis, validocx
from docframes.loading import Bar
from docframes.vendors.validis.waiting import Line

HOME = Path(docframes.__file__).parent
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def pages(monkeypatch):
    """Bars are those of a notebook; every text that one of them ever had as HTML."""
    seen = []

    class Seen(tqdm.notebook.HTML):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            seen.append(self.value)
            self.observe(lambda change: seen.append(change.new), "value")

    monkeypatch.setattr(tqdm.notebook, "HTML", Seen)
    monkeypatch.setattr(tqdm.notebook, "display", lambda *_: None)
    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.notebook.tqdm)
    return seen


def plain(pages):
    """As text; tqdm sets blanks of its own."""
    return "\n".join(pages).replace("\u2007", " ")


def test_markup_in_what_is_told_is_text(pages):
    """Neither when a bar is made, nor when it moves, nor in its note."""
    with Bar(f"validis {EVIL}", "calls", 3, progress=True) as bar:
        bar.advance()
        bar.stand_at(2, EVIL)

    assert "validis &lt;img src=x onerror=alert(1)&gt;" in plain(pages)
    assert [page for page in pages if "<" in page] == []


def test_markup_in_an_engagement_id_is_text(pages, box):
    """Ids come from frames and from other people's files; the line that tells of the waiting shows them as text."""
    with validis.Client(api_key=box.key("validis"), base_url=box.url("validis")) as client:
        line = Line(client, "general ledger", [EVIL], progress=True)
        with line:
            line.say(30.0, 1)

    assert "engagement &lt;img" in plain(pages)
    assert [page for page in pages if "<" in page] == []


def test_a_bar_of_a_notebook_would_not_have_been_safe(pages):
    """What all this is for: the description that tqdm's bar is made with becomes HTML as it is."""
    tqdm.notebook.tqdm(desc=EVIL, total=1).close()

    assert EVIL in pages[0] + pages[2]


def test_control_characters_do_not_reach_a_terminal(capsys):
    """An id cannot move the cursor or colour the screen."""
    with Bar("of \x1b[2J\x1b[31mred\r", "calls", 1, progress=True) as bar:
        bar.advance()

    told = capsys.readouterr().err
    assert "of  [2J [31mred " in told
    assert "\x1b[31m" not in told


@pytest.mark.parametrize(("progress", "shows"), [(None, False), (False, False), (True, True)])
def test_what_is_quick_shows_no_bar_of_itself(pages, progress, shows, monkeypatch):
    """Neither in a terminal nor in a notebook."""
    displayed = []
    monkeypatch.setattr(tqdm.notebook, "display", displayed.append)
    with Bar("told", "calls", 2, progress=progress) as bar:
        bar.advance()

    assert bool(displayed) is shows


def test_the_total_may_be_known_late(capsys):
    """The first answer says how many are left."""
    with Bar("told", "pages", progress=True) as bar:
        bar.advance(3)
        bar.stand_at(2)

    assert "2/4" in capsys.readouterr().err


class Broken(tqdm.std.tqdm):
    """Cannot be drawn, or only once."""

    def __init__(self, *args, **options):
        raise RuntimeError("no comm")


class Breaks(tqdm.std.tqdm):
    """Was made, and then its widgets went."""

    def update(self, n=1):
        raise RuntimeError("comm is closed")


@pytest.mark.parametrize("kind", [Broken, Breaks])
@pytest.mark.parametrize("progress", [None, True])
def test_a_broken_bar_costs_no_load(client, monkeypatch, kind, progress):
    """Widgets that cannot be made or that go away meanwhile leave the load as it is."""
    monkeypatch.setattr(tqdm.auto, "tqdm", kind)

    assert len(validocx.load_jobs(client=client, page_size=10, refresh=True, progress=progress)) == 30


WITHOUT = """
import sys, warnings
warnings.simplefilter("error")
sys.modules["ipywidgets"] = {broken}
sys.modules["ipykernel.zmqshell"] = sys.modules["IPython"] = __import__("types").SimpleNamespace(get_ipython=object)
from docframes.loading import Bar
with Bar("told", "calls", 2, progress=True) as bar:
    bar.stand_at(1)
"""


@pytest.mark.parametrize("broken", ["None", "__import__('types').ModuleType('ipywidgets')"])
def test_a_kernel_without_widgets_gets_text_and_no_warning(broken):
    """ipywidgets missing or without anything in it: the bar is one of text, and tqdm's warning is kept back."""
    command = [sys.executable, "-c", WITHOUT.format(broken=broken)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert "told:" in done.stderr
    assert "1/2" in done.stderr
    assert "IProgress" not in done.stderr


def test_bars_are_made_in_one_place():
    """Whoever makes one elsewhere may give it a vendor's text to begin with."""
    makers = set()
    for path in HOME.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom) and "tqdm" in ast.unparse(node):
                makers.add(path.relative_to(HOME).as_posix())

    assert makers == {"loading/progress.py"}
