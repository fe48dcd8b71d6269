"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ok: as it should be.  note: worth knowing, nothing is wrong.  problem: something will fail, or leak.
Mark = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Line:
    """What was found, and what to do about it, if anything."""

    mark: Mark
    what: str
    do: str = ""

    @property
    def told(self) -> str:
        """Both, in one text."""
        return f"{self.what}. {self.do}" if self.do else self.what


def ok(what: str) -> Line:
    """As it should be."""
    return Line("ok", what)


def note(what: str, do: str = "") -> Line:
    """Worth knowing."""
    return Line("note", what, do)


def problem(what: str, do: str) -> Line:
    """Something to be mended."""
    return Line("problem", what, do)
