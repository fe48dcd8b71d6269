"""What is installed, and whether it is what docframes asks for."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from docframes import __version__
from docframes.cli.doctor.lines import Line, note, ok, problem

#: Extras that are for whoever works on docframes itself.
_NOT_FOR_USERS = {"dev", "all"}


def lines() -> list[Line]:
    """Python, docframes, what it needs, and what it can use."""
    try:
        asked = metadata.metadata("docframes")["Requires-Python"]
        wanted = [Requirement(text) for text in metadata.requires("docframes") or ()]
    except (metadata.PackageNotFoundError, InvalidRequirement):
        do = "Install it to have its needs checked: pip install ."
        return [ok(f"Python {platform.python_version()}"), note(f"docframes {__version__}, not installed", do)]
    needed = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return [_python(asked), ok(f"docframes {__version__}"), *map(_needed, needed), *_optional(wanted)]


def _python(asked: str) -> Line:
    version = platform.python_version()
    if SpecifierSet(asked).contains(version, prereleases=True):
        return ok(f"Python {version}")
    return problem(f"Python {version}", f"docframes wants {asked}")


def _needed(wanted: Requirement) -> Line:
    version = _version(wanted.name)
    install = f"pip install '{wanted.name}{wanted.specifier}'"
    if version is None:
        return problem(f"{wanted.name} is not installed, and docframes needs it", install)
    return _in_range(wanted, version, install)


def _in_range(wanted: Requirement, version: str, install: str) -> Line:
    if wanted.specifier.contains(version, prereleases=True):
        return ok(f"{wanted.name} {version}")
    return problem(f"{wanted.name} {version} is not {wanted.specifier}", install)


def _optional(wanted: list[Requirement]) -> Iterator[Line]:
    seen = set()
    for one in wanted:
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)", str(one.marker))
        if extra is None or extra[1] in _NOT_FOR_USERS or one.name in seen or one.name == "docframes":
            continue
        seen.add(one.name)
        version, install = _version(one.name), f"pip install 'docframes[{extra[1]}]'"
        if version is None:
            yield note(f"{one.name} is not installed; it is optional", install)
        else:
            yield _in_range(one, version, install)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
