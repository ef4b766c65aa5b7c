import pytest

from ops.broker import Broker, BrokerError, find, find_broker
from ops.broker.base import Kind


class Stub(Broker):
    """Starts, or refuses to: as `prepare` (a machine without it) or as `start` (a machine where it is broken)."""

    refuses: str = ""
    closed: bool = False

    @property
    def bootstrap(self) -> str:
        return "127.0.0.1:1"

    def prepare(self) -> None:
        if self.refuses == "prepare":
            raise BrokerError(f"there is no {self.kind}")

    def start(self) -> None:
        if self.refuses == "start":
            raise BrokerError(f"{self.kind} is broken")

    def stop(self) -> None:
        type(self).closed = True


@pytest.fixture
def machine(monkeypatch):
    """A machine on which every kind works, but for those given as ``kind="prepare"`` or ``kind="start"``."""
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.delenv("ALVYS_SAGE_TEST_BROKER", raising=False)

    def having(**refusals: str) -> dict[Kind, type[Stub]]:
        kinds: tuple[Kind, ...] = ("local", "container", "mock")
        stubs: dict[Kind, type[Stub]] = {
            kind: type(kind, (Stub,), {"kind": kind, "refuses": refusals.get(kind, "")}) for kind in kinds
        }
        monkeypatch.setattr(find, "KINDS", stubs)
        return stubs

    return having


def test_the_local_broker_is_preferred(machine):
    machine()
    assert find_broker("tests").kind == "local"
    assert find_broker("demo").kind == "local"


@pytest.mark.parametrize("refusal", ["prepare", "start"])
def test_a_kind_that_does_not_work_gives_way_to_the_next_and_says_why(machine, refusal):
    stubs = machine(local=refusal)
    said: list[str] = []
    assert find_broker("tests", said.append).kind == "container"
    assert any("local" in line for line in said)
    assert stubs["local"].closed


def test_the_mock_serves_the_demo_and_never_the_tests(machine):
    machine(container="prepare", local="prepare")
    assert find_broker("demo").kind == "mock"
    with pytest.raises(BrokerError) as refused:
        find_broker("tests")
    for needed in (
        "Java 17",
        "Maven",
        "Docker",
        "KAFKA_BOOTSTRAP_SERVERS",
        "there is no local",
        "there is no container",
    ):
        assert needed in str(refused.value)


def test_the_tests_broker_named_by_the_environment_is_the_only_one_tried(machine, monkeypatch):
    machine(local="prepare")
    monkeypatch.setenv("ALVYS_SAGE_TEST_BROKER", "local")
    with pytest.raises(BrokerError, match="there is no local"):
        find_broker("tests")


def test_an_unknown_kind_in_the_environment_is_refused(machine, monkeypatch):
    machine()
    monkeypatch.setenv("ALVYS_SAGE_TEST_BROKER", "mock")
    with pytest.raises(BrokerError, match="ALVYS_SAGE_TEST_BROKER=mock is none of: local, container"):
        find_broker("tests")


def test_a_broker_named_by_the_environment_is_used_as_it_is_and_left_running(machine, monkeypatch, broker):
    machine()
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap)
    with find_broker("demo") as found:
        assert (found.kind, found.bootstrap) == ("given", broker.bootstrap)
    find_broker("tests").start()  # it still answers


def test_a_broker_named_by_the_environment_that_does_not_answer_is_an_error_and_not_replaced(machine, monkeypatch):
    machine()
    monkeypatch.setattr("ops.broker.given.ANSWER_TIMEOUT", 0.5)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    with pytest.raises(BrokerError, match=r"KAFKA_BOOTSTRAP_SERVERS=127\.0\.0\.1:1"):
        find_broker("demo")
