"""Dimensions of the lines, and custom fields of the lines and of the document. Pure.

Like `lines.accounts`, this module only looks up mapping-state and the facts of the event. Lines with the same facts
are resolved once. The value of a dimension is the value mapping of the Alvys value, else the default of the dimension,
else the Alvys value unchanged (Alvys's article "How to Configure Dimension and Custom Field Mappings for Sage
Intacct"). The location of the connection is the default of the dimension Location.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from domain.attributes import AttributeName, Attributes, canonical
from domain.codes import Code
from domain.documents import (
    CustomValue,
    DocumentLine,
    LineDimension,
    LinesWithAttributes,
    SageObject,
    SourceDocument,
    SourceKind,
    ValueSource,
    becomes,
)
from domain.outcomes import Deferred, Rejected
from domain.settings.custom_fields import TITLES, FieldObject, converted, is_reserved
from domain.settings.dimensions import DimensionSource, Standard
from domain.settings.keys import ConnectionKey, DimensionValueKey
from domain.settings.keys import canonical as canonical_key
from domain.settings.mapping_state import MappingState
from domain.settings.setting_table import SettingRecord
from domain.settings.values import ConnectionSetting, CustomFieldSetting, DimensionSetting, InvalidSetting

MOST_KEYS = 200
"""Upper limit of the blocker keys that one waiting document names.

