"""The records to write for a connection: from the wizard's answers, from a template, for a switch, to disconnect."""

from collections.abc import Sequence

import orjson

from app.connections.settings_in_use import plain, records_of
from app.errors import UsageError
from app.mapping_changes import SettingChange
from domain.settings.keys import BadKeyError, ConnectionKey, canonical
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting, InvalidSetting

COPIED = ("account", "dimension", "custom-field", "vendor")
"""The key families that are copied from a template to another subsidiary."""


def connection_change(subsidiary: str, setting: ConnectionSetting) -> SettingChange:
    """Make the change that writes a connection's record, with only the settings that were chosen."""
    return SettingChange(
        str(ConnectionKey(subsidiary)), setting.model_dump(mode="json", by_alias=True, exclude_unset=True)
    )


def copies(template: str, subsidiary: str, state: MappingState) -> list[SettingChange]:
    """Copy the template's mappings to the keys of another subsidiary. Later changes of the template do not follow.

    Raises:
        UsageError: A mapping of the template cannot be read, so its copy would be empty.
    """
    found = []
    for record in records_of(template, state):
        family, _, rest = record.key.removeprefix(f"{template}/").partition("/")
        if family not in COPIED:
            continue
        if isinstance(record.value, InvalidSetting):
            raise UsageError(f"the template's {record.key} cannot be read: {record.value.reason}; write it again first")
        found.append((record.offset, SettingChange(f"{subsidiary}/{family}/{rest}", plain(record.value))))
    # In the order in which they were written: of two spellings of one item the later one is in effect, in copies too.
    return [change for _, change in sorted(found, key=lambda each: each[0])]


def in_standing_spelling(changes: Sequence[SettingChange], state: MappingState) -> list[SettingChange]:
    """Use the spelling of an existing record for each key, so that one setting has one key."""
    standing = {canonical(record.key): record.key for record in state.records() if _is_key(record.key)}
    return [SettingChange(standing.get(canonical(each.key), each.key), each.value, each.where) for each in changes]


def with_changes(state: MappingState, changes: Sequence[SettingChange]) -> MappingState:
    """Make the settings as they would be after the changes, for a check before anything is written."""
    future = MappingState()
    records = sorted(state.records(), key=lambda record: record.offset)
    for record in records:
        if not isinstance(record.value, InvalidSetting):
            future.apply(record.key.encode(), _bytes(plain(record.value)), record.offset)
        else:
            future.apply(record.key.encode(), b"unreadable", record.offset)
    for number, change in enumerate(changes, start=1):
        value = None if change.value is None else _bytes(dict(change.value))
        future.apply(change.key.encode(), value, state.offset + number)
    return future


def to_disconnect(subsidiary: str, state: MappingState) -> list[str]:
    """List every key of a subsidiary, the connection first, so that nothing is exported with half of the mappings."""
    own = str(ConnectionKey(subsidiary))
    keys = [record.key for record in records_of(subsidiary, state)]
    return sorted(keys, key=lambda key: (key != own, key))


def _bytes(value: dict[str, object]) -> bytes:

    return orjson.dumps(value)


def _is_key(text: str) -> bool:
    try:
        canonical(text)
    except BadKeyError:
        return False
    return True
