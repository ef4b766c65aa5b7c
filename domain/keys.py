"""The keys of the mapping-state topic: who, what kind of setting, and which one.

    {subsidiaryId}/connection
    {subsidiaryId}/account/{ap|ar}/{category}/{item}     item `default`: the category's own; default/default: the master
    {subsidiaryId}/vendor/{fuel|toll}/{provider}         provider `default`: for providers without one of their own
    {subsidiaryId}/intercompany/{otherSubsidiaryId}      the other subsidiary as a customer and a vendor of this one
    {subsidiaryId}/dimension/{dimension}                 one of the eleven, or a slug for a user-defined one
    {subsidiaryId}/dimension/{dimension}/{value}         what a value in Alvys is in Sage
    {subsidiaryId}/custom-field/{object}/{field}         object: arinvoice, arinvoiceitem, apbill, apbillitem
    {subsidiaryId}/catalogue/{category}/{item}

All segments but the last are slugs; the last is free text as Alvys shows it, slashes included. Two spellings of one
item, differing in case or in white space at the ends, are two keys of one setting: `canonical` says which keys are one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from domain.categories import CATEGORIES, OWN, Category, Side, fold, item_slot
from domain.custom_fields import FieldObject
from domain.dimensions import SAGE_NAME, slug_of

_SUBSIDIARY = re.compile(r"[A-Za-z0-9._-]+")
_SLUG = re.compile(r"[a-z0-9-]+")


class BadKeyError(ValueError):
    """The text is no key of mapping-state."""


class Provider(StrEnum):
    """Whose providers have vendors in mapping-state."""

    FUEL = "fuel"
    TOLL = "toll"


_SIDES, _CATEGORIES, _PROVIDERS = frozenset(Side), frozenset(Category), frozenset(Provider)
_OBJECTS = frozenset(FieldObject)


@dataclass(frozen=True, slots=True)
class ConnectionKey:
    """The connection of one subsidiary."""

    subsidiary_id: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/connection"

    @property
    def canonical(self) -> str:
        """The one key of all its spellings."""
        return str(self)


@dataclass(frozen=True, slots=True)
class AccountKey:
    """The GL account of one item on one side."""

    subsidiary_id: str
    side: Side
    category: Category
    item: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/account/{self.side}/{self.category}/{self.item}"

    @property
    def canonical(self) -> str:
        """The one key of all its spellings."""
        return f"{self.subsidiary_id}/account/{self.side}/{self.category}/{item_slot(self.category, self.item)}"


@dataclass(frozen=True, slots=True)
class VendorKey:
    """The vendor that a card or toll provider bills as."""

    subsidiary_id: str
    kind: Provider
    provider: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/vendor/{self.kind}/{self.provider}"

    @property
    def canonical(self) -> str:
        """The one key of all its spellings."""
        return f"{self.subsidiary_id}/vendor/{self.kind}/{fold(self.provider)}"


@dataclass(frozen=True, slots=True)
class IntercompanyKey:
    """Another subsidiary as a customer and a vendor in the books of this one."""

    subsidiary_id: str
    other_id: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/intercompany/{self.other_id}"

    @property
    def canonical(self) -> str:
        """The one key of all its spellings."""
        return str(self)


@dataclass(frozen=True, slots=True)
class DimensionKey:
    """What a dimension takes its values from."""

    subsidiary_id: str
    dimension: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/dimension/{self.dimension}"

    @property
    def canonical(self) -> str:
        """The one key of all its spellings: `LINE_OF_BUSINESS` is `line-of-business`."""
        return f"{self.subsidiary_id}/dimension/{slug_of(self.dimension)}"


@dataclass(frozen=True, slots=True)
class DimensionValueKey:
    """What one value in Alvys is in Sage."""

    subsidiary_id: str
    dimension: str
    value: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/dimension/{self.dimension}/{self.value}"

    @property
    def canonical(self) -> str:
        """The one key of all its spellings."""
        return f"{self.subsidiary_id}/dimension/{slug_of(self.dimension)}/{fold(self.value)}"


@dataclass(frozen=True, slots=True)
class CustomFieldKey:
    """What a custom field takes its value from."""

    subsidiary_id: str
    object: FieldObject
    field: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/custom-field/{self.object}/{self.field}"

    @property
    def canonical(self) -> str:
        """The one key of all its spellings."""
        return f"{self.subsidiary_id}/custom-field/{self.object}/{self.field.upper()}"


@dataclass(frozen=True, slots=True)
class OtherKey:
    """A setting of a family that is kept as it came: catalogues, later versions' own."""

    subsidiary_id: str
    family: str
    rest: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/{self.family}/{self.rest}"

    @property
    def canonical(self) -> str:
        """The one key of all its spellings."""
        return str(self)


