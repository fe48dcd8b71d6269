"""One row per thing, one column per question: the wide form of a long frame of answers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import cast

import pandas as pd

from docframes.errors import ColumnError


def spread(frame: pd.DataFrame, *, rows: list[str], label: str, group: str, value: str, caller: str) -> pd.DataFrame:
    """*frame*, long, with one row per combination of *rows* and one column per *label*.

    group : tells labels apart that read the same.  value : the mixed column, with its three typed companions.
    Columns stand in the order in which they are met.  Raises ColumnError.
    """
    typed = [f"{value}_number", f"{value}_boolean", f"{value}_date"]
    missing = [name for name in (*rows, label, group, value, *typed) if name not in frame.columns]
    if missing:
        msg = f"{caller} needs the columns {missing}; this frame has {list(frame.columns)}. "
        raise ColumnError(msg + "Give it the frame of answers as it was loaded.")
    frame = frame[frame[rows[-1]].notna()]
    titles = _titles(frame, label, group)
    again = frame.groupby([frame[name] for name in rows] + [titles], dropna=False, sort=False).cumcount()
    index = frame[rows].drop_duplicates().reset_index(drop=True)
    columns = {name: index[name] for name in rows}
    for (title, number), part in frame.groupby([titles, again], sort=False):
        found = pd.Series(_best(part, value, typed).to_numpy(), index=pd.MultiIndex.from_frame(part[rows]))
        columns[_free(str(title), cast(int, number), columns)] = _align(found, _best(part, value, typed), index, rows)
    return pd.DataFrame(columns)


def _free(title: str, number: int, taken: Mapping[str, pd.Series]) -> str:
    """A name for the column of the answers that are the *number*-th to their question, counted from 0."""
    first = f"{title} ({number + 1})" if number else title
    names = itertools.chain([first], (f"{title} ({place})" for place in itertools.count(number + 2)))
    return next(name for name in names if name not in taken)


def _titles(frame: pd.DataFrame, label: str, group: str) -> pd.Series:
    """The label; with its group before it where two groups have the same label."""
    text = frame[label].astype("str").fillna("")
    groups = frame.groupby(text)[group].nunique(dropna=False)
    shared = text.map(groups > 1).astype(bool)
    return text.where(~shared, frame[group].astype("str").fillna("") + ": " + text)


def _best(part: pd.DataFrame, value: str, typed: list[str]) -> pd.Series:
    """The typed column that holds every answer, or else the text."""
    sent = part[value].notna()
    for name in typed:
        if sent.any() and bool(part[name].notna()[sent].all()):
            return part[name]
    return part[value]


def _align(found: pd.Series, like: pd.Series, index: pd.DataFrame, rows: list[str]) -> pd.Series:
    aligned = found.reindex(pd.MultiIndex.from_frame(index)).reset_index(drop=True)
    return aligned.astype(like.dtype)
