"""Pure: what was sent, what was answered and what stands give the findings. No counter of a worker is asked.

Findings, per document:

`lost`        it could be posted and does not stand in Sage; or a record of it has neither result nor dead letter
`twice`       more than one of it stands in Sage that is not reversed; or one is reversed that no result tells of
`disorder`    results of its records in another order than they came; or what stands is not its newest revision, as they
              were emitted; or an earlier revision was posted after a later one
`wrong`       what stands has another total, line, account or record number than the result says that posted it; or it
              was mapped with settings older than those acknowledged before it was sent; or a record ended otherwise
`unexpected`  it stands in Sage and was not to be posted
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chaos.books import BookedDocument
from chaos.mappings import MappingHistory
from chaos.script import ScriptedRecord
from chaos.watch import COPY, RENAMED, CommittedAnswer, Place
from demo.events import Booking, ExpectedOutcome

STANDS = ("posted", "already_posted", "updated")
POSTS = ("posted", "updated")
SUPERSEDED = "SUPERSEDED"
"""What is answered to a record that is older than another one of its document."""

TOLD = ("SOURCE_RECORDS_EXPIRED", "WRONG_PARTITION")
"""Codes of dead letters that ask for an event to be sent again, on which nothing else was done."""

Name = tuple[str, str, str, str]


@dataclass(slots=True)
class ExportFindings:
    """In words, a line each. Empty lists are what a sound run gives."""

    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether there is none."""
        return not (self.lost or self.twice or self.disorder or self.wrong or self.unexpected)


@dataclass(frozen=True, slots=True)
class Emission:
    """One record of a document, with everything that was said of it."""

    place: Place
    item: ScriptedRecord
    floor: int
    """The mapping-state offset that was acknowledged before it was sent."""


@dataclass(slots=True)
class DocumentHistory:
    """Its records in the order of the topic, its answers in the order in which they were committed."""

    key: str
    emissions: list[Emission] = field(default_factory=list)
    answers: list[CommittedAnswer] = field(default_factory=list)


def documents_of(
    sources: Mapping[Place, int],
    items: Mapping[int, ScriptedRecord],
    answers: Iterable[CommittedAnswer],
    floors: Mapping[int, int],
) -> list[DocumentHistory]:
    """Group by document; records that are dead letters are documents of their own.

    Records that were told as not exported, and were sent again, are left out (`sent_again_elsewhere`). In a copied
    cluster, and in a topic that goes on under another name, an answer about a document that waited before names the
    offset of its record in the original.
    """
    answers = list(answers)
    left_out = sent_again_elsewhere(sources, answers)
    by_place: dict[Place, DocumentHistory] = {}
    by_key: dict[tuple[str, str], DocumentHistory] = {}
    for place in sorted(sources.keys() - left_out):
        item = items[sources[place]]
        dead = item.ends is ExpectedOutcome.DEAD or item.key is None
        key = f"{place}" if dead else (item.key or b"").decode()
        document = by_key.setdefault((item.topic, key), DocumentHistory(key))
        document.emissions.append(Emission(place, item, floors.get(item.number, -1)))
        by_place[place] = document
    exported = {answer.place for answer in answers if not _told_only(answer)}
    for answer in answers:
        if _told_only(answer) and answer.place in exported:
            continue  # a letter for a span of records stands for those of it, too, that had ended before
        there = by_place.get(answer.place)
        if there is None or there.key != answer.key:
            for place in _originals(answer.place):
                if (before := by_place.get(place)) is not None and before.key == answer.key:
                    there, answer = before, replace(answer, place=place)  # noqa: PLW2901 - the same answer
                    break
        if there is not None:
            there.answers.append(answer)
    return list(by_key.values())


def _originals(place: Place) -> Iterator[Place]:
    """The places that a record may have had before its topic was copied, or went on under another name."""
    topic, partition, offset = place
    topic = topic.removesuffix(COPY)
    yield topic, partition, offset
    while topic.endswith(RENAMED):
        topic = topic.removesuffix(RENAMED)
        yield topic, partition, offset


