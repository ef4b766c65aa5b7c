"""What every broker here can do, and how long anyone waits for it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import ClassVar, Literal, Self

Kind = Literal["given", "local", "container", "mock"]
"""Where a broker came from: named by the environment, a Java process, a container, librdkafka's mock cluster."""

Purpose = Literal["tests", "demo"]
"""What a broker is wanted for. Tests get a real broker or an error; a demo may fall back to the mock."""

Progress = Callable[[str], None]
"""Takes one line of text, for a person, before each step that may take longer than a second."""

START_TIMEOUT = 60.0
"""Seconds from the launch of a broker to its first answer. A warm machine needs 3 to 8; a loaded CI runner far more."""

STOP_TIMEOUT = 20.0
"""Seconds a broker may take to close its logs before it is killed."""


class BrokerError(RuntimeError):
    """A broker is not to be had, or did not start. The text says why and what to do, for a person."""


def quiet(_line: str) -> None:
    """The progress callback of callers who do not want any."""


class Broker(ABC):
    """A Kafka broker that this process may use, from `start` to `close`. As a context manager it is both."""

    kind: ClassVar[Kind]

    def __init__(self, progress: Progress = quiet) -> None:
        self.progress = progress

    @property
    @abstractmethod
    def bootstrap(self) -> str:
        """The address for clients, ``host:port[,host:port]``.

        Raises:
            BrokerError: The broker's address is known only once it was started, and it was not.
        """

    @abstractmethod
    def prepare(self) -> None:
        """Make sure that `start` can work here, and fetch once what it needs.

        Raises:
            BrokerError: It cannot; the text is the reason, without a full stop.
        """

    @abstractmethod
    def start(self) -> None:
        """Return when the broker answers a metadata request; at once when it already does.

        Raises:
            BrokerError: It did not answer in `START_TIMEOUT` seconds, or ended; the text holds the end of its log.
        """

    @abstractmethod
    def stop(self) -> None:
        """Stop the broker in an orderly way. A stopped broker may be stopped again, and closed."""

    def close(self) -> None:
        """Stop the broker and remove what it left on this machine."""
        self.stop()

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class RealBroker(Broker):
    """Apache Kafka, started here: data and address outlive `stop` and `kill`, and `start` brings it back with both."""

    @abstractmethod
    def kill(self) -> None:
        """End the broker at once, as a power cut would (SIGKILL)."""

    def restart(self) -> None:
        """Stop, and start on the same data and the same port.

        Raises:
            BrokerError: As `start`.
        """
        self.stop()
        self.start()
