"""``python -m bench [names]``: measured figures, as ratios within one run. See docs/benchmarks.md."""

import argparse
import json
import sys
from collections.abc import Callable

from bench import batch, end_to_end, mapping, transactions
from bench.measure import TINY, Outcome, Size, show

BENCHES: dict[str, Callable[[Size], Outcome]] = {
    "map": mapping.run,
    "batch": batch.run,
    "transactions": transactions.run,
    "end-to-end": end_to_end.run,
}


def main() -> int:
    """Run the benches that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--runs", type=int, default=Size.runs, help="runs of which the median counts (%(default)s)")
    parser.add_argument("--tiny", action="store_true", help="see that it runs; measures nothing")
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHES.keys():
        parser.error(f"no bench is called {', '.join(sorted(unknown))}")
    size = TINY if options.tiny else Size(runs=options.runs)
    outcomes = []
    for name in options.names or BENCHES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        outcomes.append(BENCHES[name](size))
    if options.json:
        print(json.dumps([outcome.as_json() for outcome in outcomes], indent=2))
    else:
        show(outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
