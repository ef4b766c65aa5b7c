"""Step 2, the part that asks Sage: what has to be known or made there before a document can be sent.

Read in bulk and kept, never once for each line or document. It decides nothing about money: it books nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from consumers.engine.dimension_check import DimensionCheck
from consumers.engine.directory import PartyDirectory, Wanted
from consumers.engine.knobs import Knobs, Time
from consumers.engine.party_making import Made, NewParty, PartyMaker
from consumers.engine.party_updates import Followed, PartyUpdates
from consumers.engine.term_lists import TermLists
from consumers.engine.work import Verdict, Work
from domain.categories import fold
from domain.codes import Code
from domain.documents import SageObject
from domain.outcomes import Outcome, Rejected
from domain.parties import derived_ids, new_id, own_id
from domain.party_fields import not_sent
from domain.terms import TermList, choose, due, wanted
from sage_client import Level, Login, SageClient, SageError
from sage_client.errors import UnavailableError

_WITH_TERMS = {SageObject.AR_INVOICE, SageObject.AP_BILL}
"""What has payment terms in Sage; adjustments have none."""


@dataclass(slots=True)
class Prepared:
    """What speaks against documents of a batch; all others have their `party_id` and their term."""

    against: list[tuple[Work, Verdict]] = field(default_factory=list)
    later: list[tuple[Work, SageError]] = field(default_factory=list)
    """Those whose party is not proven to exist yet: they are prepared again soon."""

    @property
    def held(self) -> set[Work]:
        """The documents of both."""
        return {work for work, _ in (*self.against, *self.later)}


class Preparation:
    """Makes the documents of one company ready. One per lane."""

    def __init__(self, client: SageClient, knobs: Knobs, time: Time) -> None:
        self._directory = PartyDirectory(client, knobs, time)
        self._maker = PartyMaker(client, self._directory)
        self._updates = PartyUpdates(client, self._directory)
        self._terms = TermLists(client, knobs, time)
        self.dimensions = DimensionCheck(client, knobs, time)

    async def prepare(self, login: Login, batch: Sequence[Work]) -> Prepared:
        """Find or make the party of each document of one place and kind, and settle its term.

        Raises:
            SageError: Something could not be read; nothing was decided, for none of the batch.
        """
        prepared = Prepared(against=await self.dimensions.against(login, batch))
        await self._settle_terms(login, [work for work in batch if work not in prepared.held], prepared)
        left = [work for work in batch if work not in prepared.held]
        answers = await self._find(login, left, prepared)
        followed = []
        for work, party in answers:
            if isinstance(party, Rejected):
                prepared.against.append((work, Verdict(Outcome.REJECTED, party.code, party.detail)))
                continue
            work.party_id = party
            if (one := self._follows(login, work, party)) is not None:
                followed.append(one)
        if followed:
            await self._updates.follow(login, followed)
        return prepared

    def refused(self, work: Work) -> None:
        """Sage refused a document: its party or its term may not be what it was. The next look asks anew."""
        document = work.document
        if document is None:
            return
        if work.party_id is not None:
            self._directory.doubt(document.party.kind, [work.party_id])
        if document.term is not None:
            self._terms.doubt(document.source.side)

    # Terms.

    async def _settle_terms(self, login: Login, batch: Sequence[Work], prepared: Prepared) -> None:
        asked = {
            work: name
            for work in batch
            if work.mapped.sage_object in _WITH_TERMS
            and (name := wanted(work.mapped.source.terms, work.mapped.term_rules)) is not None
        }
        if not asked:
            return
        lacking = {fold(name) for work, name in asked.items() if work.mapped.source.terms.days != 0}
        terms = await self._terms.of(login, batch[0].mapped.source.side, lacking=lacking)
        for work in asked:
            if (refused := _with_term(work, terms)) is not None:
                prepared.against.append((work, Verdict(Outcome.REJECTED, refused.code, refused.detail)))

    # Parties.

    async def _find(self, login: Login, batch: Sequence[Work], prepared: Prepared) -> list[tuple[Work, str | Rejected]]:
        if not batch:
            return []
        sought = [_wanted(work) for work in batch]
        by_hand = [one.party_id for work, one in zip(batch, sought, strict=True) if work.asked and one.party_id]
        self._directory.doubt(sought[0].ref.kind, by_hand)  # a person mended it a moment ago, perhaps
        answers = await self._directory.find(login, sought)
        new: dict[str, NewParty] = {}
        ids: dict[Work, str] = {}
        for number, (work, one, answer) in enumerate(zip(batch, sought, answers, strict=True)):
            if not (one.rules.create and isinstance(answer, Rejected) and answer.code is Code.PARTY_NOT_FOUND):
                continue
            party_id = new_id(one.ref, one.profile, one.own_id)
            if isinstance(party_id, Rejected):
                answers[number] = Rejected(answer.code, f"{answer.detail}; {party_id.detail}")
            elif one.profile is not None:
                ids[work] = party_id
                new.setdefault(party_id, NewParty(party_id, one.ref.kind, one.profile, one.rules, _own_term(work)))
        if not new:
            return list(zip(batch, answers, strict=True))
        made = await self._maker.make(login, batch[0].connection, list(new.values()))
        self._directory.doubt(sought[0].ref.kind, made)
        for work, party_id in ids.items():
            if made[party_id] is None:
                work.party_made = not_sent(new[party_id].kind, new[party_id].profile)
        anew = await self._directory.find(login, [_wanted(work) for work in ids])
        settled = {work: _made(made[ids[work]], answer) for work, answer in zip(ids, anew, strict=True)}
        prepared.later += [(work, one) for work, one in settled.items() if isinstance(one, SageError)]
        first = zip(batch, answers, strict=True)
        both = [(work, settled.get(work, answer)) for work, answer in first]
        return [(work, answer) for work, answer in both if not isinstance(answer, SageError)]

    def _follows(self, login: Login, work: Work, party_id: str) -> Followed | None:
        one = _wanted(work)
        record = self._directory.record(login, one, party_id) if one.rules.update else None
        if record is None or not record.active or record.details is None or one.profile is None:
            return None
        return Followed(one.ref.kind, record, one.profile, _own_term(work))


def _wanted(work: Work) -> Wanted:
    document = work.mapped
    own = own_id(document.source, document.connection.entity_id) if document.party_rules.create else None
    profile = None if document.party.provider else document.source.profile
    ids = derived_ids(document.party.kind, document.connection.entity_id, profile)
    return Wanted(document.party, document.party_rules, profile, own, ids)


def _made(made: Made, found: str | Rejected) -> str | Rejected | SageError:
    """What became of a party that was to be made: found in any case is found, and nothing but found is proven."""
    if isinstance(found, str) or found.code is not Code.PARTY_NOT_FOUND:
        return found
    return made or UnavailableError(f"a party was made and is not seen yet: {found.detail}", level=Level.RESULT)


def _with_term(work: Work, terms: TermList) -> Rejected | None:
    document = work.mapped
    asked = document.source.terms
    use = choose(asked, document.term_rules, terms)
    if isinstance(use, Rejected):
        return use
    work.document = replace(document, term=use, due=due(asked, use, document.date, document.source.due))
    return None


def _own_term(work: Work) -> str | None:
    """The term of the profile itself, where Sage has it."""
    document = work.mapped
    if document.term is None or document.term.fallback or document.source.terms.days is None:
        return None
    return document.term.used
