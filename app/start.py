"""Entry point of the command. Ctrl-C ends it without a traceback, even while its modules are still being imported."""

# `_signal` instead of `signal`: importing `signal` takes milliseconds, in which Ctrl-C would show a traceback.
import _signal as signal  # type: ignore[import-not-found]  # typeshed leaves it out


def main() -> None:
    """Run one command and exit with its code."""
    # If we were started in the background with Ctrl-C ignored, it stays ignored.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from app.cli import main as run  # noqa: PLC0415 - imported only now: it takes a third of a second

    try:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        run()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
