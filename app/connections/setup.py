"""The wizard's six steps, over whoever answers. What Sage has to choose from is read live; nothing is written here."""

from collections.abc import Callable, Sequence
from typing import Literal, get_args, get_origin

from pydantic import BaseModel

from app.connections.answers import Draft
from app.connections.asker import Asker
from app.connections.chart import grouped, titled
from app.connections.findings import Finding, Step
from app.connections.live import LiveBooks
from app.connections.plan import copies
from app.errors import CommandError, UsageError
from app.mapping_access import read_subsidiary
from app.settings import Settings
from domain.categories import MASTER_ITEMS, Side
from domain.connections import Badge, badge, place
from domain.mapping_state import MappingState
from domain.settings import ApSettings, ArSettings, ConnectionSetting
from sage_client import Entity

TITLES = {
    "ar.autopost": "Autopost Invoices (else they arrive as drafts)",
    "ar.poNumber": "PO Number Mapping: the load's order number, or its PO number",
    "ar.nameMatching": "Name Matching Fallback for customers without an External Accounting ID",
    "ar.createCustomers": "Auto Create Customer",
    "ar.updateCustomers": "Update customers in Sage from their profiles",
    "ar.creditMemos": "Export invoices below zero as credit memos",
    "ar.deductionsAsCredits": "Export deductions as credits on AR invoices",
    "ar.correctPostedBy": "Correct posted, unpaid invoices by",
    "ap.autopost": "Autopost Bills (else they arrive as drafts)",
    "ap.includeDriverBills": "Include Driver Bills",
    "ap.only1099Drivers": "1099 Drivers Only",
    "ap.exportCarrierStatements": "Export Carrier Statements",
    "ap.billOnUpload": "Send Carrier Invoice Upon Upload",
    "ap.linkCarriersBy": "Link existing carriers by",
    "ap.nameMatching": "Name Matching Fallback for vendors without an External Accounting ID",
    "ap.createVendors": "Auto Create Vendor",
    "ap.updateVendors": "Update vendors in Sage from their profiles",
    "ap.factoringAs": "Create Factoring Companies As",
    "ap.vendorCredits": "Export bills below zero as vendor credits",
    "ap.correctPostedBy": "Correct posted, unpaid bills by",
}
"""Settings in the wizard's words; any other is asked for by its name."""
POST_TO = "Where should transactions be posted in Sage? This is permanent"


class Wizard:
    """The steps. `draft` holds what is answered already; a template's or a begun set-up's settings go into it."""

    def __init__(self, settings: Settings, state: MappingState, draft: Draft, asker: Asker, books: LiveBooks) -> None:
        self._settings = settings
        self._state = state
        self._draft = draft
        self._asker = asker
        self._books = books

    def walk(self) -> None:
        """Steps 1 to 5."""
        for step in list(Step)[:-1]:
            self.step(step)

    def step(self, step: Step) -> None:
        """One step; those that were answered are asked again with what was answered as default."""
        steps: dict[Step, Callable[[], None]] = {
            Step.SUBSIDIARY: self._subsidiary,
            Step.SAGE: self._sage,
            Step.AP: lambda: self._side(Step.AP, Side.AP, ApSettings, self._draft.ap),
            Step.AR: lambda: self._side(Step.AR, Side.AR, ArSettings, self._draft.ar),
            Step.ADVANCED: self._advanced,
        }
        if step in steps:
            steps[step]()

    def _subsidiary(self) -> None:
        draft, state = self._draft, self._state
        self._asker.begin(Step.SUBSIDIARY)
        if not draft.subsidiary:
            draft.subsidiary = self._asker.text("subsidiary", "The subsidiary's id in Alvys")
        read_subsidiary(draft.subsidiary)
        standing = state.connection(draft.subsidiary)
        if badge(standing) is not Badge.NOT_SET_UP and isinstance(standing, ConnectionSetting):
            raise UsageError(
                f"{draft.subsidiary} is connected already, to {place(standing)}: one accounting integration for each "
                "subsidiary. alvys-sage connections shows and switches it, alvys-sage disconnect removes it"
            )
        if isinstance(standing, ConnectionSetting):
            draft.take_over(standing)
            draft.company_id, draft.entity_id, draft.fixed = standing.company_id, standing.entity_id, True
            draft.advanced.setdefault("locationId", standing.location_id)
            self._asker.tell(f"Its set-up was begun, for {place(standing)}, and goes on here.")
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
            chosen.pop("active", None)  # a switch is no setting: the copy begins with both sides on
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
            Step.SAGE,
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
            if (refused := self._books.let_in(draft)) is None:
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
            # An entity is a location; a further one below it may be chosen in step 5.
            draft.advanced.setdefault("locationId", draft.entity_id)

    def _side(self, step: Step, side: Side, model: type[BaseModel], chosen: dict[str, object]) -> None:
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
        self._settings_of(side.value, model, chosen)

    def _settings_of(self, part: str, model: type[BaseModel], chosen: dict[str, object]) -> None:
        """Every setting of a side, if the person wants to see them."""
        if not self._asker.interactive:
            return
        if not self._asker.yes(part, f"Change other settings of {part.upper()}?", default=False):
            return
        for name, info in model.model_fields.items():
            alias = info.alias or name
            if alias == "active":
                continue  # the switches: alvys-sage connections
            where = f"{part}.{alias}"
            question = TITLES.get(where, where)
            now = chosen.get(alias, info.get_default())
            if get_origin(info.annotation) is Literal:
                values = [str(each) for each in get_args(info.annotation)]
                found: object = self._asker.choose(where, question, {question: [(v, v) for v in values]}, str(now))
            else:
                found = self._asker.yes(where, question, default=bool(now))
            if found != info.get_default() or alias in chosen:
                chosen[alias] = found

    def _advanced(self) -> None:
        draft = self._draft
        self._asker.begin(Step.ADVANCED)
        if not self._asker.interactive:
            return
        advanced = draft.advanced
        self._optional(advanced, "locationId", "Location of every line, by its ID (- for none)")
        terms = dict(found) if isinstance(found := advanced.get("terms"), dict) else {}
        named = self._books.terms(draft)
        self._asker.tell(f"Terms in Sage Intacct: {', '.join(named) or 'none'}")
        self._optional(terms, "default", "Default Payment Terms, where a profile names no days (- for none)")
        self._optional(terms, "fallback", "Fallback, where Sage does not have the profile's Net N (- for none)")
        if terms:
            advanced["terms"] = terms
        was = bool(advanced.get("crossSubsidiary", False))
        if (cross := self._asker.yes("advanced.crossSubsidiary", "Cross Subsidiary Billing", default=was)) or was:
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
