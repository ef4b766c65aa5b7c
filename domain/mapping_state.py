"""The settings in force: the mapping-state topic as a table.

1. `apply` takes any record and never raises. A record that cannot be read stands as `Invalid` and blocks what it stands
   for; it is never as if it were not there.
2. Null clears a setting (a tombstone). Two spellings of one item are two records of one setting: the later answers, and
   clearing one leaves the other (`domain.keys.canonical`).
3. Every look-up is one step, whatever the size of the table.
4. Families of settings that this version does not know are kept as they came.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from domain.categories import Category
from domain.custom_fields import FieldObject
from domain.dimensions import slug_of
from domain.keys import (
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
from domain.settings import (
    AccountSetting,
    ConnectionSetting,
    CustomFieldSetting,
    DimensionSetting,
    DimensionValueSetting,
    IntercompanySetting,
    Invalid,
    Other,
    Setting,
    VendorSetting,
)
from domain.table import Record, Table

_N = TypeVar("_N")
_S = TypeVar("_S", DimensionSetting, CustomFieldSetting)


@dataclass(slots=True)
class MappingState:
    """The settings. One reader applies records, in the order of their offsets; anyone may look up in between."""

    offset: int = -1
    """The highest offset applied; -1 before the first."""
    _connections: Table[ConnectionSetting] = field(default_factory=lambda: Table(ConnectionSetting.model_validate))
    _accounts: Table[AccountSetting] = field(default_factory=lambda: Table(AccountSetting.model_validate))
    _vendors: Table[VendorSetting] = field(default_factory=lambda: Table(VendorSetting.model_validate))
    _intercompany: Table[IntercompanySetting] = field(default_factory=lambda: Table(IntercompanySetting.model_validate))
    _dimensions: Table[DimensionSetting] = field(default_factory=lambda: Table(DimensionSetting.model_validate))
    _dimension_values: Table[DimensionValueSetting] = field(
        default_factory=lambda: Table(DimensionValueSetting.model_validate)
    )
    _custom_fields: Table[CustomFieldSetting] = field(default_factory=lambda: Table(CustomFieldSetting.model_validate))
    _dimensions_of: dict[str, dict[str, Record[DimensionSetting]]] = field(default_factory=dict)
    """By subsidiary and slug, what stands, in the order of the slugs."""
    _custom_fields_of: dict[str, dict[tuple[FieldObject, str], Record[CustomFieldSetting]]] = field(
        default_factory=dict
    )
    """By subsidiary, then object and field."""
    _others: Table[Other] = field(default_factory=lambda: Table(Other))
    _strays: dict[str, Record[Setting]] = field(default_factory=dict)
    """By their text, keys outside the grammar; they stand for nothing."""
    _cleared: dict[str, int] = field(default_factory=dict)
    """Master Defaults that a tombstone cleared, and where."""
    _disconnected: set[str] = field(default_factory=set)
    """Subsidiaries whose connection was cleared and not set since: their master Defaults went with it, as meant."""

    def apply(self, key: bytes, value: bytes | None, offset: int) -> str | None:
        """Take one record of the topic.

        Args:
            key: The record's key.
            value: The record's value; None, the tombstone, clears the setting.
            offset: Where the record stands in the topic.

        Returns:
            The canonical key of the setting that changed, for waking what waits on it; None if nothing that is asked
            for changed: a key outside the grammar, or a tombstone for what was not set.
        """
        self.offset = max(self.offset, offset)
        text = key.decode("utf-8", "backslashreplace")
        try:
            parsed = parse(text)
        except BadKeyError as error:
            self._strays.pop(text, None)
            if value is not None:
                self._strays[text] = Record(text, Invalid(str(error), offset), offset)
            return None
        changed = self._table(parsed).apply(parsed, value, offset)
        self._watch_master(parsed, offset)
        self._index(parsed)
        self._watch_connection(parsed)
        return parsed.canonical if changed else None

    def _table(self, key: Key) -> Table[Setting]:
        tables: dict[type[Key], Table[Setting]] = {
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
        """Keep what stands for a subsidiary together: a document asks for all of it."""
        match key:
            case DimensionKey():
                record = self._dimensions.get(key.canonical)
                _put(self._dimensions_of, key.subsidiary_id, slug_of(key.dimension), record)
            case CustomFieldKey():
                name = (key.object, key.field.upper())
                _put(self._custom_fields_of, key.subsidiary_id, name, self._custom_fields.get(key.canonical))
            case _:
                pass

    def connection(self, subsidiary_id: str) -> ConnectionSetting | Invalid | None:
        """The subsidiary's connection; `Invalid` if its record cannot be read; None if it has none."""
        record = self._connections.get(ConnectionKey(subsidiary_id).canonical)
        return None if record is None else record.value

    def account(self, canonical: str) -> Record[AccountSetting] | None:
        """What stands at just this account key, given as `AccountKey.canonical`; `domain.accounts` walks the levels."""
        return self._accounts.get(canonical)

    def vendor(self, canonical: str) -> Record[VendorSetting] | None:
        """What stands at just this provider, given as `VendorKey.canonical`; `domain.export` asks the default next."""
        return self._vendors.get(canonical)

    def intercompany(self, canonical: str) -> Record[IntercompanySetting] | None:
        """What stands for another subsidiary, given as `IntercompanyKey.canonical`."""
        return self._intercompany.get(canonical)

    def dimensions(self, subsidiary_id: str) -> Mapping[str, Record[DimensionSetting]]:
        """The subsidiary's dimensions by slug; `domain.carried` resolves them."""
        return self._dimensions_of.get(subsidiary_id, {})

    def dimension_value(self, canonical: str) -> Record[DimensionValueSetting] | None:
        """What stands at just this value, given as `DimensionValueKey.canonical`."""
        return self._dimension_values.get(canonical)

    def custom_fields(self, subsidiary_id: str) -> Mapping[tuple[FieldObject, str], Record[CustomFieldSetting]]:
        """The subsidiary's custom fields by object and name; `domain.carried` resolves them."""
        return self._custom_fields_of.get(subsidiary_id, {})

    def connections(self) -> Iterator[Record[ConnectionSetting]]:
        """Every subsidiary's connection that stands, readable or not."""
        yield from self._connections

    def records(self) -> list[Record[Setting]]:
        """Every record that stands, keys outside the grammar too, in the order of their keys."""
        tables: list[Record[Setting]] = [
            *(*self._connections, *self._accounts, *self._vendors, *self._intercompany),
            *(*self._dimensions, *self._dimension_values, *self._custom_fields, *self._others),
        ]
        return sorted([*tables, *self._strays.values()], key=lambda record: record.key)

    def problems(self) -> list[Record[Setting]]:
        """The records that cannot be read."""
        return [record for record in self.records() if not record.valid]

    def cleared_masters(self) -> dict[str, int]:
        """Master Defaults that a tombstone cleared, against requirement 58, and the tombstones' offsets.

        Not those of a subsidiary that was disconnected: all its settings are meant to be gone (requirement 30).

        They are honoured as cleared: after compaction nobody could tell what stood there, and documents wait
        (`ACCOUNT_UNMAPPED`) rather than go by a setting that some workers remember and others do not.
        """
        return {key: offset for key, offset in self._cleared.items() if key.partition("/")[0] not in self._disconnected}


def _put(of: dict[str, dict[_N, Record[_S]]], subsidiary_id: str, name: _N, record: Record[_S] | None) -> None:
    """Set or drop one; the names stay sorted, so that every worker sees them in one order."""
    standing = dict(of.get(subsidiary_id, {}))
    standing.pop(name, None)
    if record is not None:
        standing[name] = record
    of[subsidiary_id] = dict(sorted(standing.items(), key=lambda item: str(item[0])))
