"""The check of a connection: compare its settings with a snapshot of its company in Sage. Pure."""

from collections.abc import Iterable, Iterator

from app.connections.findings import Finding, SetupProblem, Severity, WizardStep, finding
from app.connections.settings_in_use import MappedDimension, SettingsInUse, providers_with_vendors
from app.connections.snapshot import CompanySnapshot, DimensionFact
from domain.categories import MASTER_ITEMS, Side
from domain.settings.keys import AccountKey, ConnectionKey, Provider, master, parse
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting, InvalidSetting
from sage_client import Account

STEPS = {Side.AP: WizardStep.AP, Side.AR: WizardStep.AR}
OBJECTS = {"LOC": "LOCATION", "DEPT": "DEPARTMENT"}
"""Endings of Sage's REQUIRE… fields that differ from the name of the dimension's object."""
FROM_THE_HEADER = {Side.AR: "CUSTOMER", Side.AP: "VENDOR"}
"""The dimension of a line that Sage may take from the document's party; whether it does is not documented."""
FIELD_SIDES = {"ar": Side.AR, "ap": Side.AP}


def check(
    subsidiary: str, setting: ConnectionSetting, state: MappingState, found: SettingsInUse, books: CompanySnapshot
) -> list[Finding]:
    """Run all checks.

    Args:
        subsidiary: The subsidiary.
        setting: Its connection.
        state: The settings in force.
        found: The accounts, vendors, dimensions and fields that its settings name.
        books: The snapshot of its company.

    Returns:
        The findings in the order of the wizard's steps, errors first within a step.
    """
    listed = [
        *books.gaps,
        *_unreadable(found),
        *_place(subsidiary, setting, found, books),
        *_masters(subsidiary, setting, state),
        *_accounts(setting, found, books),
        *_required_dimensions(setting, found, books),
        *_terms(subsidiary, setting, books),
        *_vendors(setting, found, books),
        *_carriers(subsidiary, setting, books),
        *_dimensions(found, books),
        *_fields(setting, found, books),
    ]
    order = list(Severity)
    return sorted(listed, key=lambda each: (each.step, order.index(each.severity), each.problem))


def _on(setting: ConnectionSetting, side: Side) -> bool:
    return setting.ar.active if side is Side.AR else setting.ap.active


def _bad(setting: ConnectionSetting, side: Side) -> Severity:
    """The severity of a problem of one side: a warning while the side is off, because nothing is exported there."""
    return Severity.ERROR if _on(setting, side) else Severity.WARNING


def _unreadable(found: SettingsInUse) -> Iterator[Finding]:
    for record in found.unreadable:
        if isinstance(record.value, InvalidSetting):
            yield finding(SetupProblem.SETTING_UNREADABLE, f"{record.key}: {record.value.reason}", key=record.key)


def _place(
    subsidiary: str, setting: ConnectionSetting, found: SettingsInUse, books: CompanySnapshot
) -> Iterator[Finding]:
    key = str(ConnectionKey(subsidiary))
    several = setting.entity_id is not None or bool(books.entities)
    mapped_location = any(each.object == "LOCATION" for each in found.dimensions)
    if several and setting.location_id is None and not mapped_location:
        yield finding(
            SetupProblem.LOCATION_MISSING,
            f"company {setting.company_id} has several entities, so Sage requires a location on every line",
            key=key,
        )
    if setting.location_id is not None and books.locations is not None:
        active = books.locations.get(setting.location_id)
        if active is not True:
            gone = SetupProblem.DIMENSION_VALUE_GONE if active is None else SetupProblem.DIMENSION_VALUE_BLOCKED
            why = "does not exist in Sage" if active is None else "is inactive"
            yield finding(gone, f"location {setting.location_id} {why}", key=key)


def _masters(subsidiary: str, setting: ConnectionSetting, state: MappingState) -> Iterator[Finding]:
    for side in Side:
        key = master(subsidiary, side)
        if state.account(key.canonical) is None:
            yield finding(
                SetupProblem.MASTER_DEFAULT_MISSING,
                f"the Default account of {side.upper()} ({MASTER_ITEMS[side]}) is not set",
                key=str(key),
                step=STEPS[side],
                severity=_bad(setting, side),
                side=side.value,
            )


