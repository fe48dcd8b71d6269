"""Imports go downward only; the network has one door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import docframes

HOME = Path(docframes.__file__).parent
GROUND = {"errors", "folders", "settings", "spelling", "words"}
#: Part of the house: the parts it may import besides itself.
BELOW = {
    "errors": set(),
    "folders": set(),
    "spelling": set(),
    "words": set(),
    "settings": {"errors"},
    "transport": GROUND,
    "tables": GROUND - {"settings"},
    "ledger": GROUND - {"spelling"} | {"tables"},
    "loading": GROUND | {"transport", "tables"},
    "vendors": GROUND | {"transport", "tables", "ledger", "loading"},
    "files": GROUND | {"transport", "tables", "ledger", "loading", "vendors"},
    "capsule": GROUND | {"transport", "tables", "ledger", "loading", "vendors", "files"},
    "comparison": {"errors", "words", "tables", "ledger"},
    "audit": {"errors", "tables", "ledger"},
    "plot": {"errors", "tables", "ledger"},
    "export": {"errors", "tables", "ledger"},
    "widgets": GROUND | {"transport", "tables", "ledger", "loading", "vendors", "files", "capsule"},
    "sandbox": {"errors"},
}
#: Packages that touch a network, and the parts that may.
NETWORK = {"requests", "urllib3", "requests_cache", "requests_ratelimiter", "http", "socket", "socketserver", "ssl"}
#: Values of requests that a way of signing deals in; none of them sends anything.
VALUES = {f"requests.{name}" for name in ("PreparedRequest", "Request", "Response", "RequestException")}
#: The command line ties everything together; the package itself only names where things are.
FREE = {"cli", "__init__", "__main__"}
FILES = sorted(HOME.rglob("*.py"))


def part_of(path):
    """The part of the house that a file belongs to."""
    inside = path.relative_to(HOME).parts
    return inside[0].removesuffix(".py")


def imports_of(path):
    """Every module that a file imports, wherever in it, but for what only type checkers read."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {id(node) for branch in ast.walk(tree) if _for_types(branch) for node in ast.walk(branch)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _for_types(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def own_parts(path):
    """The parts of docframes that a file imports."""
    return {module.split(".")[1] for module in imports_of(path) if module.startswith("docframes.")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HOME).as_posix())
def test_imports_go_downward(path):
    """A part imports itself and what stands below it; the sandbox is imported by the command line alone."""
    part = part_of(path)
    if part in FREE:
        return
    assert part in BELOW, f"{part} has no place in the drawing yet"

    assert own_parts(path) - {part} <= BELOW[part]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HOME).as_posix())
def test_the_network_has_one_door(path):
    """Only transport talks to a server; only the sandbox is one.  A room may name the values it signs."""
    if part_of(path) in {"transport", "sandbox", *FREE}:
        return
    named = VALUES if part_of(path) == "vendors" else set()

    assert [module for module in imports_of(path) if module.split(".")[0] in NETWORK and module not in named] == []


def test_paging_and_retry_rules_do_no_io():
    """The middle is free of it: only types of the network libraries, if any."""
    for name in ("paging.py", "retry.py", "redact.py"):
        outside = {module.split(".")[0] for module in imports_of(HOME / "transport" / name)}

        assert outside.isdisjoint({"requests", "urllib3", "socket", "sqlite3", "time", "os"})


def test_rooms_do_not_know_each_other():
    """What two rooms share belongs below both."""
    for path in (HOME / "vendors").rglob("*.py"):
        inside = path.relative_to(HOME / "vendors").parts
        if len(inside) < 2:
            continue
        rooms = {module.split(".")[2] for module in imports_of(path) if module.startswith("docframes.vendors.")}

        assert rooms <= {inside[0]}


def test_facts_and_shapes_of_a_room_do_nothing():
    """api.py and tables.py of a room hold values: neither imports a loader, a client or a session."""
    for path in (HOME / "vendors").glob("*/[at][pa][ib]*.py"):
        found = {module for module in imports_of(path) if module.startswith("docframes.")}

        assert not [module for module in found if ".loaders" in module or ".client" in module or ".session" in module]
