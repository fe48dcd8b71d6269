"""One contender, once, in this process: ``python -m tests.bench.one ROW CONTENDER FACTS``."""

from __future__ import annotations

import json
import resource
import sys
import time

from tests.bench.rows import ROWS


def main() -> None:
    """Prepare, start the clock, work, stop the clock; then print seconds, peak memory and a digest of the result."""
    row, contender, facts = sys.argv[1:4]
    ready = ROWS[row].contenders[contender](json.loads(facts))
    began = time.perf_counter()
    check = ready()
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result = check() if callable(check) else check
    # A contender that times itself, such as one whose work is another process, gives its own seconds.
    if isinstance(result, dict) and "seconds" in result:
        seconds = result.pop("seconds")
    if isinstance(result, dict) and "peak_mb" in result:
        peak = result.pop("peak_mb")
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "result": result}))


if __name__ == "__main__":
    main()
