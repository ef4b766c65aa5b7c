"""`docker compose up` brings up the whole system, and an event sent into it becomes a document."""

import asyncio
import os
import shutil
import socket
import subprocess
from pathlib import Path

import httpx
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

ROOT = Path(__file__).parents[2]
SAMPLE = orjson.loads((ROOT / "tests/fixtures/events/invoice-load.json").read_bytes())
SETTINGS = (ROOT / "demo/settings.jsonl").read_bytes()


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    asked = [["docker", "info"], ["docker", "compose", "version"]]
    return all(subprocess.run(each, capture_output=True, check=False).returncode == 0 for each in asked)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def system():
    if not _docker_answers():
        pytest.skip("no Docker daemon with compose answers here; the same commands are tested as processes")
    ports = {"ALVYS_SAGE_COMPOSE_KAFKA_PORT": str(_free_port()), "ALVYS_SAGE_COMPOSE_GATEWAY_PORT": str(_free_port())}

    def compose(*arguments, data=None):
        command = ["docker", "compose", "--project-name", f"alvys-sage-test-{os.getpid()}", *arguments]
        return subprocess.run(command, cwd=ROOT, env=os.environ | ports, input=data, capture_output=True, check=False)

    try:
        up = compose("up", "--build", "--wait")
        assert up.returncode == 0, (up.stderr + compose("logs").stdout).decode()
        yield ports, compose
    finally:
        compose("down", "--volumes", "--timeout", "20")


async def test_the_composed_system_posts_an_event(system):
    ports, compose = system
    imported = compose("exec", "-T", "worker", "alvys-sage", "mappings", "import", "-", data=SETTINGS)
    assert imported.returncode == 0, imported.stderr.decode()
    kafka = {"bootstrap_servers": f"localhost:{ports['ALVYS_SAGE_COMPOSE_KAFKA_PORT']}"}
    async with AIOKafkaProducer(**kafka) as producer:
        await producer.send_and_wait(
            "invoice-created", orjson.dumps(SAMPLE), f"invoice/{SAMPLE['data']['invoice']['id']}".encode()
        )
    results = AIOKafkaConsumer(
        "sage-export-results", **kafka, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    async with results, asyncio.timeout(30):
        result = orjson.loads((await results.getone()).value)
    assert result["outcome"] == "posted", result
    address = f"http://127.0.0.1:{ports['ALVYS_SAGE_COMPOSE_GATEWAY_PORT']}/admin/documents"
    async with httpx.AsyncClient(trust_env=False) as client:
        [document] = (await client.get(address)).json()["documents"]
    assert (document["number"], document["total"]) == (SAMPLE["data"]["invoice"]["number"], "3012.50")
    assert compose("stop", "worker").returncode == 0
    assert b"worker stopped" in compose("logs", "worker").stdout
