"""The seam behind which a gateway stands. Faults come from our proxy, so a gateway needs no faults of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import httpx
from pydantic import SecretStr

from chaos.books import BookedDocument, by_query, of_simulator
from chaos.neighbours import NEIGHBOURS, neighbours_companies
from demo.events.world import CONNECTED
from demo.processes import Process
from demo.rig import USER_PASSWORD, add_parties
from sage_client import Login, SageClient

TIMEOUT = 120.0


class ChaosGateway(Protocol):
    """What a run needs of a gateway that holds the companies of `python -m chaos companies`."""

    @property
    def name(self) -> str:
        """For the report."""

    def start(self) -> str:
        """Its address; it answers from here on."""

    def stop(self) -> None:
        """End what was started."""

    async def books(self) -> list[BookedDocument]:
        """Every AR invoice and AP bill that stands in its companies, and was not there at the start."""


class OurSimulator:
    """`alvys-sage simulator` as a process; its books are read from its database by its admin endpoint."""

    name = "the project's simulator, books from its database"

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self._env, self._folder = env, folder
        self._process: Process | None = None
        self._admin = ""

    def start(self) -> str:
        """Start it with the companies of the demonstration."""
        self._process = Process("simulator", ["simulator", "--demo", "--port", "0"], self._env, self._folder)
        url = self._process.first_line().rpartition(" ")[2]
        self._admin = url.partition("/ia/")[0] + "/admin"
        add_parties(self._admin)
        with httpx.Client(trust_env=False, timeout=TIMEOUT) as http:
            for company in neighbours_companies():
                http.post(f"{self._admin}/company", content=company.model_dump_json()).raise_for_status()
        return url

    def stop(self) -> None:
        """Stop the process."""
        if self._process is not None:
            self._process.stop()

    async def books(self) -> list[BookedDocument]:
        """Asked of the database, not of the code that answers workers."""
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT) as http:
            answer = await http.get(f"{self._admin}/documents")
        return of_simulator(answer.raise_for_status().json()["documents"])


class OtherGateway:
    """Any XML gateway that runs already; its books are read with Sage's `query`, past the proxy."""

    def __init__(self, url: str, env: Mapping[str, str], *, neighbours: bool = False) -> None:
        """`neighbours`: whether it holds the companies that are slow or hang, too."""
        self.name = f"{url}, books by query"
        self._url = url
        self._sender = env["ALVYS_SAGE_SENDER_ID"], SecretStr(env["ALVYS_SAGE_SENDER_PASSWORD"])
        wanted = CREDENTIALS if neighbours else dict.fromkeys(each.company for each in CONNECTED)
        self._logins = [_login(company, env) for company in wanted]
        self._there_before: set[tuple[str, str, str]] | None = None

    def start(self) -> str:
        """Nothing to start."""
        return self._url

    def stop(self) -> None:
        """It is not ours to stop."""

    async def books(self) -> list[BookedDocument]:
        """The first call, before the run, notes what is there already."""
        async with SageClient(self._url, *self._sender) as client:
            found = await by_query(client, self._logins)
        if self._there_before is None:
            self._there_before = {_record(each) for each in found}
        return [each for each in found if _record(each) not in self._there_before]


CREDENTIALS = {"BLUEMESA": "BLUE_MESA", "HIGHLINE": "HIGHLINE"} | {each.company: "HIGHLINE" for each in NEIGHBOURS}
"""By company: the name under which its user is set, `ALVYS_SAGE_CREDENTIALS__<NAME>__USER` and `__PASSWORD`."""


def _login(company: str, env: Mapping[str, str]) -> Login:
    stem = f"ALVYS_SAGE_CREDENTIALS__{CREDENTIALS[company]}__"
    password = env.get(f"{stem}PASSWORD", USER_PASSWORD)
    return Login(company, env.get(f"{stem}USER", "alvys_ws"), SecretStr(password), None)


def _record(each: BookedDocument) -> tuple[str, str, str]:
    return each.company, each.sage_object, each.record_no
