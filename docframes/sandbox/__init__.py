"""A stand-in for the vendors, over real HTTP on the loopback, with an invented company inside.

>>> import docframes.sandbox
>>> with docframes.sandbox.running(jobs=3) as box:
...     len(box.jobs)
3

While it runs, the environment names its address, its key and a cache folder of its own, so loaders need no
arguments.  It needs Flask: ``pip install "docframes[sandbox]"``.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from docframes.errors import ConfigError
from docframes.sandbox.box import Box

__all__ = ["Box", "running", "serve", "start", "write_ledger"]


def start(
    *,
    seed: int = 7,
    scale: float = 1,
    delay: float = 0.0,
    chaos: Iterable[str] = (),
    time_scale: float = 1.0,
    port: int = 0,
    storage_port: int = 0,
    jobs: int | None = None,
    environment: bool = True,
) -> Box:
    """Start a sandbox; whoever starts it calls ``box.stop()``.

    seed : the same seed gives the same company and keys.  scale : multiplies the company; 1 is about 40
    projects, 120 jobs, 12 staff.  jobs : their number, in place of what *scale* gives.  delay : seconds that
    each API call takes.  chaos : ways to misbehave, by name; :data:`docframes.sandbox.chaos.CHAOS` lists them.
    time_scale : shortens what expires.  port, storage_port : 0 takes any free one.  environment : set the
    variables of ``box.environment()`` in this process until it stops.
    While a capsule is open (DOCFRAMES_CAPSULE) the company is there, and no port is opened: all that a notebook asks
    comes from the capsule.
    Raises : ConfigError when Flask is missing, a port is taken or an argument cannot work.
    """
    if find_spec("flask") is None:
        msg = 'The sandbox needs Flask, which is not installed: pip install "docframes[sandbox]"'
        raise ConfigError(msg)
    return Box(
        seed=seed,
        scale=scale,
        delay=delay,
        chaos=chaos,
        time_scale=time_scale,
        port=port,
        storage_port=storage_port,
        jobs=jobs,
        environment=environment,
    )


@contextmanager
def running(
    *,
    seed: int = 7,
    scale: float = 1,
    delay: float = 0.0,
    chaos: Iterable[str] = (),
    time_scale: float = 1.0,
    port: int = 0,
    storage_port: int = 0,
    jobs: int | None = None,
    environment: bool = True,
) -> Iterator[Box]:
    """A sandbox for the length of a ``with`` block; arguments and errors as for :func:`start`."""
    box = start(
        seed=seed,
        scale=scale,
        delay=delay,
        chaos=chaos,
        time_scale=time_scale,
        port=port,
        storage_port=storage_port,
        jobs=jobs,
        environment=environment,
    )
    try:
        yield box
    finally:
        box.stop()


def serve(
    port: int = 0,
    *,
    seed: int = 7,
    scale: float = 1,
    delay: float = 0.0,
    chaos: Iterable[str] = (),
    storage_port: int = 0,
    jobs: int | None = None,
    say: Callable[[str], None] = print,
    until: threading.Event | None = None,
) -> None:
    """Run a sandbox until Ctrl-C, or until *until* is set; tells its addresses, its keys and what to export.

    say : gets the text.  Other arguments and errors as for :func:`start`.
    """
    wait = threading.Event() if until is None else until
    with running(
        seed=seed,
        scale=scale,
        delay=delay,
        chaos=chaos,
        port=port,
        storage_port=storage_port,
        jobs=jobs,
        environment=False,
    ) as box:
        say("\n".join(_greeting(box)))
        # A reader behind a pipe would wait for it until the end.
        sys.stdout.flush()
        try:
            # A wait without end cannot be interrupted on Windows.
            while not wait.wait(0.5):
                pass
        except KeyboardInterrupt:
            say("Stopped.")


def _greeting(box: Box) -> list[str]:
    lines = [f"An invented company with {len(box.jobs)} jobs; everything in it is made up, the keys too."]
    lines += [f"  {vendor:<10} {box.url(vendor)}   key {box.key(vendor)}" for vendor in box.rooms]
    lines += [f"  {'storage':<10} {box.storage_url}", "", "In another terminal:"]
    word = "set" if os.name == "nt" else "export"
    lines += [f"  {word} {name}={value}" for name, value in box.environment().items()]
    return [*lines, "", "Ctrl-C stops it."]


def write_ledger(path: str | os.PathLike[str], *, seed: int = 7, lines: int = 5_000, faults: bool = False) -> Path:
    """Write the general-ledger zip of the company of *seed*, without a server; gives its path.

    lines : journal lines, exactly; 2 at least, with faults 1,000.  faults : plant the faults that
    ``box.truth(lines=lines)`` tells of; without it the ledger is in order.  The same arguments give the same bytes.
    """
    from docframes.sandbox.company import Company
    from docframes.sandbox.company.ledger import write_ledger as write

    return write(Company(seed), path, lines=lines, faults=faults)