Leaving keys out loses no wake-up: when any named key arrives, the document is mapped again, with the keys that block
it then.
"""

_FACTS = {
    DimensionSource.SUBSIDIARY: AttributeName.SUBSIDIARY,
    DimensionSource.FLEET: AttributeName.FLEET,
    DimensionSource.OFFICE: AttributeName.OFFICE,
    DimensionSource.DRIVER: AttributeName.DRIVER,
    DimensionSource.TRUCK: AttributeName.TRUCK,
    DimensionSource.TRAILER: AttributeName.TRAILER,
    DimensionSource.CONTRACTOR_TYPE: AttributeName.CONTRACTOR_TYPE,
}
_STANDARD: dict[str, Standard] = {standard.value: standard for standard in Standard}
_FIELDS: dict[SageObject, tuple[FieldObject | None, FieldObject | None]] = {
    SageObject.AR_INVOICE: (FieldObject.AR_INVOICE, FieldObject.AR_INVOICE_ITEM),
    SageObject.AP_BILL: (FieldObject.AP_BILL, FieldObject.AP_BILL_ITEM),
}
"""The objects whose custom fields a document can carry (requirement 42); adjustments have none."""
_PRIORITY = (
    *(Code.SETTING_INVALID, Code.DIMENSION_NOT_ON_INVOICES, Code.DIMENSION_NEEDS_ID, Code.DIMENSION_MISSING),
    *(Code.CUSTOM_FIELD_MISSING, Code.CUSTOM_FIELD_UNUSABLE, Code.CUSTOM_FIELD_TOO_LONG),
)
"""Order of the codes, most important first: a document with several problems is answered with the first of them."""


@dataclass(frozen=True, slots=True)
class _Problem:
    """One problem that keeps the document from being exported. A change of one of `keys` may solve it."""

    code: Code
    detail: str
    keys: tuple[str, ...]
    rejects: bool = False
    """True if a person has to correct the event or the setting. False if the document waits for one of `keys`."""


def add_dimensions_and_fields(
    source: SourceDocument, setting: ConnectionSetting, state: MappingState, lines: tuple[DocumentLine, ...]
) -> LinesWithAttributes | Deferred | Rejected:
    """Add dimensions and custom fields to the lines, and custom fields to the document.

    Args:
        source: The document as the event describes it, with the facts of the document and of each line.
        setting: The connection of the subsidiary.
        state: The settings in force.
        lines: The lines to add to, one for each line of `source`, in the same order.

    Returns:
        The completed lines and the custom fields of the document; else `Deferred`, or `Rejected` if a person has to
        act. Both name the keys that release the document.
    """
    dimensions, fields = state.dimensions(source.subsidiary_id), state.custom_fields(source.subsidiary_id)
    if not dimensions and not fields:
        return LinesWithAttributes(lines)
    walk = _Resolver(source, setting, state)
    of_header, of_item = (
        [(name, record) for (object_name, name), record in fields.items() if object_name is mapped]
        for mapped in _FIELDS.get(becomes(source.side, source.total), (None, None))
    )
    found: dict[int, tuple[tuple[LineDimension, ...], tuple[CustomValue, ...]]] = {}
    custom = walk.fields(of_header, source.facts)
    result = []
    for line, said in zip(lines, source.lines, strict=True):
        facts = said.facts
        if (own := found.get(id(facts))) is None:  # ids stay valid: the source document keeps the facts alive
            own = found[id(facts)] = (walk.dimensions(dimensions, facts), walk.fields(of_item, facts))
        location = next((each.value for each in own[0] if each.dimension == Standard.LOCATION), line.location_id)
        result.append(replace(line, dimensions=own[0], custom=own[1], location_id=location))
    return walk.answer() or LinesWithAttributes(tuple(result), custom)


@dataclass(slots=True)
class _Resolver:
    """The resolution of one document: its input, and all problems found so far (`wrong`)."""

    source: SourceDocument
    setting: ConnectionSetting
    state: MappingState
    wrong: list[_Problem] = field(default_factory=list)

    def answer(self) -> Deferred | Rejected | None:
        """Build the answer from the most important problem and the keys of all problems; None if there is none."""
        if not self.wrong:
            return None
        first = min(self.wrong, key=lambda each: _PRIORITY.index(each.code))
        same = len({each.detail for each in self.wrong if each.code is first.code})
        detail = first.detail + (f"; and {same - 1} more" if same > 1 else "")
        every = dict.fromkeys(canonical_key(key) for each in (first, *self.wrong) for key in each.keys)
        keys = tuple(every)[:MOST_KEYS]
        return Rejected(first.code, detail, keys) if first.rejects else Deferred(first.code, detail, keys)

    # Dimensions.

    def dimensions(
        self, of: Mapping[str, SettingRecord[DimensionSetting]], facts: Attributes
    ) -> tuple[LineDimension, ...]:
        """Resolve the dimensions of all lines that have these facts."""
        return tuple(found for slug, record in of.items() if (found := self._dimension(slug, record, facts)))

    def _dimension(self, slug: str, record: SettingRecord[DimensionSetting], facts: Attributes) -> LineDimension | None:
        setting = record.value
        if isinstance(setting, InvalidSetting):
            self._unreadable(record.key, setting.reason)
            return None
        standard = _STANDARD.get(slug)
        if (standard is None) == (setting.user_defined is None):
            words = "is a standard dimension" if standard else "is no standard dimension and names no user-defined one"
            self._unreadable(record.key, words)
            return None
        found = self._value(slug, record.key, setting, facts)
        if found is None:
            return None
        value, how, key = found
        object_name = standard.object if standard else setting.user_defined or ""
        if standard is None and not (value.isascii() and value.isdecimal()):
            self._needs_id(slug, value, key, setting, facts)
            return None
        dimension = LineDimension(slug, object_name, value, how, key, user_defined=standard is None)
        return dimension if self._fits(dimension, record.key) else None

    def _value(
        self, slug: str, key: str, setting: DimensionSetting, facts: Attributes
    ) -> tuple[str, ValueSource, str] | None:
        """Resolve the value of a dimension: the value, how it was found, and the key that gave it; None if none."""
        given = self._given(setting.source, facts)
        if given is not None:
            asked = DimensionValueKey(self.source.subsidiary_id, slug, given).canonical
            record = self.state.dimension_value(asked)
            if record is not None:
                if isinstance(record.value, InvalidSetting):
                    self._unreadable(record.key, record.value.reason)
                    return None
                return record.value.value, ValueSource.MAPPING, record.key
        if setting.default is not None:
            return setting.default, ValueSource.DEFAULT, key
        if slug == Standard.LOCATION and self.setting.location_id is not None:
            return self.setting.location_id, ValueSource.DEFAULT, ConnectionKey(self.source.subsidiary_id).canonical
        if given is not None:
            return given, ValueSource.AS_IS, key
        if setting.required:
            self.wrong.append(
                _Problem(Code.DIMENSION_MISSING, f"the document gives no {setting.source} for dimension {slug}", (key,))
            )
        return None

    def _given(self, source: DimensionSource | None, facts: Attributes) -> str | None:
        """The value of the Alvys field; None if the event has no value or several."""
        if source is None:
            return None
        fact = _FACTS[source]
        if source is DimensionSource.FLEET and self.source.kind is SourceKind.DRIVER_STATEMENT:
            fact = AttributeName.DRIVER_FLEET
        values = facts.get(fact)
        return values[0] if len(values) == 1 else None

    def _needs_id(self, slug: str, value: str, key: str, setting: DimensionSetting, facts: Attributes) -> None:
        given = self._given(setting.source, facts)
        keys = (key,) if given is None else (DimensionValueKey(self.source.subsidiary_id, slug, given).canonical, key)
        detail = f"{value!r} is no id of the user-defined dimension {slug}, which is a whole number"
        self.wrong.append(_Problem(Code.DIMENSION_NEEDS_ID, detail, tuple(dict.fromkeys(keys))))

    def _fits(self, dimension: LineDimension, key: str) -> bool:
        """Whether the dimension may go on this document: some dimensions are documented for bills only."""
        on_bills_only = dimension.user_defined or dimension.dimension == Standard.ASSET
        if not on_bills_only or becomes(self.source.side, self.source.total) is SageObject.AP_BILL:
            return True
        wanted = self.setting.invoice_dimensions
        if wanted == "leave-out":
            return False
        if wanted == "custom-field" and dimension.user_defined:
            return True
        keys = (ConnectionKey(self.source.subsidiary_id).canonical, key)
        self.wrong.append(
            _Problem(Code.DIMENSION_NOT_ON_INVOICES, f"dimension {dimension.dimension} on an invoice", keys)
        )
        return False

    # Custom fields.

    def fields(
        self, of: Iterable[tuple[str, SettingRecord[CustomFieldSetting]]], facts: Attributes
    ) -> tuple[CustomValue, ...]:
        """Resolve the values of the custom fields of one Sage object."""
        return tuple(found for name, record in of for found in self._field(name, record, facts))

    def _field(self, name: str, record: SettingRecord[CustomFieldSetting], facts: Attributes) -> Iterator[CustomValue]:
        setting = record.value
        if isinstance(setting, InvalidSetting):
            self._unreadable(record.key, setting.reason)
            return
        if is_reserved(name):
            self._unreadable(record.key, "it is a field of Sage's own, not a custom one")
            return
        values = facts.get(canonical(setting.source)) if setting.source else ()
        if not values and not setting.default:
            if setting.required:
                detail = f"the document gives no {setting.source} for the required field {name}"
                self.wrong.append(_Problem(Code.CUSTOM_FIELD_MISSING, detail, (record.key,)))
            return
        how = ValueSource.SOURCE if values else ValueSource.DEFAULT
        text = converted(setting.type, setting.kind, values or (setting.default or "",), setting.format)
        if text is None:
            detail = f"{setting.source} is no single value of the {TITLES[setting.type]} field {name}"
            self.wrong.append(_Problem(Code.CUSTOM_FIELD_UNUSABLE, detail, (record.key,), rejects=True))
            return
        yield from self._of_length(CustomValue(name_of(record.key), text, how, record.key), setting)

    def _of_length(self, value: CustomValue, setting: CustomFieldSetting) -> Iterator[CustomValue]:
        length = len(value.value)
        if setting.max_length is None or length <= setting.max_length:
            yield value
        elif self.setting.long_values == "truncate" and setting.type in ("text", "textarea"):
            yield replace(value, value=value.value[: setting.max_length].rstrip(), cut_from=length)
        else:
            detail = f"{setting.source} has {length} characters, the field {value.field} takes {setting.max_length}"
            keys = (value.key, ConnectionKey(self.source.subsidiary_id).canonical)
            self.wrong.append(_Problem(Code.CUSTOM_FIELD_TOO_LONG, detail, keys, rejects=True))

    def _unreadable(self, key: str, reason: str) -> None:
        self.wrong.append(_Problem(Code.SETTING_INVALID, f"{key}: {reason}", (key,)))


def name_of(key: str) -> str:
    """The integration name of a custom field, spelled as in the key of its setting."""
    return key.rpartition("/")[2]
