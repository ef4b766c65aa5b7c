"""The wizard's answers as data: read from a file, given by options, typed by a person, or copied from a template."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError
from pydantic.alias_generators import to_camel

from app.errors import UsageError
from app.mapping_changes import SettingChange
from domain.categories import Side
from domain.settings.keys import canonical, master
from domain.settings.values import ApSettings, ArSettings, ConnectionSetting, TermSettings

SHAPE = "a JSON object with subsidiary, template, sage, ap, ar, advanced and activate"


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )


class SageAnswers(_Part):
    """Answers of step 2. `credentials` is a name, never a secret."""

    company_id: str | None = None
    credentials: str | None = None
    entity_id: str | None = None
    post_to: Literal["entity", "top-level"] | None = None
    """Required if the company has several entities and `entity_id` is not given."""


class ApAnswers(ApSettings, extra="forbid"):
    """Answers of step 3, Accounts Payable."""

    expense_account: str | None = None
    """GL account of the master Default of AP."""


class ArAnswers(ArSettings, extra="forbid"):
    """Answers of step 4, Accounts Receivable."""

    revenue_account: str | None = None
    """GL account of the master Default of AR."""


class TermAnswers(TermSettings, extra="forbid"):
    """Payment terms, by their names in Sage."""


class AdvancedAnswers(_Part):
    """Answers of step 5, Advanced Settings."""

    location_id: str | None = None
    base_currency: str | None = None
    terms: TermAnswers = TermAnswers()
    cross_subsidiary: StrictBool | None = None
    closed_period: Literal["refuse", "first-open-day"] | None = None
    zero_totals: Literal["export", "refuse"] | None = None
    long_values: Literal["reject", "truncate"] | None = None
    send_currency: Literal["always", "foreign"] | None = None
    invoice_dimensions: Literal["refuse", "leave-out", "custom-field"] | None = None


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
        UsageError: The file cannot be read, or has a field that the wizard does not know.
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
    """A connection that is being set up. None or a missing key: not answered yet."""

    subsidiary: str = ""
    template: str | None = None
    activate: bool = True
    company_id: str | None = None
    credentials: str | None = None
    entity_id: str | None = None
    post_to: str | None = None
    masters: dict[Side, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    """Names of accounts by number, for display."""
    ap: dict[str, object] = field(default_factory=dict)
    ar: dict[str, object] = field(default_factory=dict)
    advanced: dict[str, object] = field(default_factory=dict)
    """The chosen settings by their names in mapping-state; so are `ap` and `ar`."""
    copied: list[SettingChange] = field(default_factory=list)
    """Mappings copied from a template."""
    fixed: bool = False
    """Whether company and entity are decided already, and so cannot be changed."""

    @classmethod
    def of(cls, given: Answers) -> "Draft":
        """Make a draft from a file of answers."""
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

    def answers(self) -> dict[str, object]:
        """The answers so far, in the form of a file of answers."""
        masters = {"expenseAccount": self.masters.get(Side.AP)}, {"revenueAccount": self.masters.get(Side.AR)}
        sage = {
            "companyId": self.company_id,
            "credentials": self.credentials,
            "entityId": self.entity_id,
            "postTo": self.post_to,
        }
        whole = {
            "subsidiary": self.subsidiary,
            "template": self.template,
            "sage": _given(sage),
            "ap": _given(masters[0] | self.ap),
            "ar": _given(masters[1] | self.ar),
            "advanced": _given(self.advanced),
            "activate": self.activate,
        }
        return {name: value for name, value in whole.items() if value not in (None, "", {})}

    def take_over(self, setting: ConnectionSetting) -> None:
        """Copy the settings of a connection where no answer was given. Entity, location and state are not copied."""
        found = setting.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"state", "activated_at"})
        self.company_id = self.company_id or str(found.pop("companyId"))
        self.credentials = self.credentials or str(found.pop("credentials"))
        for name in ("companyId", "credentials", "entityId", "locationId"):
            found.pop(name, None)
        self.ap = _over(found.pop("ap", {}), self.ap)
        self.ar = _over(found.pop("ar", {}), self.ar)
        self.advanced = _over(found, self.advanced)

    def setting(self, **state: object) -> ConnectionSetting:
        """Make the connection's record.

        Args:
            state: Fields of the record about its state, such as `state` and `activatedAt`.

        Raises:
            UsageError: An answer breaks the contract.
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

    def with_setting(self, name: str, value: object) -> ConnectionSetting:
        """Make the connection's record with one more setting, named with dots; raises UsageError as `setting`."""
        part, _, last = name.rpartition(".")
        inner: dict[str, object] = self.ap if part == "ap" else self.ar
        draft = replace(self, **{part: inner | {last: value}})  # type: ignore[arg-type] # ap and ar are such
        return draft.setting(state="paused")

    def mappings(self) -> list[SettingChange]:
        """List the mappings to write: the template's, then the master Defaults."""
        changes = list(self.copied)
        for side, account in self.masters.items():
            title = self.titles.get(account)
            value = {"account": account} | ({} if title is None else {"title": title})
            key = master(self.subsidiary, side)
            changes = [each for each in changes if canonical(each.key) != key.canonical] + [
                SettingChange(str(key), value)
            ]
        return changes


def _given(answers: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in answers.items() if value not in (None, {})}


def _over(below: object, above: Mapping[str, object]) -> dict[str, object]:
    found = dict(below) if isinstance(below, dict) else {}
    for name, value in above.items():
        was = found.get(name)
        found[name] = _over(was, value) if isinstance(value, dict) and isinstance(was, dict) else value
    return found
