"""How Faust is set up and ended."""

import asyncio
import ssl
from pathlib import Path
from typing import Any, cast

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from pydantic import SecretStr

from app.commands.statistics import config_of
from app.kafka import kafka_options
from app.settings import Settings
from consumers.statistics.worker import application, run

SECRET = "geheim-7319"


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
def test_faust_speaks_to_the_brokers_as_every_other_client_does(protocol, tmp_path: Path):
    settings = Settings(
        kafka_bootstrap_servers="one:1, two:2",
        kafka_security_protocol=protocol,
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_user="bob",
        kafka_sasl_password=SecretStr(SECRET),
    )
    app = application(config_of(settings, tmp_path))
    assert [(url.host, url.port) for url in app.conf.broker] == [("one", 1), ("two", 2)]
    ours = kafka_options(settings)
    theirs = credentials_to_aiokafka_auth(app.conf.broker_credentials)
    names = {"security_protocol", "sasl_mechanism", "sasl_plain_username", "sasl_plain_password"}
    assert {name: theirs[name] for name in names & theirs.keys()} == {name: ours[name] for name in names & ours.keys()}
    assert isinstance(theirs.get("ssl_context"), ssl.SSLContext) == protocol.endswith("SSL")
    assert SECRET not in repr(app.conf.broker_credentials)


class Stuck:
    """An application that starts and does not stop."""

    crash_reason: Exception | None = None

    def __init__(self):
        self.ended = asyncio.Event()

    async def start(self):
        if self.crash_reason is not None:
            self.ended.set()

    async def wait_until_stopped(self):
        await self.ended.wait()

    async def stop(self):
        await asyncio.Event().wait()


async def test_a_stop_that_hangs_is_cut_off():
    stop = asyncio.Event()
    stop.set()
    ending = await run(cast("Any", Stuck()), stop, 0.05)
    assert (ending.in_time, ending.crash) == (False, None)


async def test_a_crash_is_told_even_if_the_rest_hangs():
    app = Stuck()
    app.crash_reason = RuntimeError("gone")
    ending = await run(cast("Any", app), asyncio.Event(), 0.05)
    assert (ending.in_time, ending.crash) == (False, app.crash_reason)
