"""Frames -> matplotlib Axes.  Figures are computed apart from drawing; nothing here shows or saves.

ax = plot.plot_unanswered(plot.unanswered(details.jobs, details.questions, details.answers, details.images))
"""

from __future__ import annotations

from docframes.plot.answers import plot_unanswered, unanswered

__all__ = ["plot_unanswered", "unanswered"]
