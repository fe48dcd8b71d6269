"""The bar that shows how far something is: in a notebook, in a terminal, or not at all, and never at the cost of it."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

#: Seconds after which a bar shows by itself.
PATIENCE = 1.0


class Bar:
    """A progress bar, for the length of a ``with`` block; one that cannot be drawn is left out.

    told : what is under way; it may hold a vendor's text.  unit : what is counted.  total : None is not known yet.
    progress : None shows it after :data:`PATIENCE` seconds, True at once, False never.
    """

    def __init__(self, told: str, unit: str, total: int | None = None, progress: bool | None = None) -> None:
        self._told = "".join(letter if letter.isprintable() else " " for letter in told)
        self._options: dict[str, Any] = {"unit": f" {unit}", "total": total, "leave": False, "dynamic_ncols": True}
        self._progress = progress
        self._bar: Any = None

    def __enter__(self) -> Bar:
        if self._progress is not False:
            self._bar = _new(delay=0 if self._progress else PATIENCE, **self._options)
            # Only now: in a notebook, the description that a bar is made with becomes HTML as it is.
            self._draw("set_description_str", self._told, bool(self._progress))
        return self

    def advance(self, still_to_come: int | None = None) -> None:
        """One more is done; *still_to_come* says how many are left, where that is known only now."""
        if self._bar is None:
            return
        if self._bar.total is None and still_to_come is not None:
            self._bar.total = self._bar.n + 1 + still_to_come
        self._draw("update", 1)

    def stand_at(self, done: int, note: str = "") -> None:
        """So many are done; *note* stands behind the count."""
        if self._bar is None:
            return
        self._bar.n = done
        self._draw("set_postfix_str", note)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._draw("close")

    def _draw(self, how: str, *values: object) -> None:
        try:
            if self._bar is not None:
                getattr(self._bar, how)(*values)
        except Exception:
            # The widgets of the notebook have gone, or the stream: what it tells of goes on without it.
            self._bar = None


def _new(**options: Any) -> Any:
    """A bar of the notebook where one can be had, else of text, else None."""
    with warnings.catch_warnings():
        # Without ipywidgets tqdm says so and takes text, and that is all there is to know.
        warnings.filterwarnings("ignore", message=".*IProgress")
        from tqdm import auto, std
    for kind in (auto.tqdm, std.tqdm):
        with contextlib.suppress(Exception):
            return kind(**options)
    return None