def sent_again_elsewhere(sources: Mapping[Place, int], answers: Iterable[CommittedAnswer]) -> set[Place]:
    """The places of records that were not exported there, and of which a later record has the same event.

    Either a dead letter told so (`TOLD`), or the topic was left unread for another one, or for its copy.
    """
    exported: set[Place] = set()
    told: set[Place] = set()
    for answer in answers:
        (told if _told_only(answer) else exported).add(answer.place)
    last = {sources[place]: place for place in sorted(sources)}
    return {
        place
        for place, number in sources.items()
        if place not in exported and (last[number] != place) and (place in told or last[number][0] != place[0])
    }


def not_exported(sources: Mapping[Place, int], answers: Iterable[CommittedAnswer]) -> list[int]:
    """The numbers of the records of which no place has another answer than that they were not exported."""
    exported = {sources.get(answer.place) for answer in answers if not _told_only(answer)}
    return [number for number in dict.fromkeys(sources[place] for place in sorted(sources)) if number not in exported]


def _told_only(answer: CommittedAnswer) -> bool:
    return answer.outcome == "dead" and answer.code in TOLD


def audit(
    documents: Sequence[DocumentHistory], standing: Sequence[BookedDocument], history: MappingHistory
) -> ExportFindings:
    """Compare."""
    found = ExportFindings()
    there: defaultdict[Name, list[BookedDocument]] = defaultdict(list)
    for each in standing:
        there[each.name].append(each)
    for document in documents:
        _answers_in_order(document, found)
        bookings = [each.item.booking for each in document.emissions if each.item.booking is not None]
        if bookings:
            _one(document, there.pop(_name(bookings[0]), []), history, found)
        else:
            _none(document, found)
    found.unexpected += [f"{' '.join(name)}: {len(ours)} in Sage" for name, ours in there.items()]
    return found


def _name(booking: Booking) -> Name:
    return booking.company, booking.sage_object, booking.number, booking.party


def _answers_in_order(document: DocumentHistory, found: ExportFindings) -> None:
    """Each record is answered, and the first answers of a document's records come in the records' order."""
    first: dict[Place, int] = {}
    for number, answer in enumerate(document.answers):
        first.setdefault(answer.place, number)
    found.lost += [
        f"{document.key}: no outcome for {'%s:%d@%d' % each.place}"  # noqa: UP031 - a place as a person writes it
        for each in document.emissions
        if each.place not in first
    ]
    order = [first[each.place] for each in document.emissions if each.place in first]
    if order != sorted(order):
        found.disorder.append(f"{document.key}: results of its revisions came in the order {_told(document.answers)}")


def _one(
    document: DocumentHistory, ours: Sequence[BookedDocument], history: MappingHistory, found: ExportFindings
) -> None:
    """A document that is to stand once, as its last revision; all that stood before it is reversed, and told so."""
    key = document.key
    standing = [each for each in ours if not each.reversed]
    if not standing:
        found.lost.append(f"{key}: not in Sage; results: {_told(document.answers)}")
        return
    told_reversed = {each.record_no for each in document.answers if each.outcome == "reversed"}
    untold = {each.record_no for each in ours if each.reversed} ^ told_reversed
    if len(standing) > 1 or untold:
        records = ", ".join(f"{each.record_no} {each.state}" for each in ours)
        found.twice.append(f"{key}: records {records}; told as reversed {sorted(map(str, told_reversed))}")
        return
    posts = [each for each in document.answers if each.outcome in POSTS and not each.from_ledger]
    if not posts:
        found.wrong.append(
            f"{key}: record {standing[0].record_no} stands; no result says so: {_told(document.answers)}"
        )
        return
    answer = posts[-1]
    posted = next((each for each in document.emissions if each.place == answer.place), None)
    if posted is None or posted.item.booking is None:
        found.wrong.append(f"{key}: a record that was not to be posted is told as posted")
        return
    if answer.record_no != standing[0].record_no:
        found.wrong.append(f"{key}: told as record {answer.record_no}, stands as {standing[0].record_no}")
    found.wrong += [f"{key}: {each}" for each in _differences(posted, answer, standing[0], history)]
    emitted = {each.place: each.item.emitted for each in document.emissions if each.item.emitted is not None}
    last = max((each for each in document.emissions if each.place in emitted), key=lambda each: emitted[each.place])
    order = [emitted[each.place] for each in posts if each.place in emitted]
    if last.item.booking != posted.item.booking:
        found.disorder.append(f"{key}: {posted.item.story} stands, and {last.item.story} is the newest")
    elif order != sorted(order):
        found.disorder.append(f"{key}: an earlier revision was posted after a later one: {_told(document.answers)}")


