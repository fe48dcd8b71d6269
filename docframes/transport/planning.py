"""What a load would cost, before anything is sent; and what it may cost at most.

A load is planned by running it: within :func:`planned` a client answers from its cache, however old, counts the calls
that would be sent, and sends nothing.  What the cache held before is the best guess at what will come.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from docframes.errors import DocframesError, DocframesWarning, TooManyCalls
from docframes.words import count

P = ParamSpec("P")
T = TypeVar("T")


class Unplanned(DocframesError):
    """What a call will answer is not known before it is sent.  Never leaves docframes."""

    def __init__(self) -> None:
        super().__init__("Only the vendor knows what comes here.")


@dataclass
class Planner:
    """Counts what a load would send."""

    sent: Counter[tuple[str, str, str]] = field(default_factory=Counter)  #: by vendor, endpoint and rule
    cached: int = 0
    open: bool = False  #: something unknown decides how many calls follow
    gaps: bool = False  #: rows of a list are not known; what goes by them cannot be counted
    clients: dict[str, object] = field(default_factory=dict)  #: whose calls these are, by account
    _keys: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def calls(self) -> int:
        """Calls that would be sent."""
        return self.sent.total()

    def send(self, vendor: str, endpoint: str, rule: str, key: str, *, kept: bool) -> bool:
        """Count one call that would be sent; False where the load has sent it before, and its answer is kept."""
        with self._lock:
            if kept and key in self._keys:
                self.cached += 1
                return False
            self._keys.add(key)
            self.sent[vendor, endpoint, rule] += 1
            return True

    def answered(self, answers: int = 1) -> None:
        """Count answers that the cache has."""
        with self._lock:
            self.cached += answers

    def begin(self, account: str, client: object) -> None:
        """Another list or another set of answers is loaded, by *client*."""
        self.clients[account] = client
        self.open = self.open or self.gaps


@dataclass
class Budget:
    """Calls that a load may still send."""

    most: int
    loader: str = ""
    _keys: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, key: str) -> None:
        """Count one call; a try of the same call once more costs nothing.  Raises TooManyCalls."""
        with self._lock:
            if key not in self._keys and len(self._keys) >= self.most:
                raise self.refusal(len(self._keys) + 1, at_least=True)
            self._keys.add(key)

    def check(self, more: int) -> None:
        """Raise TooManyCalls where *more* calls would go beyond it."""
        wanted = len(self._keys) + more
        if wanted > self.most:
            raise self.refusal(wanted)

    def refusal(self, wanted: int, *, at_least: bool = False) -> TooManyCalls:
        """The error for a load that wants so many calls."""
        sent = len(self._keys)
        told = f"{count(sent, 'call')} so far, whose answers are in the cache" if sent else "Nothing was sent"
        msg = f"{self.loader} would cost {'at least ' if at_least else ''}{count(wanted, 'call')}, and max_calls is "
        msg += f"{self.most:,}. {told}. "
        return TooManyCalls(msg + "docframes.explain() tells what a load costs; limit= and filters make it smaller.")


_planner: ContextVar[Planner | None] = ContextVar("docframes_planner", default=None)
_budget: ContextVar[Budget | None] = ContextVar("docframes_budget", default=None)


def current() -> Planner | None:
    """The plan that is being made; None where calls are really sent."""
    return _planner.get()


def budget() -> Budget | None:
    """What the load under way may cost; None where nothing was said."""
    return _budget.get()


@contextmanager
def planning(planner: Planner) -> Iterator[Planner]:
    """Within this block nothing is sent; *planner* counts what would be."""
    token = _planner.set(planner)
    try:
        yield planner
    finally:
        _planner.reset(token)


def plan(load: Callable[[], object]) -> Planner:
    """What *load* would send.  Raises what is wrong with its arguments, and nothing else."""
    with planning(Planner()) as planner, warnings.catch_warnings():
        # What the load will have to say it says when it is made.
        warnings.simplefilter("ignore", DocframesWarning)
        try:
            load()
        except DocframesError as error:
            if isinstance(error, ValueError) and not planner.calls and not planner.cached:
                raise
    return planner


@contextmanager
def spending(most: int | None, loader: str, load: Callable[[], object]) -> Iterator[None]:
    """Within this block at most *most* calls are sent.  Raises TooManyCalls at once where *load* would send more.

    A block within another is a part of it: it may cost what the other has left.
    """
    outer = _budget.get()
    if _planner.get() is not None or (most is None and outer is None):
        yield
        return
    planned = plan(load)
    if outer is not None:
        outer.check(planned.calls)
        yield
        return
    limit = Budget(most or 0, loader)
    if planned.calls > limit.most:
        raise limit.refusal(planned.calls, at_least=planned.open)
    token = _budget.set(limit)
    try:
        yield
    finally:
        _budget.reset(token)


def as_a_whole(loader: Callable[P, T]) -> Callable[P, T]:
    """Makes ``max_calls`` count for all that *loader* loads, and not for each list of it."""

    @functools.wraps(loader)
    def whole(*args: P.args, **kwargs: P.kwargs) -> T:
        most: Any = kwargs.get("max_calls")
        name = f"{loader.__module__.split('.')[2]}.{loader.__name__}"
        free: Any = {**kwargs, "max_calls": None}
        with spending(most, name, lambda: loader(*args, **free)):
            return loader(*args, **kwargs)

    return whole
