"""Lists from Sage that the wizard offers to choose from: entities, accounts, terms."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

from app.connections.doctor import login_for, signed_in
from app.connections.findings import Finding
from app.connections.wizard_answers import Draft
from app.errors import CommandError
from app.settings import Settings
from domain.categories import Side
from sage_client import Account, Entity, Login, SageClient, SageError

T = TypeVar("T")


class LiveCompany:
    """Synchronous reader of a company for the wizard: each method runs its request to the end.

    Args:
        runner: Runs the requests.
        settings: Credentials and the sender.
        client: The Sage client.
    """

    def __init__(self, runner: asyncio.Runner, settings: Settings, client: SageClient) -> None:
        self._runner = runner
        self._settings = settings
        self._client = client
        self._accounts: Sequence[Account] | None = None

    def sign_in(self, draft: Draft) -> Finding | None:
        """Sign in: at the top level, or in the entity of a set-up that was begun. Returns a finding if that fails."""
        login = self._login(draft)
        if isinstance(login, Finding):
            return login
        self._accounts = None
        top = login if draft.fixed else replace(login, entity_id=None)
        refused = self._runner.run(signed_in(self._settings, self._client, top))
        return refused[0] if refused else None

    def entities(self, draft: Draft) -> Sequence[Entity]:
        """The company's entities, active or not. Like the methods below, it raises CommandError if Sage fails."""
        return self._read(self._client.entities(replace(self._known(draft), entity_id=None)))

    def accounts(self, draft: Draft) -> Sequence[Account]:
        """The company's GL accounts, active or not, read once per sign-in."""
        if self._accounts is None:
            self._accounts = self._read(self._client.accounts(self._known(draft)))
        return self._accounts

    def terms(self, draft: Draft) -> Sequence[str]:
        """The names of the terms that are active on both sides."""
        login = self._known(draft)
        ar, ap = (self._read(self._client.terms(login, side)) for side in (Side.AR, Side.AP))
        both = {each.name for each in ar if each.active} & {each.name for each in ap if each.active}
        return sorted(both)

    def _login(self, draft: Draft) -> Login | Finding:
        return login_for(self._settings, draft.subsidiary, draft.setting(state="paused"))

    def _known(self, draft: Draft) -> Login:
        login = self._login(draft)
        if isinstance(login, Finding):
            raise CommandError(login.what)
        return login

    def _read(self, reading: Awaitable[T]) -> T:
        async def read() -> T:
            return await reading

        try:
            return self._runner.run(read())
        except SageError as error:
            raise CommandError(f"Sage Intacct: {error}; nothing was written") from None
