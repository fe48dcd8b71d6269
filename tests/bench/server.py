"""The sandbox for the bench: ``python -m tests.bench.server JOBS DELAY``; stops when its input says so."""

from __future__ import annotations

import sys

from docframes import sandbox


def main() -> None:
    """Start, print address and key, wait for a line."""
    with sandbox.running(jobs=int(sys.argv[1]), delay=float(sys.argv[2]), environment=False) as box:
        print(box.url("validocx"), box.key("validocx"), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
