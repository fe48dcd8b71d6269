"""The README: its commands stand as they are run, its code runs, and what it names is there."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import docframes
from docframes import capsule, sandbox, validocx

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = ['python -m pip install ".[all]" && docframes demo', 'python -m pip install -e ".[dev]" && pytest']
ROOMS = ("docdigitizer", "papershift", "validis", "validocx", "veridox")
GERMAN = "Buchung;Konto;Betrag;Text\n31.01.2025;4711;1.234,56;Miete\n31.01.2025;1200;-1.234,56;Bank\n"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_two_commands_stand_there_to_be_copied():
    """Each is a block of its own, and there are no others."""
    assert [block.strip() for block in blocks("sh")] == COMMANDS


def test_its_code_runs(tmp_path, monkeypatch, capsys):
    """Every block of Python runs on the sandbox, one after the other, in a folder with two ledgers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "export.csv").write_text(GERMAN)
    names: dict[str, object] = {}
    capsule.forget()  # what other tests of this process used
    with sandbox.running(jobs=6, time_scale=0.01) as box:
        box.write_ledger(tmp_path / "ledger.zip")
        for number, block in enumerate(blocks("python"), start=1):
            exec(compile(block, f"README.md, block {number}", "exec"), names)  # noqa: S102

        jobs = {job["id"] for job in box.jobs}
    assert set(names["jobs"]["job_id"]) == set(names["details"].jobs["job_id"]) == jobs
    assert (tmp_path / "photos" / "manifest.csv").is_file()
    assert str(names["gl"].totals.debit) == "1234.560000"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("vendor", ROOMS)
def test_it_names_every_loader(vendor):
    """The table of each room holds what the room offers, and nothing else."""
    table = re.search(rf"^\| loader of `docframes\.{vendor}`.*?\n\n", README, re.MULTILINE | re.DOTALL)[0]
    named = [
        name for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    ]
    room = getattr(docframes, vendor)

    assert sorted(named) == sorted(name for name in room.__all__ if inspect.isfunction(getattr(room, name)))


def test_it_names_every_notebook():
    """Each has its row, with a link."""
    linked = re.findall(r"\]\(notebooks/([\w-]+\.ipynb)\)", README)

    assert linked == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("vendor", ROOMS)
def test_it_names_every_variable(vendor):
    """What the sandbox sets for a room, but for addresses, and nothing that no room reads."""
    with sandbox.running(jobs=1, environment=False) as box:
        wanted = [name for name in box.environment() if name.startswith(f"DOCFRAMES_{vendor.upper()}_")]

    assert [name for name in wanted if not name.endswith("_BASE_URL") and name not in README] == []


def test_the_assumptions_and_variables_it_names_exist():
    """Names in code that a reader would copy are the ones the code knows."""
    assumptions = re.findall(r"assumptions=\{(.*?)\}", README)
    names = {name for text in assumptions for name in re.findall(r'"(\w+)":', text.split("{")[0])}
    variables = set(re.findall(r"DOCFRAMES_\w+", README))
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docframes").rglob("*.py"))

    assert names
    assert names <= set(validocx.loaders.API.assumptions)
    for variable in variables:
        vendor, _, what = variable.removeprefix("DOCFRAMES_").partition("_")
        assert variable in source or (vendor.lower() in ROOMS and f'"{what.lower()}"' in source)


def test_what_it_links_to_is_there():
    """Links lead to files of the project."""
    targets = re.findall(r"\]\(([^)#]+)\)", README)

    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize(
    "name", ["problems", "controls", "roles", "transactions", "company", "others", "select", "sql", "save"]
)
def test_the_parts_of_a_ledger_it_names_are_there(name):
    """What the README shows of a GeneralLedger is one of its fields or properties."""
    assert name in inspect.signature(docframes.GeneralLedger).parameters or hasattr(docframes.GeneralLedger, name)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_it_names_no_machine(name):
    """No path, address or port of anybody's machine."""
    text = (ROOT / name).read_text(encoding="utf-8")

    assert re.findall(r"/(?:home|work|tmp|Users)/|127\.0\.0\.1|localhost", text) == []


def test_the_picture_of_the_house_is_the_house():
    """Every module and folder drawn in CONTRIBUTING is there, and every one that is there is drawn."""
    picture = re.search(
        r"^docframes/\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M | re.S
    )[1]
    package = ROOT / "docframes"
    top = {path.name for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    inner = {path.name for folder in ("transport", "tables", "ledger") for path in (package / folder).glob("*.py")}
    words = set(re.findall(r"[\w]+\.py|\w+(?=/)", picture))

    assert {name for name in (top | inner) - {"__init__.py"} if name not in words} == set()
    assert {word for word in words if word.endswith(".py")} <= {path.name for path in package.rglob("*.py")} | {
        "test_<module>.py"
    }
