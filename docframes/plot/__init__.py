"""Frames -> matplotlib Axes.  Figures are computed apart from drawing; nothing here shows or saves.

ax = plot.plot_unanswered(plot.unanswered(details.jobs, details.questions, details.answers, details.images))
ax = plot.plot_by_month(plot.by_month(gl.transactions, amount="amount"), title="Posted by month", unit="GBP")
"""

from __future__ import annotations

from docframes.plot.answers import plot_unanswered, unanswered
from docframes.plot.months import by_month, plot_by_month

__all__ = ["by_month", "plot_by_month", "plot_unanswered", "unanswered"]
