"""The keys of the mapping-state topic: the subsidiary, the family of the setting, and the setting itself.

    {subsidiaryId}/connection
    {subsidiaryId}/account/{ap|ar}/{category}/{item}     item `default`: category default; default/default: the master
    {subsidiaryId}/vendor/{fuel|toll}/{provider}         provider `default`: for providers without a key of their own
    {subsidiaryId}/intercompany/{otherSubsidiaryId}      the other subsidiary as a customer and a vendor of this one
    {subsidiaryId}/dimension/{dimension}                 a standard dimension, or the slug of a user-defined one
    {subsidiaryId}/dimension/{dimension}/{value}         the Sage id of an Alvys value
    {subsidiaryId}/custom-field/{object}/{field}         object: arinvoice, arinvoiceitem, apbill, apbillitem
    {subsidiaryId}/catalogue/{category}/{item}

All segments except the last are slugs. The last is free text as Alvys shows it, and may contain slashes. Two spellings
of one item, which differ in letter case or in white space at the ends, are two keys of one setting: their `canonical`
is the same.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from domain.categories import CATEGORIES, CATEGORY_DEFAULT, Category, Side, fold, item_slot
from domain.settings.custom_fields import FieldObject
from domain.settings.dimensions import SAGE_NAME, slug_of

_SUBSIDIARY = re.compile(r"[A-Za-z0-9._-]+")
_SLUG = re.compile(r"[a-z0-9-]+")


class BadKeyError(ValueError):
    """Error for a text that is not a valid key of mapping-state. The message says why."""


class Provider(StrEnum):
    """The kinds of providers whose vendors mapping-state names."""

    FUEL = "fuel"
    TOLL = "toll"


_SIDES, _CATEGORIES, _PROVIDERS = frozenset(Side), frozenset(Category), frozenset(Provider)
_OBJECTS = frozenset(FieldObject)


@dataclass(frozen=True, slots=True)
class ConnectionKey:
    """The key of the connection of one subsidiary."""

    subsidiary_id: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/connection"

    @property
    def canonical(self) -> str:
        """The key that all spellings of this key share."""
        return str(self)


@dataclass(frozen=True, slots=True)
class AccountKey:
    """The key of the GL account of one item on one side."""

    subsidiary_id: str
    side: Side
    category: Category
    item: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/account/{self.side}/{self.category}/{self.item}"

    @property
    def canonical(self) -> str:
        """The key that all spellings of this key share."""
        return f"{self.subsidiary_id}/account/{self.side}/{self.category}/{item_slot(self.category, self.item)}"


@dataclass(frozen=True, slots=True)
class VendorKey:
    """The key of the vendor that a fuel card or toll provider bills as."""

    subsidiary_id: str
    kind: Provider
    provider: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/vendor/{self.kind}/{self.provider}"

    @property
    def canonical(self) -> str:
        """The key that all spellings of this key share."""
        return f"{self.subsidiary_id}/vendor/{self.kind}/{fold(self.provider)}"


@dataclass(frozen=True, slots=True)
class IntercompanyKey:
    """The key of another subsidiary, which is a customer and a vendor in the books of this one."""

    subsidiary_id: str
    other_id: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/intercompany/{self.other_id}"

    @property
    def canonical(self) -> str:
        """The key that all spellings of this key share."""
        return str(self)


@dataclass(frozen=True, slots=True)
class DimensionKey:
    """The key of a dimension, whose setting says where its values come from."""

    subsidiary_id: str
    dimension: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/dimension/{self.dimension}"

    @property
    def canonical(self) -> str:
        """The key that all spellings of this key share; the Sage object `LINE_OF_BUSINESS` is `line-of-business`."""
        return f"{self.subsidiary_id}/dimension/{slug_of(self.dimension)}"


@dataclass(frozen=True, slots=True)
class DimensionValueKey:
    """The key of one value mapping of a dimension: an Alvys value, whose setting gives the Sage id."""

    subsidiary_id: str
    dimension: str
    value: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/dimension/{self.dimension}/{self.value}"

    @property
    def canonical(self) -> str:
        """The key that all spellings of this key share."""
        return f"{self.subsidiary_id}/dimension/{slug_of(self.dimension)}/{fold(self.value)}"


@dataclass(frozen=True, slots=True)
class CustomFieldKey:
    """The key of a custom field, whose setting says where its value comes from."""

    subsidiary_id: str
    object: FieldObject
    field: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/custom-field/{self.object}/{self.field}"

    @property
    def canonical(self) -> str:
        """The key that all spellings of this key share."""
        return f"{self.subsidiary_id}/custom-field/{self.object}/{self.field.upper()}"


@dataclass(frozen=True, slots=True)
class OtherKey:
    """The key of a setting that this version stores without reading it: catalogues, and families of later versions."""

    subsidiary_id: str
    family: str
    rest: str

    def __str__(self) -> str:
        return f"{self.subsidiary_id}/{self.family}/{self.rest}"

    @property
    def canonical(self) -> str:
        """The key that all spellings of this key share."""
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
    """Build the key of the master Default of a side."""
    return AccountKey(subsidiary_id, side, Category.DEFAULT, CATEGORY_DEFAULT)


def parse(text: str) -> Key:
    """Parse a key of mapping-state.

    Raises:
        BadKeyError: The text does not follow the grammar, or names a side, category or kind that does not exist.
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
    """Normalise a key to the one that all its spellings share; a text that is no key is returned unchanged."""
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
    if key.category is Category.DEFAULT and item_slot(key.category, item) != CATEGORY_DEFAULT:
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
"""The parser of the rest of a key, by family."""
