"""The broker that the environment names: used as it is, neither started nor stopped."""

import os
from typing import ClassVar

from ops.broker.base import Broker, BrokerError, Kind, Progress, quiet
from ops.broker.ready import await_metadata

VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
ANSWER_TIMEOUT = 15.0  # seconds: it should be running already


class GivenBroker(Broker):
    """Somebody else's broker. Nothing is set up in it, and `stop` leaves it alone."""

    kind: ClassVar[Kind] = "given"

    def __init__(self, bootstrap: str | None = None, progress: Progress = quiet) -> None:
        super().__init__(progress)
        self._bootstrap = bootstrap or os.environ.get(VARIABLE, "")

    @property
    def bootstrap(self) -> str:
        """The address as given."""
        return self._bootstrap

    def prepare(self) -> None:
        """Nothing to fetch.

        Raises:
            BrokerError: No address was given.
        """
        if not self._bootstrap:
            raise BrokerError(f"{VARIABLE} is not set")

    def start(self) -> None:
        """Ask for metadata once.

        Raises:
            BrokerError: Nobody answered.
        """
        self.prepare()
        try:
            await_metadata(self._bootstrap, ANSWER_TIMEOUT, lambda: None)
        except TimeoutError as error:
            raise BrokerError(f"{VARIABLE}={self._bootstrap}: {error}") from error

    def stop(self) -> None:
        """Leave it running."""
