"""The accounts, vendors, dimensions and custom fields that the settings of a subsidiary name in Sage."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from domain.settings.keys import BadKeyError, VendorKey, parse
from domain.settings.mapping_state import MappingState
from domain.settings.setting_table import SettingRecord
from domain.settings.values import AccountSetting, InvalidSetting, OtherSetting, Setting, VendorSetting

DIMENSION, FIELD = "dimension", "custom-field"
"""Key families, named as in `domain.settings.keys`."""


@dataclass(frozen=True, slots=True)
class MappedDimension:
    """A dimension that has a mapping. `values` are ids in Sage, by the key of the setting that names each."""

    name: str
    """The slug in the keys, such as `location`."""
    object: str
    """The object in Sage, such as `LOCATION`. For a user-defined dimension, its setting names the object."""
    key: str
    default: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MappedField:
    """A custom field that has a mapping."""

    object: str
    """The slug in the key, such as `arinvoice`."""
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class SettingsInUse:
    """All settings of one subsidiary that name something in Sage, and its records that cannot be read."""

    accounts: tuple[SettingRecord[AccountSetting], ...]
    vendors: tuple[SettingRecord[VendorSetting], ...]
    dimensions: tuple[MappedDimension, ...]
    fields: tuple[MappedField, ...]
    unreadable: tuple[SettingRecord[Setting], ...]


def records_of(subsidiary_id: str, state: MappingState) -> list[SettingRecord[Setting]]:
    """List every record of a subsidiary, also those with keys outside the grammar, in the order of their keys."""
    return [record for record in state.records() if record.key.startswith(f"{subsidiary_id}/")]


def mapped(subsidiary_id: str, state: MappingState) -> SettingsInUse:
    """Collect the settings of a subsidiary. If a setting has several records, the one in effect is taken."""
    records = records_of(subsidiary_id, state)
    accounts = {}
    vendors = {}
    for record in records:
        canonical = _canonical(record.key)
        if canonical is None:
            continue
        if (account := state.account(canonical)) is not None:
            accounts[canonical] = account
        elif (vendor := state.vendor(canonical)) is not None:
            vendors[canonical] = vendor
    return SettingsInUse(
        tuple(accounts.values()),
        tuple(vendors.values()),
        tuple(_dimensions(subsidiary_id, records)),
        tuple(_fields(subsidiary_id, records)),
        tuple(record for record in records if not record.valid),
    )


def vendor_ids(found: SettingsInUse) -> tuple[str, ...]:
    """The ids of the vendors that settings name, each once."""
    ids = (record.value.vendor_id for record in found.vendors if not isinstance(record.value, InvalidSetting))
    return tuple(dict.fromkeys(ids))


def providers_with_vendors(found: SettingsInUse) -> set[str]:
    """The kinds of provider, `fuel` or `toll`, for which at least one provider has a vendor."""
    keys = (parse(record.key) for record in found.vendors)
    return {key.kind.value for key in keys if isinstance(key, VendorKey)}


def plain(value: Setting) -> dict[str, object]:
    """A setting's value as it was written, without the defaults of this version."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    read = value.json if isinstance(value, OtherSetting) else None
    return {name: each for name, each in read.items() if name not in {"by", "at"}} if isinstance(read, dict) else {}


def _dimensions(subsidiary_id: str, records: list[SettingRecord[Setting]]) -> Iterator[MappedDimension]:
    prefix = f"{subsidiary_id}/{DIMENSION}/"
    own: dict[str, tuple[str, str, str | None]] = {}
    values: dict[str, dict[str, str]] = {}
    for record in records:
        if not record.key.startswith(prefix) or isinstance(record.value, InvalidSetting):
            continue
        name, _, value = record.key.removeprefix(prefix).partition("/")
        setting = plain(record.value)
        if value:
            values.setdefault(name, {})[record.key] = str(setting.get("value", ""))
        else:
            default = setting.get("default")
            named = str(setting.get("userDefined") or _object(name))
            own[name] = named, record.key, None if default is None else str(default)
    for name in sorted(own.keys() | values.keys()):
        named, key, default = own.get(name, (_object(name), f"{prefix}{name}", None))
        yield MappedDimension(name, named, key, default, values.get(name, {}))


def _object(slug: str) -> str:
    return slug.upper().replace("-", "_")


def _fields(subsidiary_id: str, records: list[SettingRecord[Setting]]) -> Iterator[MappedField]:
    prefix = f"{subsidiary_id}/{FIELD}/"
    for record in records:
        if record.key.startswith(prefix):
            name, _, field_name = record.key.removeprefix(prefix).partition("/")
            yield MappedField(name, field_name, record.key)


def _canonical(key: str) -> str | None:
    try:
        return parse(key).canonical
    except BadKeyError:
        return None
