"""A table of one family of settings by canonical key: a key may have many spellings, but one record is in force."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from domain.events.wire import ContractError, in_words, not_xml, parse
from domain.settings.keys import Key
from domain.settings.values import InvalidSetting, Setting
from domain.text import single_line

S_co = TypeVar("S_co", bound=Setting, covariant=True)


@dataclass(frozen=True, slots=True)
class SettingRecord(Generic[S_co]):
    """The latest record of one key: the key as it was written, the value, and the offset of the record."""

    key: str
    value: S_co | InvalidSetting
    offset: int

    @property
    def valid(self) -> bool:
        """Whether the value can be read."""
        return not isinstance(self.value, InvalidSetting)


@dataclass(slots=True)
class SettingTable(Generic[S_co]):
    """The records of one family. Iterating yields the current record of every spelling."""

    read: Callable[[object], S_co]
    """The function from parsed JSON to the setting. It may raise pydantic's ValidationError."""
    _by_spelling: dict[str, dict[str, SettingRecord[S_co]]] = field(default_factory=dict)
    _effective: dict[str, SettingRecord[S_co]] = field(default_factory=dict)

    def get(self, canonical: str) -> SettingRecord[S_co] | None:
        """The record in force: of several spellings, the one written last; None if there is none."""
        return self._effective.get(canonical)

    def __iter__(self) -> Iterator[SettingRecord[S_co]]:
        for spellings in self._by_spelling.values():
            yield from spellings.values()

    def apply(self, key: Key, value: bytes | None, offset: int) -> bool:
        """Set the record of one spelling, or clear it (`value` None); False if there was nothing to clear."""
        canonical, text = key.canonical, str(key)
        spellings = self._by_spelling.setdefault(canonical, {})
        if value is not None:
            spellings[text] = self._effective[canonical] = SettingRecord(text, self._read(value, offset), offset)
            return True
        found = spellings.pop(text, None)
        if spellings:
            self._effective[canonical] = max(spellings.values(), key=lambda record: record.offset)
        else:
            del self._by_spelling[canonical]
            self._effective.pop(canonical, None)
        return found is not None

    def _read(self, value: bytes, offset: int) -> S_co | InvalidSetting:
        try:
            setting = self.read(parse(value))
        except ContractError as error:
            return InvalidSetting(error.detail, offset)
        except ValidationError as error:
            return InvalidSetting(single_line(in_words(error)), offset)
        wrong = not_xml(value, setting) if isinstance(setting, BaseModel) else None
        return setting if wrong is None else InvalidSetting(wrong, offset)
