"""Rows and amounts by month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from docframes.errors import ConfigError
from docframes.plot import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def by_month(
    frame: pd.DataFrame, *, date: str = "date", amount: str | None = None, by: str | None = None
) -> pd.DataFrame:
    """How many rows of *frame* each month has, and what their amounts add up to.

    date : column of days; rows without one are left out.  amount : column to add up; decimals stay exact; None adds
    nothing up.  by : a column whose values are counted apart; None counts all together.
    Returns : one row per month, or per month and value of *by*, in order: month (its first day), the column *by*,
    rows, and total where *amount* is given.  Months between the first and the last without a row have 0.
    Raises ColumnError where the frame lacks a column.
    """
    columns = [name for name in (date, amount, by) if name is not None]
    look.need("by_month", frame, "frame", columns, "Name yours: by_month(frame, date=..., amount=..., by=...).")
    dated = frame.loc[frame[date].notna(), columns]
    months = dated[date].dt.tz_localize(None).dt.to_period("M").rename("month")
    groups = dated.groupby([months] if by is None else [months, dated[by]], observed=True)
    figures = groups.size().to_frame("rows")
    if amount is not None:
        figures["total"] = groups[amount].sum()
    if len(dated):
        every: pd.Index = pd.period_range(months.min(), months.max(), freq="M", name="month")
        if by is not None:
            every = pd.MultiIndex.from_product([every, sorted(dated[by].dropna().unique())], names=["month", by])
        figures = figures.reindex(every, fill_value=0)
    figures = figures.astype({"rows": "int64"}).reset_index()
    figures["month"] = figures["month"].dt.to_timestamp().astype("datetime64[us]")
    return figures


def plot_by_month(
    figures: pd.DataFrame, *, title: str, value: str = "total", unit: str = "", ax: Axes | None = None
) -> Axes:
    """Bars of :func:`by_month`, side by side where the figures are counted apart.

    value : the column drawn, ``total`` or ``rows``.  unit : of it, beside the scale.  ax : None draws on pyplot's
    current Axes.  Returns the Axes, whose x axis counts months from 0; it is neither shown nor saved.
    Raises ColumnError where a column is missing; ConfigError for more values side by side than can be told apart.
    """
    look.need("plot_by_month", figures, "figures", ["month", value], "Give it the frame of by_month().")
    ax = look.take_axes(ax)
    wide = _series(figures, value)
    if wide.shape[1] > len(look.SERIES):
        msg = f"plot_by_month draws at most {len(look.SERIES)} values side by side; these figures have "
        raise ConfigError(msg + f"{wide.shape[1]}. Choose some: figures[figures[...].isin([...])].")
    width = 0.78 / max(1, wide.shape[1])
    for place, name in enumerate(wide.columns):
        left = [month + (place - (wide.shape[1] - 1) / 2) * width for month in range(len(wide))]
        ax.bar(left, wide[name], width=width * 0.94, color=look.SERIES[place], label=str(name))
    names = [f"{month:%b}\n{month:%Y}" if place == 0 or month.month == 1 else f"{month:%b}"
             for place, month in enumerate(wide.index)]  # fmt: skip
    ax.set_xticks(range(len(wide)), names)
    ax.yaxis.set_major_formatter(lambda number, _: f"{number:,.0f}")
    ax.set_ylabel(unit, color=look.INK, fontsize=10)
    look.say(ax, title, f"{len(wide)} months; {int(figures['rows'].sum()):,} rows" if "rows" in figures else "")
    look.clear_away(ax, scale="y")
    ax.axhline(0, color=look.QUIET, linewidth=0.8)
    if wide.shape[1] > 1:
        ax.legend(frameon=False, ncols=wide.shape[1], loc="lower right", bbox_to_anchor=(1, 1), fontsize=10)
    return ax


def _series(figures: pd.DataFrame, value: str) -> pd.DataFrame:
    """One row per month, one column per value drawn apart; floats, since a picture is no sum."""
    apart = [name for name in figures.columns if name not in ("month", "rows", "total")]
    numbers = figures.assign(**{value: figures[value].astype("float64")})
    if not apart:
        return numbers.set_index("month")[[value]]
    return numbers.pivot_table(index="month", columns=apart[0], values=value, aggfunc="sum", sort=False, observed=True)
