"""``python -m bench [names]``: measured figures, as ratios within one run. See docs/benchmarks.md."""

import argparse
import json
import logging
import sys
from collections.abc import Callable

from bench import batch, end_to_end, ledger, mapping, neighbour, transactions
from bench.measure import RUNS, TINY, BenchResult, Size, show
from bench.scale import SCALE
from demo.processes import DemoError
from ops.broker import BrokerError

BENCHES: dict[str, Callable[[Size], BenchResult]] = {
    "map": mapping.run,
    "batch": batch.run,
    "transactions": transactions.run,
    "end-to-end": end_to_end.run,
    "neighbour": neighbour.run,
    "ledger": ledger.run,
}
ALL = BENCHES | SCALE
"""With those of scale, which take minutes each and only run if they are named."""


def main() -> int:
    """Run the benches that are named, or all but those of scale."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHES)} (default: these), scale, {', '.join(SCALE)}"
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs of which the median counts (%(default)s)")
    parser.add_argument("--tiny", action="store_true", help="see that it runs; measures nothing")
    parser.add_argument("--share", type=float, default=1.0, help="of the full number of documents (%(default)s)")
    options = parser.parse_args()
    names = [name for each in options.names for name in (SCALE if each == "scale" else [each])]
    if unknown := set(names) - ALL.keys():
        parser.error(f"no bench is called {', '.join(sorted(unknown))}")
    # A topic that was made a moment ago refuses its first records; the client retries, and says so on every try.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    size = TINY if options.tiny else Size(runs=options.runs, share=options.share)
    outcomes = []
    for name in names or BENCHES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        try:
            outcomes.append(ALL[name](size))
        except (BrokerError, DemoError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    if options.json:
        print(json.dumps([outcome.as_json() for outcome in outcomes], indent=2))
    else:
        show(outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
