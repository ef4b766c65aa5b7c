"""``python -m demo``: everything on this machine, in under a minute. See demo/README.md.

Exit code 0: every record ended as expected, nothing is lost, nothing stands twice. 1: something else, and it says what.
"""

import argparse
import asyncio
import signal
import sys

from demo.acts import play
from demo.keeping import keep
from demo.processes import DemoError
from demo.report import last_line, report
from demo.rig import rig
from demo.screen import Screen
from ops.broker import BrokerError, MockKafka

GOOD = 300


def main() -> int:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--good", type=int, default=GOOD, help="good documents to generate (default: %(default)s)")
    parser.add_argument(
        "--mock", action="store_true", help="use librdkafka's mock cluster though a broker is to be had"
    )
    parser.add_argument("--keep", action="store_true", help="keep everything running afterwards, until Ctrl-C")
    options = parser.parse_args()
    # A SIGTERM ends this like Ctrl-C: through every `with`, so that nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    screen = Screen()
    try:
        with rig(screen, MockKafka(screen.say) if options.mock else None) as running:
            evidence = asyncio.run(play(running, screen, options.good))
            if options.keep:
                report(evidence, screen)
                keep(running, screen)
    except (DemoError, BrokerError) as error:
        print(f"demo: failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped", file=sys.stderr)
        return 130
    if not options.keep:
        report(evidence, screen)
    print(last_line(evidence), flush=True)
    return 0 if evidence.sound else 1


if __name__ == "__main__":
    sys.exit(main())
