"""The settings in force: the mapping-state topic as a table.

1. `apply` takes any record and never raises. A record that cannot be read is stored as `InvalidSetting` and blocks
   every document that needs its setting; it is never treated as missing.
2. A record without a value (a tombstone) clears a setting. Two spellings of one item are two records of one setting:
   the later one is in force, and clearing one leaves the other (`domain.settings.keys.canonical`).
3. Every look-up takes one step, whatever the size of the table.
4. Families of settings that this version does not know are stored unchanged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from domain.categories import Category
from domain.settings.custom_fields import FieldObject
from domain.settings.dimensions import slug_of
from domain.settings.keys import (
    AccountKey,
    BadKeyError,
    ConnectionKey,
    CustomFieldKey,
    DimensionKey,
    DimensionValueKey,
    IntercompanyKey,
    Key,
    VendorKey,
    parse,
)
from domain.settings.setting_table import SettingRecord, SettingTable
from domain.settings.values import (
    AccountSetting,
    ConnectionSetting,
    CustomFieldSetting,
    DimensionSetting,
    DimensionValueSetting,
    IntercompanySetting,
    InvalidSetting,
    OtherSetting,
    Setting,
    VendorSetting,
)

_N = TypeVar("_N")
_S = TypeVar("_S", DimensionSetting, CustomFieldSetting)


@dataclass(slots=True)
class MappingState:
    """The settings in force.

    One reader applies the records in the order of their offsets; any other code may look settings up in between.
    """

    offset: int = -1
    """The highest offset applied; -1 before the first."""
    _connections: SettingTable[ConnectionSetting] = field(
        default_factory=lambda: SettingTable(ConnectionSetting.model_validate)
    )
    _accounts: SettingTable[AccountSetting] = field(default_factory=lambda: SettingTable(AccountSetting.model_validate))
    _vendors: SettingTable[VendorSetting] = field(default_factory=lambda: SettingTable(VendorSetting.model_validate))
    _intercompany: SettingTable[IntercompanySetting] = field(
        default_factory=lambda: SettingTable(IntercompanySetting.model_validate)
    )
    _dimensions: SettingTable[DimensionSetting] = field(
        default_factory=lambda: SettingTable(DimensionSetting.model_validate)
    )
    _dimension_values: SettingTable[DimensionValueSetting] = field(
        default_factory=lambda: SettingTable(DimensionValueSetting.model_validate)
    )
    _custom_fields: SettingTable[CustomFieldSetting] = field(
        default_factory=lambda: SettingTable(CustomFieldSetting.model_validate)
    )
    _dimensions_of: dict[str, dict[str, SettingRecord[DimensionSetting]]] = field(default_factory=dict)
    """The dimension settings by subsidiary and slug, in the order of the slugs."""
    _custom_fields_of: dict[str, dict[tuple[FieldObject, str], SettingRecord[CustomFieldSetting]]] = field(
        default_factory=dict
    )
    """The custom field settings by subsidiary, then by object and field name."""
    _others: SettingTable[OtherSetting] = field(default_factory=lambda: SettingTable(OtherSetting))
    _malformed: dict[str, SettingRecord[Setting]] = field(default_factory=dict)
    """The records whose keys do not follow the grammar, by key. They have no effect on documents."""
    _cleared: dict[str, int] = field(default_factory=dict)
    """The canonical keys of master Defaults that a tombstone cleared, with the offset of the tombstone."""
    _disconnected: set[str] = field(default_factory=set)
    """Subsidiaries whose connection was cleared and not set again. Their master Defaults were cleared on purpose."""

    def apply(self, key: bytes, value: bytes | None, offset: int) -> str | None:
        """Apply one record of the topic.

        Args:
            key: The key of the record.
            value: The value of the record; None (a tombstone) clears the setting.
            offset: The offset of the record in the topic.

        Returns:
            The canonical key of the changed setting, so that the documents waiting for it can be released. None if no
            setting changed: the key does not follow the grammar, or the tombstone met no setting.
        """
        self.offset = max(self.offset, offset)
        text = key.decode("utf-8", "backslashreplace")
        try:
            parsed = parse(text)
        except BadKeyError as error:
            self._malformed.pop(text, None)
            if value is not None:
                self._malformed[text] = SettingRecord(text, InvalidSetting(str(error), offset), offset)
            return None
        changed = self._table(parsed).apply(parsed, value, offset)
        self._watch_master(parsed, offset)
        self._index(parsed)
        self._watch_connection(parsed)
        return parsed.canonical if changed else None

    def _table(self, key: Key) -> SettingTable[Setting]:
        tables: dict[type[Key], SettingTable[Setting]] = {
            ConnectionKey: self._connections,
            AccountKey: self._accounts,
            VendorKey: self._vendors,
            IntercompanyKey: self._intercompany,
            DimensionKey: self._dimensions,
            DimensionValueKey: self._dimension_values,
            CustomFieldKey: self._custom_fields,
        }
        return tables.get(type(key), self._others)

    def _watch_master(self, key: Key, offset: int) -> None:
        if not isinstance(key, AccountKey) or key.category is not Category.DEFAULT:
            return
        if self.account(key.canonical) is None:
            self._cleared[key.canonical] = offset
        else:
            self._cleared.pop(key.canonical, None)

    def _watch_connection(self, key: Key) -> None:
        if isinstance(key, ConnectionKey):
            gone = self._connections.get(key.canonical) is None
            (self._disconnected.add if gone else self._disconnected.discard)(key.subsidiary_id)

    def _index(self, key: Key) -> None:
        """Index dimensions and custom fields by subsidiary, because a document needs all those of its subsidiary."""
        match key:
            case DimensionKey():
                record = self._dimensions.get(key.canonical)
                _put(self._dimensions_of, key.subsidiary_id, slug_of(key.dimension), record)
            case CustomFieldKey():
                name = (key.object, key.field.upper())
                _put(self._custom_fields_of, key.subsidiary_id, name, self._custom_fields.get(key.canonical))
            case _:
                pass

    def connection(self, subsidiary_id: str) -> ConnectionSetting | InvalidSetting | None:
        """The connection of a subsidiary; `InvalidSetting` if the record cannot be read; None if there is none."""
        record = self._connections.get(ConnectionKey(subsidiary_id).canonical)
        return None if record is None else record.value

    def account(self, canonical: str) -> SettingRecord[AccountSetting] | None:
        """Look up the record of exactly this `AccountKey.canonical`; `lines.accounts` tries the levels in turn."""
        return self._accounts.get(canonical)

    def vendor(self, canonical: str) -> SettingRecord[VendorSetting] | None:
        """Look up the record of exactly this `VendorKey.canonical`; `domain.export` then tries the default provider."""
        return self._vendors.get(canonical)

    def intercompany(self, canonical: str) -> SettingRecord[IntercompanySetting] | None:
        """Look up the record of another subsidiary, given as `IntercompanyKey.canonical`."""
        return self._intercompany.get(canonical)

    def dimensions(self, subsidiary_id: str) -> Mapping[str, SettingRecord[DimensionSetting]]:
        """The dimension settings of a subsidiary by slug; `domain.lines.line_attributes` resolves them."""
        return self._dimensions_of.get(subsidiary_id, {})

    def dimension_value(self, canonical: str) -> SettingRecord[DimensionValueSetting] | None:
        """Look up the record of exactly this `DimensionValueKey.canonical`."""
        return self._dimension_values.get(canonical)

    def custom_fields(self, subsidiary_id: str) -> Mapping[tuple[FieldObject, str], SettingRecord[CustomFieldSetting]]:
        """The custom field settings of a subsidiary by object and name; `line_attributes` resolves them."""
        return self._custom_fields_of.get(subsidiary_id, {})

    def connections(self) -> Iterator[SettingRecord[ConnectionSetting]]:
        """Iterate over the connections of all subsidiaries, readable or not."""
        yield from self._connections

    @property
    def serves_several_companies(self) -> bool:
        """Whether the subsidiaries are connected to more than one Sage company."""
        settings = (record.value for record in self._connections)
        return len({each.company_id for each in settings if isinstance(each, ConnectionSetting)}) > 1

    def records(self) -> list[SettingRecord[Setting]]:
        """List all current records in the order of their keys, including those whose key breaks the grammar."""
        tables: list[SettingRecord[Setting]] = [
            *(*self._connections, *self._accounts, *self._vendors, *self._intercompany),
            *(*self._dimensions, *self._dimension_values, *self._custom_fields, *self._others),
        ]
        return sorted([*tables, *self._malformed.values()], key=lambda record: record.key)

    def problems(self) -> list[SettingRecord[Setting]]:
        """List the records that cannot be read."""
        return [record for record in self.records() if not record.valid]

    def cleared_masters(self) -> dict[str, int]:
        """List the master Defaults that a tombstone cleared, against requirement 58, with the tombstones' offsets.

        Those of a disconnected subsidiary are not listed: all its settings should be gone (requirement 30).

        A cleared master Default counts as cleared. After compaction the former value is lost, so some workers would
        still know it and others would not; documents wait instead (`ACCOUNT_UNMAPPED`).
        """
        return {key: offset for key, offset in self._cleared.items() if key.partition("/")[0] not in self._disconnected}


def _put(
    of: dict[str, dict[_N, SettingRecord[_S]]], subsidiary_id: str, name: _N, record: SettingRecord[_S] | None
) -> None:
    """Set or remove one record; the names stay sorted, so that every worker sees them in the same order."""
    standing = dict(of.get(subsidiary_id, {}))
    standing.pop(name, None)
    if record is not None:
        standing[name] = record
    of[subsidiary_id] = dict(sorted(standing.items(), key=lambda item: str(item[0])))
