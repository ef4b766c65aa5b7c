"""`batch`: documents in requests of a hundred against one document a request, at the same number of requests at a time.

Through `SageClient.post` and real HTTP, to a gateway that takes 50 ms for a request whatever it holds, and to the
simulator with the same wait, which in addition books every document in its database.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from pydantic import SecretStr

from bench.documents import calls
from bench.measure import BenchResult, Figure, Size, middle
from demo.processes import running
from demo.rig import SENDER_PASSWORD, USER_PASSWORD, add_parties, environment
from sage_client import Call, Done, Login, SageClient

LATENCY_MS = 50
BATCH = 100
IN_BATCHES = 1_000
ONE_BY_ONE = 40
AT_A_TIME = 1
"""Requests at a time: what Sage grants a company at its standard level."""


def run(size: Size) -> BenchResult:
    """Both ways against both gateways."""
    outcome = BenchResult("batch", f"Posting documents, {LATENCY_MS} ms a request, {AT_A_TIME} request at a time")
    wait = ["--latency-ms", str(LATENCY_MS)]
    env = environment("", "", real=True)
    with tempfile.TemporaryDirectory(prefix="alvys-sage-bench-") as name:
        folder = Path(name)
        with running("stub", wait, env, folder, module="bench.stub_gateway") as stub:
            _measure(outcome, "stub gateway", stub.first_line().rpartition(" ")[2], size)
        with running("simulator", ["simulator", "--demo", "--port", "0", *wait], env, folder) as simulator:
            url = simulator.first_line().rpartition(" ")[2]
            add_parties(url.partition("/ia/")[0] + "/admin")
            _measure(outcome, "simulator", url, size)
    outcome.notes.append(f"ratio: against one document a request at the same gateway; {BATCH} documents a request")
    return outcome


def _measure(outcome: BenchResult, gateway: str, url: str, size: Size) -> None:
    every = calls(size.runs * (size.of(ONE_BY_ONE) + size.of(IN_BATCHES) + 2))
    if len({call.control_id for call in every}) != len(every):
        raise ValueError("control ids repeat")
    fresh = iter(every)

    def rate(documents: int, batch: int) -> float:
        # Documents of their own for each run: the simulator refuses a control id that it has seen.
        chosen = [next(fresh) for _ in range(documents)]
        requests = [chosen[start : start + batch] for start in range(0, documents, batch)]
        return documents / asyncio.run(_post(url, next(fresh), requests))

    single = middle(size, lambda: rate(size.of(ONE_BY_ONE), 1))
    batched = middle(size, lambda: rate(size.of(IN_BATCHES), BATCH))
    outcome.figures += [
        Figure(f"{gateway}: one document a request", single, "documents/s", 1.0),
        Figure(f"{gateway}: in batches", batched, "documents/s", batched / single),
    ]


async def _post(url: str, first: Call, requests: Sequence[Sequence[Call]]) -> float:
    login = Login("BLUEMESA", "alvys_ws", SecretStr(USER_PASSWORD), "100")
    gate = asyncio.Semaphore(AT_A_TIME)
    async with SageClient(url, "AlvysMPP", SecretStr(SENDER_PASSWORD)) as client:

        async def send(request: Sequence[Call]) -> None:
            async with gate:
                answers = await client.post(login, request)
            wrong = [answer for answer in answers if not isinstance(answer, Done)]
            if wrong:
                raise RuntimeError(f"{len(wrong)} documents were not posted, the first: {wrong[0]}")

        # Signing in is paid once a session, not once a batch: it is left out on both sides.
        await send([first])
        began = perf_counter()
        await asyncio.gather(*map(send, requests))
        return perf_counter() - began
