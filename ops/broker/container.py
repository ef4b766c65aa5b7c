"""Apache Kafka in a container, through testcontainers.

Not their ``KafkaContainer``: that one is made for Confluent's image and fails with ``apache/kafka``.
"""

from typing import ClassVar, Final

import docker.errors  # type: ignore[import-untyped]
import requests
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from ops.broker.base import START_TIMEOUT, STOP_TIMEOUT, BrokerError, Kind, Progress, RealBroker, quiet
from ops.broker.java import kafka_version
from ops.broker.ready import await_metadata, free_ports
from ops.broker.settings import SETTINGS

PORT: Final = 9092
LISTENERS: Final = {
    "controller.quorum.voters": "1@localhost:9093",
    # INSIDE is the broker's way to itself. Transactions use it, and hang without it: the port that is open outside
    # is not open in the container.
    "listeners": f"HOST://:{PORT},CONTROLLER://:9093,INSIDE://localhost:19092",
    "listener.security.protocol.map": "HOST:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "INSIDE",
}
# Which address of the host leads to the container is known only after its start: the command waits for it each time.
# The image's start script rewrites its own configuration, which an image built from read-only files does not let it do.
COMMAND: Final = (
    "until [ -s /tmp/env ]; do sleep 0.1; done; . /tmp/env; rm /tmp/env; "
    "chmod -fR u+w /etc/kafka/docker /opt/kafka/config; exec /etc/kafka/docker/run"
)
LOG_LINES: Final = 30


class ContainerKafka(RealBroker):
    """``apache/kafka`` on one host port that it keeps across restarts; `close` removes the container and its data."""

    kind: ClassVar[Kind] = "container"

    def __init__(self, progress: Progress = quiet) -> None:
        super().__init__(progress)
        self.image = f"apache/kafka:{kafka_version()}"
        self._container: DockerContainer | None = None
        self._bootstrap: str | None = None

    @property
    def bootstrap(self) -> str:
        """Known once the container was started.

        Raises:
            BrokerError: It was not.
        """
        if self._bootstrap is None:
            raise BrokerError("the Kafka container was not started")
        return self._bootstrap

    def prepare(self) -> None:
        """Ask the Docker daemon whether it is there, and pull the image unless it has it.

        Raises:
            BrokerError: No daemon answers, or the image cannot be pulled.
        """
        try:
            client = DockerClient().client
            client.ping()
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise BrokerError("no Docker daemon answers") from error
        try:
            client.images.get(self.image)
        except docker.errors.ImageNotFound:
            self.progress(f"pulling {self.image} (once)")
            try:
                client.images.pull(self.image)
            except docker.errors.APIError as error:
                raise BrokerError(f"the Docker daemon cannot pull {self.image}: {error.explanation}") from error
        finally:
            client.close()

    def start(self) -> None:
        """Create the container, or start it again, and wait until the broker answers.

        Raises:
            BrokerError: It did not answer in time, with the end of its log; or Docker refused.
        """
        try:
            if self._running():
                return
            self.progress(f"starting {self.image} in a container")
            if self._container is None:
                self._container = self._new().start()
            else:
                self._container.get_wrapped_container().start()
            self._advertise(self._container)
            await_metadata(self.bootstrap, START_TIMEOUT, self._still_there)
        except TimeoutError as error:
            raise BrokerError(
                f"{self.image} did not start: {error}. The end of its log:\n{self._log_tail()}"
            ) from error
        except docker.errors.DockerException as error:
            raise BrokerError(f"Docker did not start {self.image}: {error}") from error

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after `STOP_TIMEOUT` seconds. The container and its data stay."""
        if self._container is not None:
            self._container.get_wrapped_container().stop(timeout=int(STOP_TIMEOUT))

    def kill(self) -> None:
        """SIGKILL. The container and its data stay."""
        if self._container is not None and self._running():
            self._container.get_wrapped_container().kill()

    def close(self) -> None:
        """Remove the container with its data."""
        if self._container is not None:
            self._container.stop()
            self._container = self._bootstrap = None

    def _new(self) -> DockerContainer:
        # A port of our choice: Docker would choose another at each start, and clients would look at the old one.
        container = DockerContainer(self.image).with_bind_ports(PORT, free_ports(1)[0])
        container.with_command(["bash", "-c", COMMAND]).with_env("KAFKA_HEAP_OPTS", "-Xms128m -Xmx512m")
        # Once one KAFKA_* is given the image forgets all its own defaults, so the whole set is given.
        for name, value in (SETTINGS | LISTENERS).items():
            container.with_env(f"KAFKA_{name.replace('.', '_').upper()}", value)
        return container

    def _advertise(self, container: DockerContainer) -> None:
        self._bootstrap = f"{container.get_container_host_ip()}:{container.get_exposed_port(PORT)}"
        listeners = f"HOST://{self._bootstrap},INSIDE://localhost:19092"
        line = f"export KAFKA_ADVERTISED_LISTENERS={listeners}"
        container.exec(["bash", "-c", f"echo '{line}' > /tmp/env.new && mv /tmp/env.new /tmp/env"])

    def _running(self) -> bool:
        if self._container is None:
            return False
        self._container.reload()
        return self._container.status == "running"

    def _still_there(self) -> None:
        if not self._running():
            raise BrokerError(f"{self.image} ended as it started:\n{self._log_tail()}")

    def _log_tail(self) -> str:
        if self._container is None:
            return ""
        log: bytes = self._container.get_wrapped_container().logs(tail=LOG_LINES)
        return log.decode(errors="replace").rstrip()
