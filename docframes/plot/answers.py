"""Required questions that nobody answered, by measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from docframes.plot import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_QUESTION = ["job_id", "step_id", "question_id"]
_ADVICE = "Give it the frames of load_job_details()."


def unanswered(
    jobs: pd.DataFrame,
    questions: pd.DataFrame,
    answers: pd.DataFrame,
    images: pd.DataFrame,
    *,
    status: str = "completed",
) -> pd.DataFrame:
    """How many required questions of jobs in *status* have no answer, by measure.

    A question is answered where an answer to it has a value, or a photo.
    Returns : one row per ``job_template_name`` with required questions, the largest share first: jobs, required,
    unanswered, and share, from 0 to 1.  No such job is an empty frame of the same dtypes.
    Raises ColumnError where a frame lacks a column.
    """
    look.need("unanswered", jobs, "jobs", ["job_id", "job_template_name", "status"], _ADVICE)
    look.need("unanswered", questions, "questions", [*_QUESTION, "required"], _ADVICE)
    look.need("unanswered", answers, "answers", [*_QUESTION, "value"], _ADVICE)
    look.need("unanswered", images, "images", _QUESTION, _ADVICE)
    chosen = jobs.loc[jobs["status"] == status, ["job_id", "job_template_name"]]
    required = questions.loc[questions["required"].fillna(False), _QUESTION].merge(chosen, on="job_id")
    answered = pd.concat([answers.loc[answers["value"].notna(), _QUESTION], images[_QUESTION]])
    found = pd.MultiIndex.from_frame(required[_QUESTION]).isin(pd.MultiIndex.from_frame(answered))
    required["unanswered"] = ~found
    groups = required.groupby("job_template_name")["unanswered"]
    counts = pd.DataFrame({"required": groups.size(), "unanswered": groups.sum()})
    counts.insert(0, "jobs", chosen.groupby("job_template_name").size())
    counts = counts.astype("int64")
    counts["share"] = counts["unanswered"] / counts["required"]
    return counts.sort_values(["share", "unanswered"], ascending=False, kind="stable").reset_index()


def plot_unanswered(figures: pd.DataFrame, *, status: str = "completed", ax: Axes | None = None) -> Axes:
    """Bars of :func:`unanswered`: share of the required questions without an answer, in percent, by measure.

    ax : None draws on pyplot's current Axes.  Returns the Axes; it is neither shown nor saved.
    """
    ax = look.take_axes(ax)
    bars = ax.barh(figures["job_template_name"], figures["share"], color=look.BAR, height=0.62)
    labels = [f"{row.unanswered:,} of {row.required:,}" for row in figures.itertuples()]
    for label in ax.bar_label(bars, labels, padding=6, color=look.INK, fontsize=10):
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.5})
    ax.invert_yaxis()
    ax.set_xlim(0, max(0.01, float(figures["share"].max() or 0) * 1.18) if len(figures) else 0.01)
    ax.xaxis.set_major_formatter(lambda share, _: f"{share * 100:g}")
    ax.set_xlabel("Required questions without an answer (%)", color=look.INK, fontsize=10)
    ax.set_ylabel("Measure", color=look.INK, fontsize=10)
    look.say(ax, f"Required questions left unanswered in {status.replace('_', ' ')} jobs", _summary(figures))
    look.clear_away(ax, scale="x")
    return ax


def _summary(figures: pd.DataFrame) -> str:
    jobs, required, without = (int(figures[name].sum()) for name in ("jobs", "required", "unanswered"))
    share = f", {without / required:.1%}" if required else ""
    return f"{without:,} of {required:,} required questions{share}; {jobs:,} jobs"
