"""What the simulator says where Sage's words are published: these words, values aside."""

import json
import re
from pathlib import Path

import pytest

from simulator import Fault
from tests.support.gateway_client import DATE, LINE, GatewayClient, bill, invoice, texts

ROWS = json.loads((Path(__file__).parent.parent / "fixtures" / "sage" / "wordings.json").read_text())["rows"]
VALUE = re.compile(
    r"'[^']*'|[\d/]+|\b(?:VEN-\w+|V-1|P1|once|[0-9a-f]{8})\b|(?<=term name )[\w ]+(?= is)|Department\b|Project\b"
)


def masked(text: str) -> str:
    words = re.sub(r"\s*\[Support ID:.*?\]", "", text).rstrip(".,; ")
    return " ".join(VALUE.sub("X", words).replace("X X", "X").split())


PUBLISHED = {masked(row["text"]) for row in ROWS}
OLD = "<year>2025</year><month>12</month><day>31</day>"
SAID = {
    "customer": invoice(party="NOBODY"),
    "vendor": bill(party="NOBODY"),
    "account": invoice(lines=LINE.replace("40010", "99999")),
    "no location": invoice(lines=LINE.replace("<locationid>100</locationid>", "")),
    "location elsewhere": invoice(lines=LINE.replace(">100<", ">210<")),
    "project": invoice(lines=LINE.replace("</lineitem>", "<projectid>NO</projectid></lineitem>")),
    "item": invoice(lines=LINE.replace("</lineitem>", "<itemid>NO</itemid></lineitem>")),
    "term": invoice(due="<termname>Net 99</termname>"),
    "due": bill().replace("04/08/2026", "03/08/2026"),
    "number of an invoice": invoice(number=""),
    "number of a bill": bill(number=""),
    "period": invoice(created=OLD),
    "nothing to delete": "<delete><object>APBILL</object><keys>99</keys></delete>",
    "object": "<query><object>VENDOR9</object><select><field>RECORDNO</field></select></query>",
}


@pytest.mark.parametrize("what", SAID)
async def test_a_refusal_is_said_in_the_published_words(client: GatewayClient, what):
    first = texts(await client.send(SAID[what])).split(" | ")[0]
    assert masked(first) in PUBLISHED


async def test_what_a_company_or_a_moment_is_refused_for_is_said_in_the_published_words(client: GatewayClient, sim):
    async def said(body: str) -> str:
        return masked(texts(await client.send(body)).split(" | ")[0])

    await client.ok(invoice("A"), bill("B"))
    sim.store.configure("BLUEMESA", refuse_duplicate_numbers=True)
    assert await said(invoice("A")) in PUBLISHED
    sim.store.configure("BLUEMESA", books_closed_through="2026-03-31", closed_names_first_day=True)
    assert await said(invoice("C")) in PUBLISHED
    sim.store.configure("BLUEMESA", books_closed_through=None)
    sim.store.receive_payment("BLUEMESA", {1: "1.00"})
    assert await said('<delete_invoice key="1"/>') in PUBLISHED
    sim.store.set_record("BLUEMESA", "VENDOR", "VEN-20417", {"STATUS": "inactive"})
    assert await said(bill("D")) in PUBLISHED
    sim.store.set_record("BLUEMESA", "GLACCOUNT", "40010", {"REQUIREDEPT": "true"})
    assert await said(invoice("E")) in PUBLISHED
    sim.store.set_record("BLUEMESA", "GLACCOUNT", "40010", {"STATUS": "inactive"})
    assert await said(invoice("F")) in PUBLISHED
    sim.faults.add(Fault(kind="too_many_operations", times=1))
    assert await said(invoice("G")) in PUBLISHED
    assert DATE in invoice("G"), "each of these is right but for what it was refused for"