def _used(found: SettingsInUse, books: CompanySnapshot) -> Iterator[tuple[AccountKey, str, Account | None]]:
    """List the readable account mappings: key, account number, and the account in Sage (None: it does not exist)."""
    if books.accounts is None:
        return
    for record in found.accounts:
        key = parse(record.key)
        if isinstance(key, AccountKey) and not isinstance(record.value, InvalidSetting):
            yield key, record.value.account, books.accounts.get(record.value.account)


def _accounts(setting: ConnectionSetting, found: SettingsInUse, books: CompanySnapshot) -> Iterator[Finding]:
    for key, number, account in _used(found, books):
        if account is not None and account.active:
            continue
        problem = SetupProblem.ACCOUNT_NOT_FOUND if account is None else SetupProblem.ACCOUNT_INACTIVE
        why = "does not exist in Sage, or cannot be posted to" if account is None else "is inactive"
        where = f"{key.category}/{key.item} on {key.side.upper()}"
        yield finding(
            problem,
            f"GL account {number} of {where} {why}",
            key=str(key),
            step=STEPS[key.side],
            severity=_bad(setting, key.side),
        )


def _required_dimensions(setting: ConnectionSetting, found: SettingsInUse, books: CompanySnapshot) -> Iterator[Finding]:
    mapped = {each.object: each for each in found.dimensions}
    told: set[tuple[Side, str, str]] = set()
    for key, number, account in _used(found, books):
        for ending in sorted(account.requires if account is not None else ()):
            name = OBJECTS.get(ending, ending)
            if (key.side, number, name) in told or (name == "LOCATION" and setting.location_id is not None):
                continue
            told.add((key.side, number, name))
            what = f"GL account {number} requires {name.title()} on {key.side.upper()}, "
            severity = _bad(setting, key.side)
            if name not in mapped:
                what += "and it is not mapped"
                if name == FROM_THE_HEADER[key.side]:
                    severity = Severity.WARNING
                    what += "; Sage may take it from the document itself, which is not documented"
            elif mapped[name].default is None:
                severity = Severity.WARNING
                what += "and its mapping has no default value: what has no value of its own is refused"
            else:
                continue
            yield finding(SetupProblem.DIMENSION_REQUIRED, what, key=str(key), severity=severity)


def _terms(subsidiary: str, setting: ConnectionSetting, books: CompanySnapshot) -> Iterator[Finding]:
    for words, name in (("default", setting.terms.default), ("fallback", setting.terms.fallback)):
        for side in Side:
            listed = books.terms.get(side)
            if name is None or listed is None:
                continue
            term = listed.get(name)
            if term is not None and term.active:
                continue
            problem = SetupProblem.TERM_NOT_FOUND if term is None else SetupProblem.TERM_INACTIVE
            why = "does not exist" if term is None else "is inactive"
            yield finding(
                problem,
                f"the {words} term {name!r} {why} on {side.upper()}",
                key=str(ConnectionKey(subsidiary)),
                severity=_bad(setting, side),
            )


def _vendors(setting: ConnectionSetting, found: SettingsInUse, books: CompanySnapshot) -> Iterator[Finding]:
    bad = _bad(setting, Side.AP)
    for record in found.vendors:
        if isinstance(record.value, InvalidSetting) or books.vendors is None:
            continue
        active = books.vendors.get(record.value.vendor_id)
        if active is None:
            what = f"vendor {record.value.vendor_id} does not exist in Sage"
            yield finding(SetupProblem.VENDOR_NOT_FOUND, what, key=record.key, severity=bad)
        elif not active:
            what = f"vendor {record.value.vendor_id} is inactive"
            yield finding(SetupProblem.VENDOR_INACTIVE, what, key=record.key, severity=bad)
    there = providers_with_vendors(found)
    for kind, included in ((Provider.FUEL, setting.ap.include_fuel), (Provider.TOLL, setting.ap.include_tolls)):
        if setting.ap.active and included and kind not in there:
            yield finding(SetupProblem.VENDOR_UNMAPPED, f"no {kind} provider has a vendor", side=kind.value)