Key = (
    ConnectionKey
    | AccountKey
    | VendorKey
    | IntercompanyKey
    | DimensionKey
    | DimensionValueKey
    | CustomFieldKey
    | OtherKey
)


def master(subsidiary_id: str, side: Side) -> AccountKey:
    """The key of a side's master Default."""
    return AccountKey(subsidiary_id, side, Category.DEFAULT, OWN)


def parse(text: str) -> Key:
    """Read a key.

    Raises:
        BadKeyError: It does not follow the grammar, or names a side, category or kind that does not exist.
    """
    subsidiary_id, _, rest = text.partition("/")
    family, _, rest = rest.partition("/")
    if not _SUBSIDIARY.fullmatch(subsidiary_id):
        raise BadKeyError("the subsidiary id is not letters, digits, dashes, dots and underscores")
    if not _SLUG.fullmatch(family):
        raise BadKeyError("the second segment is not a slug")
    if family == "connection" and not rest:
        return ConnectionKey(subsidiary_id)
    if not rest.strip():
        raise BadKeyError("the last segment is empty")
    if (read := _READERS.get(family)) is not None:
        return read(subsidiary_id, rest)
    return OtherKey(subsidiary_id, family, rest)


def canonical(text: str) -> str:
    """The one key that stands for all spellings of a key; a text that is no key stands for itself."""
    try:
        return parse(text).canonical
    except BadKeyError:
        return text


def _account(subsidiary_id: str, rest: str) -> AccountKey:
    side, _, rest = rest.partition("/")
    category, _, item = rest.partition("/")
    if side not in _SIDES:
        raise BadKeyError("the side is not ap or ar")
    if category not in _CATEGORIES:
        raise BadKeyError("the category is none of the nine")
    if Side(side) not in CATEGORIES[Category(category)].sides:
        raise BadKeyError(f"the category {category} does not exist on {side}")
    if not item.strip():
        raise BadKeyError("the item is empty")
    key = AccountKey(subsidiary_id, Side(side), Category(category), item)
    if key.category is Category.DEFAULT and item_slot(key.category, item) != OWN:
        raise BadKeyError("the Default category has one account a side, its key ends in default/default")
    return key


def _dimension(subsidiary_id: str, rest: str) -> DimensionKey | DimensionValueKey:
    dimension, slash, value = rest.partition("/")
    if not _SLUG.fullmatch(slug_of(dimension)):
        raise BadKeyError("the dimension is not a slug")
    if not slash:
        return DimensionKey(subsidiary_id, dimension)
    if not value.strip():
        raise BadKeyError("the dimension's value is empty")
    return DimensionValueKey(subsidiary_id, dimension, value)


def _custom_field(subsidiary_id: str, rest: str) -> CustomFieldKey:
    object_name, _, field = rest.partition("/")
    if object_name not in _OBJECTS:
        raise BadKeyError("the object is not arinvoice, arinvoiceitem, apbill or apbillitem")
    if not SAGE_NAME.fullmatch(field):
        raise BadKeyError("the field is not letters, digits and underscores")
    return CustomFieldKey(subsidiary_id, FieldObject(object_name), field)


def _vendor(subsidiary_id: str, rest: str) -> VendorKey:
    kind, _, provider = rest.partition("/")
    if kind not in _PROVIDERS:
        raise BadKeyError("the kind is not fuel or toll")
    if not provider.strip():
        raise BadKeyError("the provider is empty")
    return VendorKey(subsidiary_id, Provider(kind), provider)


def _intercompany(subsidiary_id: str, rest: str) -> IntercompanyKey:
    if not _SUBSIDIARY.fullmatch(rest):
        raise BadKeyError("the other subsidiary's id is not letters, digits, dashes, dots and underscores")
    return IntercompanyKey(subsidiary_id, rest)


_READERS: dict[str, Callable[[str, str], Key]] = {
    "account": _account,
    "vendor": _vendor,
    "intercompany": _intercompany,
    "dimension": _dimension,
    "custom-field": _custom_field,
}
"""By family, what reads the rest of a key."""