def _differences(
    posted: Emission, answer: CommittedAnswer, stands: BookedDocument, history: MappingHistory
) -> list[str]:
    booking = posted.item.booking
    if booking is None:
        return []
    wanted = [line.cents for line in booking.lines]
    amounts = [cents for _, cents in stands.lines]
    if stands.cents != booking.cents or amounts != wanted:
        return [f"amounts {wanted} of {booking.cents}, in Sage {amounts} of {stands.cents}"]
    if answer.mapping_offset is not None and answer.mapping_offset < posted.floor:
        return [f"mapped at {answer.mapping_offset}, though {posted.floor} was acknowledged before it was sent"]
    # A document that was found by a look-up does not say what it was mapped with: any moment since it was sent will do.
    offsets = [answer.mapping_offset] if answer.mapping_offset is not None else history.possible(posted.floor)
    accounts = tuple(account for account, _ in stands.lines)
    if not any(history.accounts(booking, offset) == accounts for offset in offsets):
        return [f"accounts {accounts}, by the settings {history.accounts(booking, offsets[0])}"]
    return []


def _none(document: DocumentHistory, found: ExportFindings) -> None:
    """A document that is not posted: each of its records ends as the rules say, in a copied cluster those there."""
    last_place = {each.item.number: each.place for each in document.emissions}
    for each in document.emissions:
        if each.place != last_place[each.item.number] and last_place[each.item.number][0] != each.place[0]:
            continue
        last = next((answer for answer in reversed(document.answers) if answer.place == each.place), None)
        if last is not None and last.outcome != each.item.ends and last.code != SUPERSEDED:
            found.wrong.append(f"{document.key}: {each.item.story} ended as {last.outcome}:{last.code}")


def _told(answers: Sequence[CommittedAnswer]) -> str:
    return ", ".join(f"{each.place[2]} {each.outcome}{f':{each.code}' if each.code else ''}" for each in answers)


def to_send_again(answers: Iterable[CommittedAnswer], refused: Container[str | None]) -> list[CommittedAnswer]:
    """The refusals of documents that were refused without a message and do not stand: a person sends them again."""
    stuck: dict[tuple[str, str], CommittedAnswer] = {}
    for answer in answers:
        if answer.outcome == "rejected" and answer.control_id in refused:
            stuck[answer.place[0], answer.key] = answer
        elif not answer.from_ledger or answer.outcome in STANDS:
            # The ledger's own word for the same refusal, when the record is read again, changes nothing.
            stuck.pop((answer.place[0], answer.key), None)
    return list(stuck.values())


def may_wait(items: Iterable[ScriptedRecord]) -> set[str]:
    """The keys of the documents that still wait at the end, since what they wait for never comes."""
    keys = {(each.key or b"").decode(errors="replace") for each in items if each.ends is ExpectedOutcome.DEFERRED}
    return keys - {(each.key or b"").decode(errors="replace") for each in items if each.booking is not None}
