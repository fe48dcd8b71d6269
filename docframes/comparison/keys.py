"""Which row of the one frame is which of the other: by key, and as whole rows where a key is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from docframes.comparison.values import alike, codes

#: Why a row has no key of its own.
MISSING, REPEATED = "missing", "repeated"


@dataclass(frozen=True)
class Matched:
    """Rows of two frames by position, from 0.

    old, new : rows of one key each, side by side, in the order of the new frame.
    equal : pairs of rows without a key of their own that are equal as a whole.
    removed, added : rows without a counterpart, those without a key of their own among them.
    unsure : for each frame, rows without a key of their own, and why.
    """

    old: np.ndarray
    new: np.ndarray
    equal: int
    removed: np.ndarray
    added: np.ndarray
    unsure: tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def matched(old: pd.DataFrame, new: pd.DataFrame, key: Sequence[str], whole: Sequence[str]) -> Matched:
    """Rows of *old* and *new* side by side.

    A row whose key is missing in some part, or stands in either frame more than once, has no key of its own.  Such
    rows are compared as a multiset by the columns *whole*: each pairs with one equal row, the rest have no counterpart.
    """
    numbers, missing = codes((alike(old[name], new[name]) for name in key), len(old) + len(new))
    before, after = numbers[: len(old)], numbers[len(old) :]
    counts = [np.bincount(some, minlength=len(numbers)) for some in (before, after)]
    repeated = ((counts[0] > 1) | (counts[1] > 1))[numbers]
    sure = ~missing & ~repeated
    pairs = _pairs(before, after, sure[: len(old)], sure[len(old) :])
    unsure = [np.flatnonzero(~some) for some in (sure[: len(old)], sure[len(old) :])]
    same = _same(old.iloc[unsure[0]], new.iloc[unsure[1]], whole)
    reasons = np.where(missing, MISSING, REPEATED)
    return Matched(
        *pairs,
        equal=int(same[0].sum()),
        removed=_left(len(old), pairs[0], unsure[0][same[0]]),
        added=_left(len(new), pairs[1], unsure[1][same[1]]),
        unsure=((unsure[0], reasons[unsure[0]]), (unsure[1], reasons[len(old) + unsure[1]])),
    )


def _pairs(
    before: np.ndarray, after: np.ndarray, sure_before: np.ndarray, sure_after: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    places = np.full(len(before) + len(after) + 1, -1, np.int64)
    places[before[sure_before]] = np.flatnonzero(sure_before)
    new = np.flatnonzero(sure_after)
    old = places[after[new]]
    return old[old >= 0], new[old >= 0]


def _same(old: pd.DataFrame, new: pd.DataFrame, columns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Which rows have an equal one in the other frame; the second of two equal rows has one where the other has two."""
    numbers, _ = codes((alike(old[name], new[name]) for name in columns), len(old) + len(new))
    counted = [_counted(some) for some in (numbers[: len(old)], numbers[len(old) :])]
    return np.isin(counted[0], counted[1]), np.isin(counted[1], counted[0])


def _counted(numbers: np.ndarray) -> np.ndarray:
    """Each number with how often it stood there before, as one number."""
    series = pd.Series(numbers)
    # No count is as large as a shift of 32 bits.
    return np.asarray((series.to_numpy() << 32) + series.groupby(series).cumcount().to_numpy())


def _left(rows: int, *taken: np.ndarray) -> np.ndarray:
    free = np.ones(rows, bool)
    for some in taken:
        free[some] = False
    return np.flatnonzero(free)
