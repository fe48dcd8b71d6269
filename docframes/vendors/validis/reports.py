"""A report is a tree of unknown layout (A54); here it becomes rows: one a figure, with the way down to it.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docframes import spelling
from docframes.tables.columns import as_text
from docframes.tables.provenance import Made

Record = dict[str, Any]
#: The answer, and the keys that lead from there to a place in it.
Place = tuple[Any, ...]

#: Between the labels of a path.
BETWEEN = " / "
#: Numbers under these keys tell where a row stands, and are no figures.
_PLACES = frozenset({"level", "order", "position", "sequence", "code", "number", "index", "depth"})


@dataclass(frozen=True)
class Words:
    """Keys that mean something in a report, each list in the order in which they are tried."""

    label: Sequence[str]
    period: Sequence[str]
    value: Sequence[str]
    containers: Sequence[str]  #: keys that hold rows and say nothing themselves
    flipped: str


def rows_of(answer: Any, words: Words) -> Made:
    """One record a figure, in the order of the tree; a heading without figures gives one record without a value.

    What else a node says in plain values stands in ``attributes``; what the report says of itself in ``heading``.
    """
    reader = _Reader(words)
    found = list(reader.walk(answer, "", (), (answer,)))
    heading = {"heading": reader.heading}
    records = ({"row": number, **record, **heading} for number, (record, _) in enumerate(found, start=1))
    return Made(records, (place for _, place in found))


class _Reader:
    def __init__(self, words: Words) -> None:
        self.words = words
        self.heading: Record | None = None
        self._containers = frozenset(map(spelling.plain, words.containers))

    def walk(self, value: Any, key: str, path: tuple[str, ...], place: Place) -> Iterator[tuple[Record, Place]]:
        """The records of what stands under *key*, below the labels of *path*, each with its place in the answer."""
        if isinstance(value, dict):
            yield from self._node(value, key, path, place)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield from self.walk(item, "", self._below(path, key), (*place, number))
        elif value is not None:
            # A bare value in a list of rows: nobody knows what it is, so it is kept as it came.
            yield {**self._head({}, None, path), "attributes": {key or "value": value}}, place

    def _below(self, path: tuple[str, ...], key: str) -> tuple[str, ...]:
        return path if not key or spelling.plain(key) in self._containers else (*path, key)

    def _node(self, node: Record, key: str, path: tuple[str, ...], place: Place) -> Iterator[tuple[Record, Place]]:
        label = _first(node, self.words.label, plain=True)
        figures = self._figures(node, label)
        taken = {name for figure in figures for name in figure.pop("keys")} | {label}
        places = [(*place, *figure.pop("place")) for figure in figures]
        flag = spelling.find(self.words.flipped, node)
        rest = {name: value for name, value in node.items() if name not in taken and name != flag}
        plain = {name: value for name, value in rest.items() if not isinstance(value, dict | list)}
        here = (*path, str(as_text(node[label]))) if label else self._below(path, key)
        head = {**self._head(node, flag, here), "attributes": plain or None}
        if figures or label:
            records = [{**head, **figure} for figure in figures]
            yield from zip(records, places, strict=True) if records else [(head, place)]
        elif not key and not path and self.heading is None:
            self.heading = plain
        elif plain:
            yield head, place
        for name, value in rest.items():
            if name not in plain:
                yield from self.walk(value, name, here, (*place, name))

    def _head(self, node: Record, flag: str | None, path: tuple[str, ...]) -> Record:
        return {
            "path": BETWEEN.join(path) or None,
            "label": path[-1] if path else None,
            "level": max(len(path) - 1, 0),
            "displayFlipped": node[flag] if flag else None,
        }

    # --- figures --------------------------------------------------------------------------------------------------

    def _figures(self, node: Record, label: str | None) -> list[Record]:
        """The figures of a node, each with the keys of the node that it uses up, and those that lead to it."""
        figures: list[Record] = []
        for name, value in node.items():
            below = value if isinstance(value, Mapping) else range(len(value)) if isinstance(value, list) else ()
            for key, figure in zip(below, self._series(value, name), strict=False):
                figures.append({**figure, "keys": {name}, "place": (name, key)})
        named = [name for name in node if _is(name, self.words.value) and _is_figure(node[name])]
        if not named and not figures:
            named = [name for name, value in node.items() if name != label and self._could_be_figure(name, value)]
        period = _first(node, self.words.period, plain=True) if named else None
        if period is not None and (period == label or period in named):
            period = None
        when = as_text(node[period]) if period else None
        uses = {period} if period else set()
        return figures + [
            {"period": when, "figure": name, "value": node[name], "keys": {name, *uses}, "place": (name,)}
            for name in named
        ]

    def _could_be_figure(self, name: str, value: Any) -> bool:
        plain = spelling.plain(name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and not plain.endswith("id") and plain not in _PLACES and not _is(name, self.words.period)

    def _series(self, value: Any, key: str) -> list[Record]:
        """Figures by period: ``[{period, value}]``, ``{period: number}`` or numbers in a list; empty where none."""
        if isinstance(value, Mapping):
            if not value or _first(value, self.words.value) or not all(map(_is_figure, value.values())):
                return []
            return [{"period": name, "figure": key, "value": figure} for name, figure in value.items()]
        if not isinstance(value, list) or not value:
            return []
        if all(map(_is_figure, value)):
            return [{"period": str(n), "figure": key, "value": figure} for n, figure in enumerate(value, start=1)]
        return [self._dated(item, key) for item in value] if all(map(self._is_dated, value)) else []

    def _is_dated(self, item: Any) -> bool:
        """An object that is a figure of a period, and no node with a label or rows of its own."""
        if not isinstance(item, dict) or any(isinstance(value, dict | list) for value in item.values()):
            return False
        period, label = _first(item, self.words.period), _first(item, self.words.label)
        return _first(item, self.words.value) is not None and period is not None and label in (None, period)

    def _dated(self, item: Record, key: str) -> Record:
        period, value = str(_first(item, self.words.period)), str(_first(item, self.words.value))
        others = {name: other for name, other in item.items() if name not in (period, value)}
        figure = {"period": as_text(item[period]), "figure": key, "value": item[value]}
        return {**figure, "attributes": others} if others else figure


def _first(node: Mapping[str, Any], names: Sequence[str], *, plain: bool = False) -> str | None:
    """The first of *names* that *node* has, as it spells it; *plain*: only where a text or number stands there."""
    for name in names:
        found = spelling.find(name, node)
        if found is not None and not (plain and (node[found] is None or isinstance(node[found], dict | list))):
            return found
    return None


def _is(name: str, names: Sequence[str]) -> bool:
    return spelling.plain(name) in set(map(spelling.plain, names))


def _is_figure(value: Any) -> bool:
    """A number, or one as text."""
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return False
        return True
    return isinstance(value, int | float) and not isinstance(value, bool)
