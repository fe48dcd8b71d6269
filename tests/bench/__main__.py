"""``python -m tests.bench [--quick] [ROW ...]``: ours and the peer in turn, each run in a process of its own.

Prints a table and writes ``bench-<date>.json``.  Fails on a wrong result, never on a time: figures are for people.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.rows import ROWS, Row


def main(arguments: list[str] | None = None) -> int:
    """Run the rows asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help=f"which rows; all of them unless named: {', '.join(ROWS)}"
    )
    parser.add_argument("--quick", action="store_true", help="small inputs, two runs each: shows that the bench works")
    parser.add_argument("--runs", type=int, help="counted runs of each contender (5, or 2 with --quick)")
    parser.add_argument("--output", type=Path, help="where to write the JSON")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.rows if name not in ROWS]
    if unknown:
        parser.error(f"no row named {', '.join(unknown)}; there are {', '.join(ROWS)}")
    runs = options.runs or (2 if options.quick else 5)
    results = [measure(ROWS[name], quick=options.quick, runs=runs) for name in options.rows or ROWS]
    report(results, options.output)
    wrong = [result["row"] for result in results if not result["same_result"]]
    if wrong:
        print(f"WRONG RESULT in {', '.join(wrong)}: the contenders do not agree", file=sys.stderr)
    return 1 if wrong else 0


def measure(row: Row, *, quick: bool, runs: int) -> dict[str, Any]:
    """Every contender of *row* in turn, *runs* times after one warm-up; medians, and ratios run by run."""
    runs = min(runs, row.most_runs)
    print(f"{row.name}: {row.what}", flush=True)
    with tempfile.TemporaryDirectory(prefix="docframes-bench-") as folder, row.prepared(Path(folder), quick) as facts:
        rounds = [{name: run(row.name, name, facts) for name in row.contenders} for _ in range(runs + 1)][1:]
    first, *others = row.contenders
    results = [round_[name]["result"] for round_ in rounds for name in row.contenders if name not in row.unlike]
    return {
        "row": row.name,
        "what": row.what,
        "quick": quick,
        "runs": runs,
        "seconds": {name: statistics.median(r[name]["seconds"] for r in rounds) for name in row.contenders},
        "peak_mb": {name: statistics.median(r[name]["peak_mb"] for r in rounds) for name in row.contenders},
        "ratio": {name: spread([r[name]["seconds"] / r[first]["seconds"] for r in rounds]) for name in others},
        "peak_ratio": {name: spread([r[first]["peak_mb"] / r[name]["peak_mb"] for r in rounds]) for name in others},
        "target": row.target,
        "results": {name: rounds[0][name]["result"] for name in row.contenders},
        "result": results[0],
        "same_result": all(result == results[0] for result in results),
    }


def run(row: str, contender: str, facts: dict[str, Any]) -> dict[str, Any]:
    """One run in a new process; it prints what it measured as the last line."""
    command = [sys.executable, "-m", "tests.bench.one", row, contender, json.dumps(facts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{row}, {contender}: ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def spread(ratios: list[float]) -> dict[str, float]:
    """Median, least and greatest."""
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def report(results: list[dict[str, Any]], output: Path | None) -> None:
    """The table on the screen, and everything in JSON."""
    head = ("row", "contender", "seconds", "peak MB", "times ours (min-max)", "our peak")
    print("\n{:<14} {:<22} {:>9} {:>8} {:>24} {:>9}  wanted".format(*head))
    for result in results:
        for name, seconds in result["seconds"].items():
            ratio = result["ratio"].get(name)
            told = f"{ratio['median']:.2f} ({ratio['min']:.2f}-{ratio['max']:.2f})" if ratio else ""
            wanted = result["target"].get(name, "")
            peak = result["peak_mb"][name]
            part = result["peak_ratio"].get(name)
            share = f"{part['median']:.0%}" if part else ""
            print(f"{result['row']:<14} {name:<22} {seconds:>9.4f} {peak:>8.0f} {told:>24} {share:>9}  {wanted}")
    output = output or Path(f"bench-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json")
    machine = {"python": platform.python_version(), "processors": os.cpu_count(), "system": platform.system()}
    output.write_text(json.dumps({"machine": machine, "rows": results}, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {output}")


if __name__ == "__main__":
    sys.exit(main())
