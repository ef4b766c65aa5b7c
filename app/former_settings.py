"""Settings that were renamed: the former name of a variable works for one version, and is told as deprecated.

A former name is read as if the present one were set. Both may be set if their values are equal, so that one environment
serves both versions while they are exchanged. Two different values are an error: neither is a guess of ours to make.
"""

import os
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from app.variables import variable

FORMER_SETTINGS = {
    "give_up_seconds": "circuit_open_after_seconds",
    "probe_seconds": "circuit_retry_seconds",
    "window": "max_in_flight_records",
    "send_within_seconds": "send_deadline_seconds",
    "execution_seconds": "execution_limit_seconds",
    "people_file": "roles_file",
    "replication": "replication_factor",
    "mapping_policy": "mapping_state_policy_check",
    "topic_roadside_bill": "topic_consolidated_bill",
}
"""The former field of each renamed setting, and the present one. The version after this one no longer reads them."""
REMOVED_SETTINGS = ("retries_per_document", "max_poll_records", "rebalance_timeout_ms")
"""Settings that are gone: nobody could say a better value than the one that is built in. A rebalance waits as long as
`max_poll_interval_ms`, as Kafka's own clients do."""
CODE = "SETTING_GIVEN_TWICE"
"""The code of two different values under the former and the present name. It is stable, like every code."""


def _environment() -> dict[str, str]:
    """The variables that are set, by name in upper case. An empty one counts as not set."""
    return {name.upper(): value for name, value in os.environ.items() if value}


def in_use() -> dict[str, str]:
    """The former names that the environment uses: former variable by present field."""
    given = _environment()
    return {present: variable(former) for former, present in FORMER_SETTINGS.items() if variable(former) in given}


def deprecations() -> list[str]:
    """A sentence for each name in use that is former or gone: what to use, or that it has no effect."""
    given = _environment()
    gone = [variable(each) for each in REMOVED_SETTINGS if variable(each) in given]
    return [
        *(f"{former} is deprecated, use {variable(present)}" for present, former in in_use().items()),
        *(f"{name} has no effect any more, remove it" for name in gone),
    ]


def contradictions() -> list[str]:
    """A sentence with the fix for each setting that has different values under its two names; no value is shown."""
    given = _environment()
    return [
        f"{CODE}: {former} and {variable(present)}, its new name, have different values: remove {former}"
        for present, former in in_use().items()
        if given.get(variable(present), given[former]) != given[former]
    ]


class FormerNamesSource(PydanticBaseSettingsSource):
    """Settings source that reads the former names; sources before it have precedence."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - pydantic's
        """Return nothing: `__call__` provides the fields."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The value of each former variable that is set, by present field."""
        given = _environment()
        return {present: given[former] for present, former in in_use().items()}
