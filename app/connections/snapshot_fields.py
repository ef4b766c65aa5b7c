"""Adds a company's dimensions and custom fields to the snapshot, translated from the types of the Sage client."""

from dataclasses import replace

from app.connections.findings import SetupProblem, Severity, finding
from app.connections.settings_in_use import SettingsInUse
from app.connections.snapshot import CompanySnapshot, DimensionFact, FieldFact, SnapshotReader
from domain.settings.custom_fields import FieldObject
from sage_client import CustomField, Dimension
from sage_client.errors import DimensionUnreadableError, FieldMissingError


async def discovered(reader: SnapshotReader, books: CompanySnapshot, found: SettingsInUse) -> CompanySnapshot:
    """Add dimensions and custom fields to the snapshot. Values are read only for dimensions that are mapped."""
    mapped = {each.object for each in found.dimensions}
    dimensions = await reader.part("dimensions", reader.client.dimensions(reader.login))
    facts = None
    if dimensions is not None:
        facts = tuple([await _fact(reader, each, asked=each.object in mapped) for each in dimensions])
    fields = await reader.part("custom fields", reader.client.custom_fields(reader.login, *FieldObject))
    listed = None if fields is None else tuple(map(_field, fields))
    return replace(books, dimensions=facts, fields=listed, gaps=tuple(reader.gaps))


async def _fact(reader: SnapshotReader, each: Dimension, *, asked: bool) -> DimensionFact:
    bare = DimensionFact(each.object, each.label, each.in_gl)
    if not asked or not each.in_gl:
        return bare

    async def read() -> DimensionFact:
        try:
            values = await reader.client.dimension_values(reader.login, each)
        except DimensionUnreadableError as error:
            return replace(bare, unreadable=str(error))
        except FieldMissingError as error:
            what = f"whether the values of {each.label} that are mapped are there: {error}"
            reader.gaps.append(finding(SetupProblem.NOT_CHECKED, what, severity=Severity.NOTE))
            return bare
        return replace(bare, values={value.id: value.blocked for value in values})

    return await reader.part(f"the values of {each.label}", read()) or bare


def _field(each: CustomField) -> FieldFact:
    return FieldFact(each.object.value, each.name, each.required, each.refused)
