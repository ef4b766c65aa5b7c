"""Credentials from a function of your own, a third source beside the environment and the file.

``ALVYS_SAGE_CREDENTIALS_PROVIDER`` is a dotted path, ``package.module:function``, or the name of an entry point in the
group ``alvys_sage.credentials``. The function gets a connection's credentials name and returns user and password, or
None if it knows no such name. For example, with a vault's own client::

    def of_vault(name: str) -> tuple[str, str] | None:
        secret = vault.read(f"alvys-sage/{name}")
        return None if secret is None else (secret["user"], secret["password"])

The function is called at most once a minute per name, in the worker's own thread: it must return or raise within a
second. While it raises, its last answer is used.
"""

import time
from functools import lru_cache
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Protocol

from pydantic import SecretStr

from app.credentials import Credentials
from app.errors import SettingsError

GROUP = "alvys_sage.credentials"
FRESH = 60.0
"""Seconds for which an answer is used without another call."""
_PARTS = 2


class SecretProvider(Protocol):
    """A function that returns the user and password of a credentials name."""

    def __call__(self, name: str, /) -> tuple[str, str] | None:
        """Return user and password; None: there is no such name. Any error counts as "not available now"."""


class Provided:
    """Cache of a provider's answers, each kept for `FRESH` seconds. No error text contains any part of an answer.

    Args:
        where: The setting, for error texts.
        provider: The function.
    """

    def __init__(self, where: str, provider: SecretProvider) -> None:
        self._where = where
        self._provider = provider
        self._kept: dict[str, tuple[float, Credentials | None]] = {}

    def get(self, name: str) -> Credentials | None:
        """The credentials of a name; None if the provider knows no such name.

        Raises:
            SettingsError: The provider failed and has never answered for the name, or it returned no (user, password).
        """
        kept = self._kept.get(name)
        now = time.monotonic()
        if kept is not None and now - kept[0] < FRESH:
            return kept[1]
        failed = ""
        try:
            answer: object = self._provider(name)
        except Exception as error:  # noqa: BLE001 - foreign code; its error text could contain a secret
            if kept is not None:
                return kept[1]
            failed = type(error).__name__
        if failed:
            raise SettingsError([f"{self._where} failed for {name!r}: {failed}"])
        found = None if answer is None else _read(answer)
        if answer is not None and found is None:
            raise SettingsError([f"{self._where} gave no (user, password) for {name!r}"])
        self._kept[name] = (now, found)
        return found


def _read(answer: object) -> Credentials | None:
    if not isinstance(answer, tuple | list) or len(answer) != _PARTS:
        return None
    user, password = answer
    if not (isinstance(user, str) and isinstance(password, str) and user and password):
        return None
    return Credentials(user=user, password=SecretStr(password))


@lru_cache(maxsize=8)
def provided_by(spec: str) -> Provided:
    """Load the provider that the setting names.

    Raises:
        SettingsError: The function is not installed, or cannot be called.
    """
    where = f"ALVYS_SAGE_CREDENTIALS_PROVIDER: {spec}"
    try:
        if ":" in spec or "." in spec:
            found = resolve_name(spec)
        else:
            found = next(point.load() for point in entry_points(group=GROUP, name=spec))
    except (ImportError, AttributeError, ValueError):
        raise SettingsError([f"{where}: cannot be imported"]) from None
    except StopIteration:
        raise SettingsError([f"{where}: no entry point of that name in the group {GROUP}"]) from None
    if not callable(found):
        raise SettingsError([f"{where}: is no function"])
    return Provided(where, found)
