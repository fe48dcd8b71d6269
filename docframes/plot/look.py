"""How every chart of docframes looks, and what it says where a frame lacks a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pandas as pd

from docframes.errors import ColumnError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR, INK, QUIET = "#2f5d8a", "#222222", "#6b6b6b"
#: For series side by side; they differ in lightness too, so that they are told apart in print.
SERIES = (BAR, "#d79a4a", "#8c9aa6", "#4b8f6f")


def take_axes(ax: Axes | None) -> Axes:
    """*ax*, or pyplot's current Axes."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.gca()


def say(ax: Axes, title: str, below: str) -> None:
    """A title, and a quiet line below it."""
    ax.set_title(f"{title}\n", loc="left", color=INK, fontsize=13, fontweight="bold")
    ax.text(0, 1.03, below, transform=ax.transAxes, color=QUIET, fontsize=10)


def clear_away(ax: Axes, *, scale: Literal["x", "y"]) -> None:
    """Leave the bars, their names and a faint scale."""
    ax.spines[["top", "right", "bottom" if scale == "x" else "left"]].set_visible(False)
    ax.spines["left" if scale == "x" else "bottom"].set_color(QUIET)
    ax.tick_params(length=0, labelsize=10, colors=INK)
    ax.grid(axis=scale, color="#e3e3e3", linewidth=0.8)
    ax.set_axisbelow(True)


def need(caller: str, frame: pd.DataFrame, name: str, columns: list[str], advice: str) -> None:
    """Raise ColumnError where *frame* lacks one of *columns*."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        msg = f"{caller} needs the columns {missing} in {name}; that frame has {list(frame.columns)}. "
        raise ColumnError(msg + advice)
