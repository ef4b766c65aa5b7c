"""Each of Sage's refusals has its own code: against the simulator, and by the words that were published."""

from dataclasses import replace
from datetime import date

import pytest

from domain.categories import Side
from domain.codes import Code
from domain.error_classes import CLASSES
from sage_client import Certainty, ExchangeLevel, GatewayError, Refused, classify, errors
from sage_client._error_table import WORDING_ONLY
from simulator.seed import CustomField
from tests.support.blue_mesa import CUSTOMER, VENDOR, WHO, call
from tests.support.sage_calls import document, why

pytestmark = pytest.mark.feature("error classes")
COMPANY = WHO.company_id


def said(text: str, number: str = "BL01001973", correction: str = "") -> GatewayError:
    return GatewayError.of(number, "", text, correction)


BROKEN = {
    "period": ("SAGE_PERIOD_CLOSED", lambda one: replace(one, document=replace(one.document, date=date(2025, 1, 1)))),
    "party": ("SAGE_PARTY_INVALID", lambda one: replace(one, party_id="NOBODY")),
    "account": ("SAGE_ACCOUNT_INVALID", lambda one: replace(one, document=document(number="ALV-1", account="99999"))),
    "location": ("SAGE_DIMENSION_INVALID", lambda one: replace(one, document=document(number="ALV-1", location="NO"))),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_what_is_wrong_with_a_document_has_its_code(client, what):
    code, broken = BROKEN[what]
    [answer] = await client.post(WHO, [broken(call())])
    assert isinstance(answer, Refused)
    assert answer.error.code == code


MASTERS = [
    ("CUSTOMER", CUSTOMER, {"STATUS": "inactive"}, Side.AR, "SAGE_PARTY_INVALID"),
    ("VENDOR", VENDOR, {"STATUS": "inactive"}, Side.AP, "SAGE_PARTY_INVALID"),
    ("VENDOR", VENDOR, {"ONHOLD": "true"}, Side.AP, "SAGE_VENDOR_ON_HOLD"),
    ("GLACCOUNT", "40010", {"STATUS": "inactive"}, Side.AR, "SAGE_ACCOUNT_INVALID"),
    ("LOCATION", "100", {"STATUS": "inactive"}, Side.AR, "SAGE_DIMENSION_INVALID"),
]


@pytest.mark.parametrize("case", MASTERS)
async def test_what_changed_in_sage_since_has_its_code(simulator, client, case):
    kind, key, values, side, code = case
    simulator.store.set_record(COMPANY, kind, key, values)
    [answer] = await client.post(WHO, [call(side=side)])
    assert isinstance(answer, Refused)
    assert answer.error.code == code


async def test_what_sage_says_in_words_that_nobody_published_is_refused_all_the_same(simulator, client):
    required = CustomField(object="ARINVOICE", name="REASON", required=True)
    simulator.store.configure(COMPANY, custom_fields=(required,))
    [answer] = await client.post(WHO, [call()])
    assert why(answer).code == "SAGE_REFUSED"
    assert "REASON" in str(why(answer))


PUBLISHED = [
    # fylein/fyle-intacct-api, apps/sage_intacct/errors/errors.py and connector.py: matched in production
    ("The vendor 'V-1' is invalid.", "SAGE_PARTY_INVALID"),
    ("Vendor 'V-1' specified is not valid.", "SAGE_PARTY_INVALID"),
    ("The specified vendor 'V-1' is not valid.", "SAGE_PARTY_INVALID"),
    ("Invalid Vendor 'V-1' specified.", "SAGE_PARTY_INVALID"),
    ("Activate the vendor V-1, then try again.", "SAGE_PARTY_INVALID"),
    ("Customer 'C-1' specified is not valid.", "SAGE_PARTY_INVALID"),
    ("Account 4000 is not valid", "SAGE_ACCOUNT_INVALID"),
    ("The specified GL account '4000' : 'Rev' is not valid. GL account is restricted by x", "SAGE_ACCOUNT_INVALID"),
    ("GL account '4000': 'Rev' specified is not valid. GL account is restricted", "SAGE_ACCOUNT_INVALID"),
    (
        "Department '10': 'Ops' specified is not valid. Department is restricted by GL account.",
        "SAGE_DIMENSION_INVALID",
    ),
    ("Invalid Department 10 selected", "SAGE_DIMENSION_INVALID"),
    ("Department must be 10. This value is auto-filled", "SAGE_DIMENSION_INVALID"),
    ("The department '10' is invalid.", "SAGE_DIMENSION_INVALID"),
    ("Department 10 is not valid", "SAGE_DIMENSION_INVALID"),
    ("Project 'P' specified is not valid.", "SAGE_DIMENSION_INVALID"),
    ("Invalid Job 'J' specified.", "SAGE_DIMENSION_INVALID"),
    ("The location '100' is invalid.", "SAGE_DIMENSION_INVALID"),
    ("Date must be on or after 07/01/2026", "SAGE_PERIOD_CLOSED"),
    ("There is no due on the bill", "SAGE_PAYMENTS_APPLIED"),
    # By the pattern of the documented "Invalid Project '…' specified."
    ("Invalid Term 'Net 99' specified.", "SAGE_TERM_INVALID"),
    # By meaning: only paraphrases are published
    ("Vendor VEN-1 is marked as 'On Hold'", "SAGE_VENDOR_ON_HOLD"),
    ("Smart Rule X violated. This record must be created at the Entity level.", "SAGE_SMART_RULE"),
    ("Something nobody has ever read", "SAGE_REFUSED"),
]


@pytest.mark.parametrize(("text", "code"), PUBLISHED)
def test_words_that_were_published_have_their_code(text, code):
    for number in ("BL01001973", "BL03000018", "NEVER-SEEN-1"):
        found = classify(ExchangeLevel.RESULT, 200, (said(text, number), said("Could not create Bill record.")))
        assert found.code == code
        assert found.certainty is Certainty.NOT_DONE


def test_payments_have_their_numbers():
    for number in ("BL03000130", "XL03000027"):
        assert classify(ExchangeLevel.RESULT, 200, (said("x", number),)).code == Code.SAGE_PAYMENTS_APPLIED


@pytest.mark.parametrize("level", [ExchangeLevel.OPERATION, ExchangeLevel.HTTP])
@pytest.mark.parametrize("text", [text for text, code in PUBLISHED if code != "SAGE_PERIOD_CLOSED"])
def test_no_words_make_an_unknown_outcome_a_known_one(level, text):
    assert classify(level, 200, (said(text, "NEVER-SEEN-1"),)).certainty is Certainty.UNKNOWN
    patient = said(text, "NEVER-SEEN-1", "Please Try Again Later")
    assert classify(ExchangeLevel.RESULT, 200, (patient,)).certainty is Certainty.UNKNOWN
    beside = (said(text, "NEVER-SEEN-1"), said("Something failed", "NEVER-SEEN-2", "Please try again later"))
    assert classify(ExchangeLevel.RESULT, 200, beside).certainty is Certainty.UNKNOWN


def test_every_example_in_the_table_of_classes_means_what_the_table_says():
    for each in CLASSES:
        if not each.words:
            continue
        number, _, text = each.words.rpartition(": ") if each.words.split(": ")[0].isalnum() else ("", "", each.words)
        level = ExchangeLevel.AUTHENTICATION if "Sign-in" in text else ExchangeLevel.RESULT
        assert classify(level, 200, (said(text, number or "NEVER-SEEN-1"),)).code in each.codes, each.name


def test_every_refinement_is_a_refusal_of_the_document():
    assert {kind for kind in WORDING_ONLY if kind is not None and not issubclass(kind, errors.RefusedError)} == set()
