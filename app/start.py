"""Where the command begins: Ctrl-C ends it without a traceback, also while its modules are still being loaded."""

# The module behind `signal`, whose own loading takes milliseconds in which Ctrl-C would show a traceback.
import _signal as signal  # type: ignore[import-not-found]  # typeshed leaves it out


def main() -> None:
    """Run one command and exit with its code."""
    # Who started us in the background, with Ctrl-C ignored, means it.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from app.cli import main as run  # noqa: PLC0415 - loaded only now: it takes a third of a second

    try:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        run()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
