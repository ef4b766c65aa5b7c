"""A company's gateway that has the fields it is told to have: it lists them, and refuses a query for any other.

Its refusals are in the words of real companies. Every object has one row, whose values are of their fields' kinds.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from lxml import etree

from tests.support.sage_reference import FieldFacts, reference
from tests.support.scripted_gateway import Asked, ScriptedGateway, described, error, refused
from tests.support.sent_names import OWN, OWN_OBJECTS


def everywhere(fact: FieldFacts) -> bool:
    """Whether no subscription is needed, no list lacks it and no query refused it."""
    return fact.readable and not (fact.subscription or fact.absent or fact.refused_by_query)


def anywhere(fact: FieldFacts) -> bool:
    """Whether some company has it."""
    return fact.readable


def company(has: Callable[[FieldFacts], bool], *, subscriptions: bool) -> dict[str, set[str]]:
    """The objects and fields of a company, by the public sources."""
    return {
        name: {each.name for each in known.fields.values() if has(each)}
        for name, known in reference().objects.items()
        if subscriptions or not known.subscription
    }


BAREST = company(everywhere, subscriptions=False)
FULLEST = company(anywhere, subscriptions=True)


def bracketed(name: str, fields: Collection[str]) -> str:
    """A refusal as a company gave it: one error a field, the list at the end of each."""
    words = f"Query failed for {name}: [{name}: [{', '.join(fields)}] ]"
    return "".join(error("XL03000006", words) for _ in fields)


@dataclass
class CompanyGateway(ScriptedGateway):
    """See the module; `lists` is what `lookup` says, `takes` what `query` takes (both where None)."""

    has: Mapping[str, Collection[str]] = field(default_factory=lambda: FULLEST)
    takes: Mapping[str, Collection[str]] | None = None
    refusal: Callable[[str, Collection[str]], str] = bracketed
    rows: Mapping[str, list[dict[str, str]]] = field(default_factory=dict)
    queries: list[tuple[str, list[str]]] = field(default_factory=list)
    """Object and selected fields of every query."""
    refusals: int = 0

    def __post_init__(self) -> None:
        self.script, self.describe = self._answers, self._describes

    def _describes(self, asked: Asked) -> str:
        results = ""
        for control_id, name in zip(asked.control_ids, asked.objects_described, strict=True):
            if name in self.has:
                results += described(control_id, name, self.has[name])
            else:
                results += refused(control_id, error("XL03000009", f"Object definition '{name}' not found."))
        return asked.answer(results)

    def _answers(self, asked: Asked) -> str:
        functions = asked.root.iterfind("operation/content/function")
        return asked.answer("".join(self._result(each) for each in functions))

    def _result(self, function: etree._Element) -> str:
        control_id, element = str(function.get("controlid")), function[0]
        if element.tag == "query":
            return self._query(control_id, element)
        data = "<data/>"
        if element.tag == "getDimensions":
            data = f"<data><dimensions>{_dimensions()}</dimensions></data>"
        return (
            f"<result><status>success</status><function>{element.tag}</function><controlid>{control_id}</controlid>"
            f"<key>501</key>{data}</result>"
        )

    def _query(self, control_id: str, query: etree._Element) -> str:
        name = query.findtext("object") or ""
        selected = [each.text or "" for each in query.iterfind("select/field")]
        self.queries.append((name, selected))
        if name not in OWN_OBJECTS:
            offered = self.has if self.takes is None else self.takes
            if name not in offered:
                return refused(control_id, error("XL03000009", f"Object definition '{name}' not found."))
            wrong = {each.text or "" for each in query.iter("field")} - {*offered[name], *OWN}
            if wrong:
                self.refusals += 1
                return refused(control_id, self.refusal(name, sorted(wrong)))
        rows = self.rows.get(name, [{}])
        records = "".join(
            f"<{name}>{''.join(f'<{each}>{row.get(each, value(each))}</{each}>' for each in selected)}</{name}>"
            for row in rows
        )
        return (
            f"<result><status>success</status><function>query</function><controlid>{control_id}</controlid>"
            f'<data listtype="{name}" count="{len(rows)}" numremaining="0">{records}</data></result>'
        )


def value(name: str) -> str:
    """A value of a field's kind."""
    if name.endswith(("MODIFIED", "AUWHENCREATED")):
        return "03/09/2026 12:00:00"
    if name in {"RECORDNO", "id"} or name.endswith("KEY"):
        return "1"
    if "AMOUNT" in name or "TOTAL" in name:
        return "1.00"
    if "DATE" in name or name.startswith("WHEN"):
        return "03/09/2026"
    return {"STATUS": "active", "STATE": "Posted", "DISPLAYSTATE": "Complete", "LINE_NO": "1"}.get(name, f"a {name}")


def _dimensions() -> str:
    return "".join(
        f"<dimension><objectName>{name}</objectName><objectLabel>{name}</objectLabel><enabledInGL>true</enabledInGL>"
        f"<userDefinedDimension>{str(name in OWN_OBJECTS).lower()}</userDefinedDimension></dimension>"
        for name in (*reference().dimensions, "LINE_OF_BUSINESS")
    )