def _carriers(subsidiary: str, setting: ConnectionSetting, books: CompanySnapshot) -> Iterator[Finding]:
    """Check that vendors have the field with the carriers' number, if carriers are linked by number."""
    if setting.ap.link_carriers_by == "external-id":
        return
    key, bad = str(ConnectionKey(subsidiary)), _bad(setting, Side.AP)
    number, name = setting.ap.link_carriers_by.upper(), setting.ap.carrier_number_field
    if name is None:
        what = f"carriers are linked by {number} number, and the vendor's field in Sage that holds it is not set"
        yield finding(SetupProblem.CARRIER_NUMBER_FIELD_UNSET, what, key=key, severity=bad)
    elif books.carrier_field is False:
        what = f"vendors in Sage have no field {name}, which is to hold their {number} number"
        yield finding(SetupProblem.CARRIER_NUMBER_FIELD_GONE, what, key=key, severity=bad)


def _dimensions(found: SettingsInUse, books: CompanySnapshot) -> Iterator[Finding]:
    if books.dimensions is None:
        return
    facts = {fact.object: fact for fact in books.dimensions}
    for each in found.dimensions:
        fact = facts.get(each.object)
        if fact is None:
            yield finding(SetupProblem.DIMENSION_NOT_FOUND, f"Sage has no dimension {each.name}", key=each.key)
        elif not fact.in_gl:
            yield finding(
                SetupProblem.DIMENSION_NOT_IN_GL, f"dimension {fact.label} is not enabled for GL posting", key=each.key
            )
        elif fact.unreadable:
            yield finding(SetupProblem.DIMENSION_VALUES_UNREADABLE, f"{fact.label}: {fact.unreadable}", key=each.key)
        else:
            yield from _values(each, fact)


def _values(each: MappedDimension, fact: DimensionFact) -> Iterator[Finding]:
    if fact.values is None:
        return
    named = [(each.key, each.default), *each.values.items()]
    for key, value in named:
        if value is None or value == "":
            continue
        if value not in fact.values:
            yield finding(SetupProblem.DIMENSION_VALUE_GONE, f"{fact.label} has no value {value} in Sage", key=key)
        elif (why := fact.values[value]) is not None:
            yield finding(SetupProblem.DIMENSION_VALUE_BLOCKED, f"{fact.label} {value} {why}", key=key)


def _fields(setting: ConnectionSetting, found: SettingsInUse, books: CompanySnapshot) -> Iterator[Finding]:
    if books.fields is None:
        return
    there = {(fact.object, fact.name): fact for fact in books.fields}
    mapped = {(each.object, each.name): each for each in found.fields}
    for place, each in mapped.items():
        fact = there.get(place)
        if fact is None:
            what = f"{each.object} has no custom field {each.name} in Sage"
            yield finding(SetupProblem.FIELD_NOT_FOUND, what, key=each.key)
        elif fact.refused is not None:
            yield finding(SetupProblem.FIELD_UNSUPPORTED, f"{each.name} of {each.object}: {fact.refused}", key=each.key)
    for place, fact in there.items():
        if fact.required and place not in mapped:
            what = f"custom field {fact.name} of {fact.object} is required in Sage"
            what += f"; {fact.refused}" if fact.refused is not None else ", and it is not mapped"
            side = FIELD_SIDES[fact.object[:2]]
            yield finding(SetupProblem.FIELD_REQUIRED, what, severity=_bad(setting, side))


def untold(setting: ConnectionSetting) -> Iterator[Finding]:
    """List the conditions for correcting posted documents that no function of the gateway can report."""
    for side, what, by in (
        (Side.AR, "invoices", setting.ar.correct_posted_by),
        (Side.AP, "bills", setting.ap.correct_posted_by),
    ):
        if not _on(setting, side):
            continue
        if by == "deletion":
            asked = f"posted {what} that change are deleted: whether the user may, and whether the company lets it"
        else:
            asked = f"posted {what} that change are reversed: whether the company enables it, and whether the user may"
        yield finding(SetupProblem.CORRECTION_NOT_CHECKED, asked)


def most_severe(findings: Iterable[Finding]) -> Severity | None:
    """The most severe of the findings' severities; None if there are no findings."""
    order = list(Severity)
    return min((each.severity for each in findings), key=order.index, default=None)
