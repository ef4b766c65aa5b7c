"""Pure: what was told, folded, against the database. No counter of a poller is asked.

`missed`      a payment in the database that the fold has not, or has with amount 0
`invented`    the fold has an amount that no payment in the database has; or a record is about a document that was not
              exported, or names no key of it
`wrong`       another amount, document, date, method, number, memo or currency than the database has; a fact that came
              to nothing without the kind `void`
`unbalanced`  a document whose folded sum is not what the gateway says is paid of it; or whose last record told another
              balance or state than it has
`difference`  an amount told as a difference on a document of which polling could see everything
`repeated`    the same content told twice in a row under one id
`wrote`       a function was called that is not one of those which only read
`unreadable`  a record of another shape

A change that moves no stamp cannot be seen by polling: for a document that had one (`hidden`), the single facts are not
compared, but its balance is: the slow reconciliation has to have told the difference.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from decimal import Decimal

from chaos.payments.facts import ZERO, Expected, Place, SimulatedDocument, Told, Truth, fold

READS = frozenset(
    {"getAPISession", "query", "read", "readByName", "readByQuery", "readMore", "lookup", "inspect", "getDimensions"}
)
DIFFERENCE, VOID = "difference", "void"


@dataclass(slots=True)
class PaymentFindings:
    """In words, a line each. Empty lists are what a sound run gives."""

    missed: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    difference: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    wrote: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether there is none."""
        return not any(asdict(self).values())


@dataclass(frozen=True, slots=True)
class PaymentEvidence:
    """What is compared. `exported`: the document keys by place; `functions`: calls by name while pollers ran."""

    told: Sequence[Told]
    truth: Truth
    exported: Mapping[Place, str]
    hidden: AbstractSet[Place] = frozenset()
    functions: Mapping[str, int] = field(default_factory=dict)
    replayed: bool = False
    """Whether the topic was asked to be told again: the same content may stand twice then."""


def audit(evidence: PaymentEvidence) -> PaymentFindings:
    """Compare."""
    found = PaymentFindings()
    keys = {key: place for place, key in evidence.exported.items()}
    folded = fold(evidence.told)
    for each in evidence.told:
        _about(each, keys, found)
    ours = {name: each for name, each in evidence.truth.facts.items() if each.place in evidence.exported}
    for name, expected in ours.items():
        if expected.place not in evidence.hidden:
            _fact(expected, folded.get(name), evidence.exported, found)
    for name, told in folded.items():
        place = keys.get(told.document_key)
        if place is not None and place not in evidence.hidden and name not in ours:
            _nothing(told, found)
    for place, key in evidence.exported.items():
        _balance(key, evidence.truth.documents.get(place), evidence.told, folded.values(), found)
    if not evidence.replayed:
        _repeated(evidence.told, found)
    found.wrote += [f"{name}: {count} calls" for name, count in evidence.functions.items() if name not in READS]
    return found


def _about(told: Told, keys: Mapping[str, Place], found: PaymentFindings) -> None:
    """A record is about a document of ours, and says so in its key."""
    place = keys.get(told.document_key)
    if place is None:
        found.invented.append(f"{told.payment_id}: {told.document_key} was not exported")
    elif told.record_no != place[2] or not told.payment_id.startswith(f"{place[0]}/{place[1]}/"):
        found.wrong.append(f"{told.payment_id}: {told.document_key} is {'/'.join(place)}, not {told.record_no}")
    if told.key != told.document_key:
        found.wrong.append(f"{told.payment_id}: its key is {told.key}, its document {told.document_key}")


def _fact(expected: Expected, told: Told | None, exported: Mapping[Place, str], found: PaymentFindings) -> None:
    what = f"{expected.payment_id} of {exported[expected.place]}"
    if told is None or not told.amount:
        if expected.amount:
            found.missed.append(f"{what}: {expected.amount} is {'told as 0' if told else 'not told'}")
        return
    pairs = {
        "amount": (told.amount, expected.amount),
        "document": (told.document_key, exported[expected.place]),
        "date": (told.date, expected.date),
        "method": (told.method, expected.method),
        "number": (told.number, expected.number),
        "memo": (told.memo, expected.memo),
        "currency": (told.currency, "USD"),
    }
    found.wrong += [f"{what}: {name} {was}, not {right}" for name, (was, right) in pairs.items() if was != right]
    if told.kind in {VOID, DIFFERENCE}:
        found.wrong.append(f"{what}: told as {told.kind}")


def _nothing(told: Told, found: PaymentFindings) -> None:
    """What the database does not have: nothing may be left of it, and a payment that went is called void."""
    if told.kind == DIFFERENCE:
        if told.amount:
            found.difference.append(f"{told.payment_id} of {told.document_key}: {told.amount} that a payment explains")
    elif told.amount:
        found.invented.append(f"{told.payment_id} of {told.document_key}: {told.amount}")
    elif told.kind != VOID:
        found.wrong.append(f"{told.payment_id} of {told.document_key}: came to nothing as {told.kind}")


def _balance(
    key: str, standing: SimulatedDocument | None, told: Sequence[Told], folded: Iterable[Told], found: PaymentFindings
) -> None:
    if standing is None:
        found.unbalanced.append(f"{key}: is not in the database any more")
        return
    paid = sum((each.amount for each in folded if each.document_key == key), ZERO)
    if paid != standing.paid:
        found.unbalanced.append(f"{key}: {paid} told, {standing.paid} paid")
    last = next((each for each in reversed(told) if each.document_key == key), None)
    if last is None:
        return
    has: tuple[tuple[Decimal, Decimal, Decimal], str] = (standing.total, standing.paid, standing.due), standing.state
    if (last.balance, last.state) != has:
        found.unbalanced.append(f"{key}: {last.payment_id} told last {_shown(last)}, it has {_shown_of(standing)}")


def _repeated(told: Iterable[Told], found: PaymentFindings) -> None:
    last: dict[str, tuple[object, ...]] = {}
    for each in told:
        if last.get(each.payment_id) == each.content:
            found.repeated.append(f"{each.payment_id} of {each.document_key}: {each.kind} {each.amount} told again")
        last[each.payment_id] = each.content


def _shown(told: Told) -> str:
    balance = "/".join(str(each) for each in told.balance) if told.balance else "no balance"
    return f"{balance} {told.state or 'no state'}"


def _shown_of(standing: SimulatedDocument) -> str:
    return f"{standing.total}/{standing.paid}/{standing.due} {standing.state}"
