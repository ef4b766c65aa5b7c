"""The settings in force: the mapping-state topic as a table.

1. `apply` takes any record and never raises. A record that cannot be read stands as `Invalid` and blocks what it stands
   for; it is never as if it were not there.
2. Null clears a setting (a tombstone). Two spellings of one item are two records of one setting: the later answers, and
   clearing one leaves the other (`domain.keys.canonical`).
3. Every look-up is one step, whatever the size of the table.
4. Families of settings that this version does not know are kept as they came.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.categories import Category
from domain.keys import AccountKey, BadKeyError, ConnectionKey, Key, VendorKey, parse
from domain.settings import AccountSetting, ConnectionSetting, Invalid, Other, Setting, VendorSetting
from domain.table import Record, Table


@dataclass(slots=True)
class MappingState:
    """The settings. One reader applies records, in the order of their offsets; anyone may look up in between."""

    offset: int = -1
    """The highest offset applied; -1 before the first."""
    _connections: Table[ConnectionSetting] = field(default_factory=lambda: Table(ConnectionSetting.model_validate))
    _accounts: Table[AccountSetting] = field(default_factory=lambda: Table(AccountSetting.model_validate))
    _vendors: Table[VendorSetting] = field(default_factory=lambda: Table(VendorSetting.model_validate))
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
        self._watch_connection(parsed)
        return parsed.canonical if changed else None

    def _table(
        self, key: Key
    ) -> Table[ConnectionSetting] | Table[AccountSetting] | Table[VendorSetting] | Table[Other]:
        match key:
            case ConnectionKey():
                return self._connections
            case AccountKey():
                return self._accounts
            case VendorKey():
                return self._vendors
            case _:
                return self._others

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

    def connections(self) -> Iterator[Record[ConnectionSetting]]:
        """Every subsidiary's connection that stands, readable or not."""
        yield from self._connections

    def records(self) -> list[Record[Setting]]:
        """Every record that stands, keys outside the grammar too, in the order of their keys."""
        tables: list[Record[Setting]] = [*self._connections, *self._accounts, *self._vendors, *self._others]
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
