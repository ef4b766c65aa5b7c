"""The steps of the wizard. Lists to choose from are read live from Sage; this module writes nothing."""

from collections.abc import Callable, Mapping, Sequence

from app.connections.account_list import grouped, titled
from app.connections.connection_records import copies
from app.connections.findings import Finding, WizardStep
from app.connections.live_company import LiveCompany
from app.connections.prompts import InputEndedError, Prompter
from app.connections.wizard_answers import Draft
from app.connections.words import TITLES, SettingInfo, infos
from app.errors import CommandError, UsageError
from app.mapping_access import read_subsidiary
from app.settings import Settings
from domain.categories import MASTER_ITEMS, Side
from domain.settings.connections import Badge, badge, company_and_entity
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting
from sage_client import Entity

POST_TO = "Where should transactions be posted in Sage? This is permanent"


class Wizard:
    """The steps of the wizard.

    Args:
        settings: Credentials and the sender.
        state: The mapping-state as of the start.
        draft: The answers given beforehand. The steps add answers, and settings of a template or a begun set-up.
        asker: Answers the questions.
        books: Reads lists from Sage.
    """

    def __init__(
        self, settings: Settings, state: MappingState, draft: Draft, asker: Prompter, books: LiveCompany
    ) -> None:
        self._settings = settings
        self._state = state
        self._draft = draft
        self._asker = asker
        self._books = books

    def walk(self) -> None:
        """Run steps 1 to 5. If one fails, the person may choose an earlier step to continue from.

        Raises:
            CommandError: A step failed, and no person is there or the person ends it. The draft keeps all answers.
        """
        steps = list(WizardStep)[:-1]
        here = 0
        while here < len(steps):
            try:
                self.step(steps[here])
            except InputEndedError:
                raise
            except CommandError as error:
                if steps[here] is WizardStep.SUBSIDIARY or (back := self._asker.again(str(error))) is None:
                    raise
                here = min(steps.index(back) if back in steps else here, here)
            else:
                here += 1

    def step(self, step: WizardStep) -> None:
        """Run one step. Earlier answers are the defaults of its questions."""
        steps: dict[WizardStep, Callable[[], None]] = {
            WizardStep.SUBSIDIARY: self._subsidiary,
            WizardStep.SAGE: self._sage,
            WizardStep.AP: lambda: self._side(WizardStep.AP, Side.AP, self._draft.ap),
            WizardStep.AR: lambda: self._side(WizardStep.AR, Side.AR, self._draft.ar),
            WizardStep.ADVANCED: self._advanced,
        }
        if step in steps:
            steps[step]()

    def _subsidiary(self) -> None:
        draft, state = self._draft, self._state
        self._asker.begin(WizardStep.SUBSIDIARY)
        if not draft.subsidiary:
            draft.subsidiary = self._asker.text("subsidiary", "The subsidiary's id in Alvys")
        read_subsidiary(draft.subsidiary)
        standing = state.connection(draft.subsidiary)
        if badge(standing) is not Badge.NOT_SET_UP and isinstance(standing, ConnectionSetting):
            raise UsageError(
                f"{draft.subsidiary} is connected already, to {company_and_entity(standing)}: one accounting "
                "integration for each subsidiary. alvys-sage connections shows, sets and switches it, "
                "alvys-sage disconnect removes it"
            )
        if isinstance(standing, ConnectionSetting):
            draft.take_over(standing)
            draft.company_id, draft.entity_id, draft.fixed = standing.company_id, standing.entity_id, True
            draft.advanced.setdefault("locationId", standing.location_id)
            self._asker.tell(f"Its set-up was begun, for {company_and_entity(standing)}, and goes on here.")
        self._template()
        for side in Side:
            record = state.account(f"{draft.subsidiary}/account/{side}/default/default")
            if record is not None and record.valid:
                draft.masters.setdefault(side, getattr(record.value, "account", ""))

    def _template(self) -> None:
        draft = self._draft
        if draft.template is None:
            return
        template = self._state.connection(read_subsidiary(draft.template))
        if not isinstance(template, ConnectionSetting):
            raise UsageError(f"{draft.template} has no connection to copy")
        draft.take_over(template)
        for chosen in (draft.ap, draft.ar):
            chosen.pop("active", None)  # switches are not copied: the new connection begins with both sides on
        draft.copied = copies(draft.template, draft.subsidiary, self._state)
        for side in Side:
            record = self._state.account(f"{draft.template}/account/{side}/default/default")
            if record is not None and record.valid:
                draft.masters.setdefault(side, getattr(record.value, "account", ""))
        self._asker.tell(
            f"Copied from {draft.template}: settings and {len(draft.copied)} mappings. "
            f"Later changes of {draft.template} do not propagate."
        )

    def _sage(self) -> None:
        draft, settings = self._draft, self._settings
        client_id = settings.client_application_id or "not set (ALVYS_SAGE_CLIENT_APPLICATION_ID)"
        self._asker.begin(
            WizardStep.SAGE,
            (
                f"Sender ID: {settings.sender_id}",
                "  Sage Intacct: Company > Setup > Company > Security > Web Services Authorizations > Add",
                f"Alvys Client ID: {client_id}",
                "  Sage Intacct: the same tab, Authorized Client Applications > Add (sign-ins here go by sender, user)",
            ),
        )
        while True:
            if draft.company_id is None or (self._asker.interactive and not draft.fixed):
                draft.company_id = self._asker.text("sage.companyId", "Company ID", draft.company_id)
            draft.credentials = self._asker.text(
                "sage.credentials",
                "Name of the credentials (of the Web Services User; never the password)",
                draft.credentials,
            )
            if (refused := self._books.sign_in(draft)) is None:
                break
            if not self._asker.interactive:
                raise CommandError(
                    f"step {int(refused.step)}, {refused.step.title}: {refused.what} {_todo(refused, draft.subsidiary)}"
                )
            self._asker.tell(f"{refused.what}\n{_todo(refused, draft.subsidiary)}")
        self._asker.tell("Sage Intacct lets the user in.")
        if not draft.fixed:
            self._entity(self._books.entities(draft))

    def _entity(self, entities: Sequence[Entity]) -> None:
        draft = self._draft
        active = [each for each in entities if each.active]
        if not entities:
            if draft.entity_id is not None:
                raise UsageError(f"sage.entityId: company {draft.company_id} has no entities; leave it out")
            return
        if draft.entity_id is not None and draft.entity_id not in {each.id for each in active}:
            raise UsageError(
                f"sage.entityId: {draft.entity_id!r} is no active entity; there are "
                f"{', '.join(each.id for each in active)}"
            )
        if draft.entity_id is None and draft.post_to != "top-level":
            top = "top-level"
            groups = {
                "Matching child entities (recommended)": [(each.id, f"{each.id} - {each.name}") for each in active],
                "Top-level entity": [(top, top)],
            }
            chosen = self._asker.choose("sage.entityId", POST_TO, groups)
            draft.entity_id, draft.post_to = (None, top) if chosen == top else (chosen, "entity")
        if draft.entity_id is not None:
            # An entity is a location. In step 5 a location below it may be chosen instead.
            draft.advanced.setdefault("locationId", draft.entity_id)

    def _side(self, step: WizardStep, side: Side, chosen: dict[str, object]) -> None:
        draft = self._draft
        self._asker.begin(step)
        name = "ap.expenseAccount" if side is Side.AP else "ar.revenueAccount"
        question = f"Default account of {side.upper()} ({MASTER_ITEMS[side]}), by its ID"
        accounts = [each for each in self._books.accounts(draft) if each.active]
        draft.titles |= {each.number: each.title for each in accounts if each.title}
        if self._asker.interactive or side not in draft.masters:
            groups = {
                kind: [(each.number, titled(each)) for each in group] for kind, group in grouped(accounts).items()
            }
            draft.masters[side] = self._asker.choose(name, question, groups, draft.masters.get(side))
        self._settings_of(side, chosen)

    def _settings_of(self, side: Side, chosen: dict[str, object]) -> None:
        """Ask for every setting of a side, if the person wants to see them."""
        if not self._asker.interactive:
            return
        if not self._asker.yes(side.value, f"Change other settings of {side.upper()}?", default=False):
            return
        for where, info in infos().items():
            part, _, name = where.partition(".")
            if part != side.value or (where == "ap.carrierNumberField" and not _by_number(chosen)):
                continue
            found = self._setting(info, chosen.get(name, info.default))
            if found != info.default or name in chosen:
                chosen[name] = found

    def _setting(self, info: SettingInfo, now: object) -> object:
        question = f"{info.title} [{info.name}]"
        if info.flag:
            return self._asker.yes(info.name, question, default=bool(now))
        if info.choices:
            return self._asker.choose(
                info.name, question, {"One of": [(each, each) for each in info.choices]}, str(now)
            )
        while True:
            found = self._asker.text(info.name, question, None if now is None else str(now))
            try:
                self._draft.with_setting(info.name, found)
            except UsageError as error:
                self._asker.tell(str(error))
            else:
                return found

    def _advanced(self) -> None:
        draft = self._draft
        self._asker.begin(WizardStep.ADVANCED)
        if not self._asker.interactive:
            return
        advanced = draft.advanced
        self._optional(advanced, "locationId", "Location of every line, by its ID (- for none) [locationId]")
        terms = dict(found) if isinstance(found := advanced.get("terms"), dict) else {}
        named = self._books.terms(draft)
        self._asker.tell(f"Terms in Sage Intacct: {', '.join(named) or 'none'}")
        self._optional(terms, "default", f"{TITLES['terms.default']} (- for none) [terms.default]")
        self._optional(terms, "fallback", f"{TITLES['terms.fallback']} (- for none) [terms.fallback]")
        if terms:
            advanced["terms"] = terms
        was = bool(advanced.get("crossSubsidiary", False))
        if (
            cross := self._asker.yes(
                "advanced.crossSubsidiary", "Cross Subsidiary Billing [crossSubsidiary]", default=was
            )
        ) or was:
            advanced["crossSubsidiary"] = cross

    def _optional(self, into: dict[str, object], name: str, question: str) -> None:
        was = into.get(name)
        found = self._asker.optional(f"advanced.{name}", question, None if was is None else str(was))
        if found is None:
            into.pop(name, None)
        else:
            into[name] = found


def _todo(found: Finding, subsidiary: str) -> str:
    return " ".join(f"{number}. {line}" for number, line in enumerate(found.todo(subsidiary), start=1))


def _by_number(ap: Mapping[str, object]) -> bool:
    """Whether carriers are linked by a number (MC or DOT) in a field of the vendors in Sage."""
    return ap.get("linkCarriersBy", "external-id") != "external-id"
