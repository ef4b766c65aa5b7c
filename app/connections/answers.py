"""What the wizard asks, as data: read from a file, taken from flags, filled in by a person, or by a template."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError
from pydantic.alias_generators import to_camel

from app.errors import UsageError
from app.mapping_changes import Change
from domain.categories import Side
from domain.keys import canonical, master
from domain.settings import ApSettings, ArSettings, ConnectionSetting, TermSettings

SHAPE = "a JSON object with subsidiary, template, sage, ap, ar, advanced and activate"


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )


class SageAnswers(_Part):
    """Step 2. Credentials are named, never given."""

    company_id: str | None = None
    credentials: str | None = None
    entity_id: str | None = None
    post_to: Literal["entity", "top-level"] | None = None
    """Needed where the company has several entities and none is named."""


class ApAnswers(ApSettings, extra="forbid"):
    """Step 3."""

    expense_account: str | None = None
    """The master Default of AP."""


class ArAnswers(ArSettings, extra="forbid"):
    """Step 4."""

    revenue_account: str | None = None
    """The master Default of AR."""


class TermAnswers(TermSettings, extra="forbid"):
    """Payment terms, by Sage's names."""


class AdvancedAnswers(_Part):
    """Step 5."""

    location_id: str | None = None
    base_currency: str | None = None
    terms: TermAnswers = TermAnswers()
    cross_subsidiary: StrictBool | None = None
    closed_period: Literal["refuse", "first-open-day"] | None = None
    long_values: Literal["reject", "truncate"] | None = None
    send_currency: Literal["always", "foreign"] | None = None


class Answers(_Part):
    """A whole file of answers."""

    subsidiary: str | None = None
    template: str | None = None
    sage: SageAnswers = SageAnswers()
    ap: ApAnswers = ApAnswers()
    ar: ArAnswers = ArAnswers()
    advanced: AdvancedAnswers = AdvancedAnswers()
    activate: StrictBool = Field(default=True)


def read_answers(file: Path) -> Answers:
    """Read a file of answers.

    Raises:
        UsageError: It cannot be read, or holds what nobody asked.
    """
    try:
        return Answers.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise UsageError(f"{file}: {'; '.join(wrong)}") from None
    except ValueError:
        raise UsageError(f"{file}: is not {SHAPE}, in UTF-8") from None


@dataclass(slots=True)
class Draft:
    """A connection that is being set up; None and absent: not answered yet."""

    subsidiary: str = ""
    template: str | None = None
    activate: bool = True
    company_id: str | None = None
    credentials: str | None = None
    entity_id: str | None = None
    post_to: str | None = None
    masters: dict[Side, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    """Names of accounts, for display."""
    ap: dict[str, object] = field(default_factory=dict)
    ar: dict[str, object] = field(default_factory=dict)
    advanced: dict[str, object] = field(default_factory=dict)
    """Settings that were chosen, by their names in mapping-state."""
    copied: list[Change] = field(default_factory=list)
    """Mappings of a template."""
    fixed: bool = False
    """Whether company and entity stand already, and are permanent."""

    @classmethod
    def of(cls, given: Answers) -> "Draft":
        """What a file of answers gives."""
        ap, ar, advanced = (
            part.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
            for part in (given.ap, given.ar, given.advanced)
        )
        masters = {Side.AP: ap.pop("expenseAccount", None), Side.AR: ar.pop("revenueAccount", None)}
        return cls(
            given.subsidiary or "",
            given.template,
            given.activate,
            given.sage.company_id,
            given.sage.credentials,
            given.sage.entity_id,
            given.sage.post_to,
            {side: account for side, account in masters.items() if account},
            ap=ap,
            ar=ar,
            advanced=advanced,
        )

    def take_over(self, setting: ConnectionSetting) -> None:
        """The settings of a connection, where nothing else was answered; not where it posts to, and not its state."""
        found = setting.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"state", "activated_at"})
        self.company_id = self.company_id or str(found.pop("companyId"))
        self.credentials = self.credentials or str(found.pop("credentials"))
        for name in ("companyId", "credentials", "entityId", "locationId"):
            found.pop(name, None)
        self.ap = _over(found.pop("ap", {}), self.ap)
        self.ar = _over(found.pop("ar", {}), self.ar)
        self.advanced = _over(found, self.advanced)

    def setting(self, **state: object) -> ConnectionSetting:
        """The connection's record.

        Raises:
            UsageError: An answer is not of the contract.
        """
        chosen = {"ap": self.ap, "ar": self.ar, **self.advanced}
        value = {
            "companyId": self.company_id,
            "credentials": self.credentials,
            **({} if self.entity_id is None else {"entityId": self.entity_id}),
            **{name: value for name, value in chosen.items() if value not in ({}, None)},
            **state,
        }
        try:
            return ConnectionSetting.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None

    def mappings(self) -> list[Change]:
        """The mappings: the template's, then the master Defaults."""
        changes = list(self.copied)
        for side, account in self.masters.items():
            title = self.titles.get(account)
            value = {"account": account} | ({} if title is None else {"title": title})
            key = master(self.subsidiary, side)
            changes = [each for each in changes if canonical(each.key) != key.canonical] + [Change(str(key), value)]
        return changes


def _over(below: object, above: Mapping[str, object]) -> dict[str, object]:
    found = dict(below) if isinstance(below, dict) else {}
    for name, value in above.items():
        was = found.get(name)
        found[name] = _over(was, value) if isinstance(value, dict) and isinstance(was, dict) else value
    return found
