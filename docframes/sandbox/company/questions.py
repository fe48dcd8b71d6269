"""How a form asks: the eight question types, as data."""

from __future__ import annotations

from dataclasses import dataclass

TYPES = ("text", "number", "boolean", "date", "select", "multi_select", "photo", "signature")


@dataclass(frozen=True)
class Question:
    """One question of a form.

    choices : texts to choose from, also for type text.  low, high, decimals : the range of a number; the unit
    stands in the text.  yes : how often a boolean is true, 0 to 1.
    """

    text: str
    type: str
    required: bool = True
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    decimals: int = 0
    yes: float = 0.9


@dataclass(frozen=True)
class Step:
    """A part of a form, with its questions in order."""

    name: str
    questions: tuple[Question, ...]


def number(text: str, low: float, high: float, decimals: int = 0) -> Question:
    """A measurement between *low* and *high*."""
    return Question(text, "number", low=low, high=high, decimals=decimals)


def yes_no(text: str, yes: float = 0.9) -> Question:
    """True or false."""
    return Question(text, "boolean", yes=yes)


def day(text: str) -> Question:
    """A date without a time."""
    return Question(text, "date")


def select(text: str, *choices: str) -> Question:
    """One of *choices*."""
    return Question(text, "select", choices=choices)


def several(text: str, *choices: str) -> Question:
    """Any number of *choices*, also none."""
    return Question(text, "multi_select", required=False, choices=choices)


def photo(text: str, *, required: bool = True) -> Question:
    """One to three photos."""
    return Question(text, "photo", required=required)


def signature(text: str) -> Question:
    """A name with a picture of the signature."""
    return Question(text, "signature")


def words(text: str, *choices: str, required: bool = False) -> Question:
    """Free text, of which *choices* are samples."""
    return Question(text, "text", required=required, choices=choices)
