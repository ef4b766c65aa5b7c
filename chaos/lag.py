"""Books that lag: a query is answered as the books were some seconds ago.

The proxy sees every call that creates or reverses a document, so it knows which rows of an answer are younger than
the lag. It leaves these out, and shows a document that was reversed since as it was before. Deletions and updates are
shown at once.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from simulator.envelope import Function

STATE_BEFORE = "Posted"
"""The state of a document before it was reversed."""
_DOCUMENTS = ("ARINVOICE", "ARADJUSTMENT", "APBILL", "APADJUSTMENT")
_REVERSALS = ("reverse_invoice", "reverse_bill")
_CREATIONS = ("create", "create_invoice")


class LaggingBooks:
    """What became of documents in the last seconds, by company and record number."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}
        self._reversed: dict[tuple[str, str], float] = {}
        self.hidden = 0
        """Rows that were left out or shown as before."""

    def note(self, company: str, functions: list[Function], answer: bytes, now: float) -> None:
        """Take the answer to functions that create or correct documents, executed just now."""
        by_id = {each.control_id: each for each in functions}
        for result in _results(answer):
            function = by_id.get(result.findtext("controlid") or "")
            if function is None or result.findtext("status") != "success":
                continue
            if function.name in (*_CREATIONS, *_REVERSALS):  # a reversal's key is that of the transaction it adds
                for number in (result.findtext("key"), result.findtext("data//RECORDNO")):
                    self._since.setdefault((company, number or ""), now)
            if function.name in _REVERSALS:
                self._reversed.setdefault((company, str(function.element.get("key"))), now)

    def as_before(self, company: str, answer: bytes, moment: float) -> bytes:
        """The answer to a query, as of an earlier moment."""
        if all(max(at.values(), default=0.0) <= moment for at in (self._since, self._reversed)):
            return answer
        try:
            root = etree.fromstring(answer)
        except etree.XMLSyntaxError:
            return answer
        before = self.hidden
        for data in list(root.iterfind("operation/result/data")):
            for row in [each for each in data if each.tag in _DOCUMENTS]:  # other objects have numbers of their own
                number = (company, row.findtext("RECORDNO") or "")
                if self._since.get(number, 0.0) > moment:
                    data.remove(row)
                    self.hidden += 1
                    for counted in ("count", "totalcount"):
                        if (count := data.get(counted)) is not None:
                            data.set(counted, str(int(count) - 1))
                elif self._reversed.get(number, 0.0) > moment and (state := row.find("STATE")) is not None:
                    state.text = STATE_BEFORE
                    self.hidden += 1
        return answer if self.hidden == before else etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _results(answer: bytes) -> Iterator[Any]:
    try:
        yield from etree.fromstring(answer).iterfind("operation/result")
    except etree.XMLSyntaxError:
        return
