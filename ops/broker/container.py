"""Apache Kafka in a container, through testcontainers.

Not their ``KafkaContainer``: that one is made for Confluent's image and fails with ``apache/kafka``.
"""

from collections.abc import Mapping
from queue import Empty, Queue
from threading import Thread
from typing import ClassVar, Final

import docker.errors  # type: ignore[import-untyped]
import requests
import urllib3
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.exceptions import ContainerStartException

from ops.broker.base import START_TIMEOUT, STOP_TIMEOUT, BrokerError, Kind, Progress, RealBroker, quiet
from ops.broker.java import kafka_version
from ops.broker.ready import await_metadata, free_ports
from ops.broker.settings import HEAP, JVM, SETTINGS

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
ANSWER_TIMEOUT: Final = 60
"""Seconds in which the daemon has to say something; while it pulls, how far it is."""
TROUBLE: Final = (
    docker.errors.DockerException,
    ContainerStartException,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
)
"""What a Docker that half works raises, of its own and of the libraries that it is spoken to with."""


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
            BrokerError: No daemon answers, or it cannot bring the image.
        """
        try:
            client = DockerClient(timeout=ANSWER_TIMEOUT).client
            client.ping()
        except TROUBLE as error:
            raise BrokerError("no Docker daemon answers") from error
        try:
            self._bring_the_image(client)
        except TROUBLE as error:
            why = getattr(error, "explanation", None) or str(error)
            raise BrokerError(f"the Docker daemon cannot pull {self.image}: {why}") from error
        finally:
            client.close()

    def _bring_the_image(self, client: docker.DockerClient) -> None:
        try:
            client.images.get(self.image)
        except docker.errors.ImageNotFound:
            self.progress(f"pulling {self.image} (once)")
            _pull(client, self.image)

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
        except TROUBLE as error:
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
        container.with_command(["bash", "-c", COMMAND]).with_env("KAFKA_HEAP_OPTS", " ".join(HEAP))
        container.with_env("KAFKA_JVM_PERFORMANCE_OPTS", " ".join(JVM))
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


def _pull(client: docker.DockerClient, image: str) -> None:
    """Pull an image. Docker's own client would wait for ever for a registry that gives no answer.

    Raises:
        TimeoutError: The daemon said nothing for `ANSWER_TIMEOUT` seconds.
        docker.errors.DockerException, requests.exceptions.RequestException: It cannot be pulled.
    """
    said: Queue[Mapping[str, str] | Exception | None] = Queue()

    def follow() -> None:
        try:
            for line in client.api.pull(*image.split(":"), stream=True, decode=True):
                said.put(line)
            said.put(None)
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            said.put(error)

    Thread(target=follow, name="pull", daemon=True).start()
    while True:
        try:
            line = said.get(timeout=ANSWER_TIMEOUT)
        except Empty:
            raise TimeoutError(f"it said nothing for {ANSWER_TIMEOUT} seconds") from None
        if line is None:
            client.images.get(image)
            return
        if isinstance(line, Exception):
            raise line
        if "error" in line:
            raise docker.errors.DockerException(line["error"])
