"""The judge of the payments poller: each kind of finding, seen on a made-up fault, and none where all is well."""

import json
from dataclasses import asdict, replace

import pytest

from chaos.payments.audit import PaymentEvidence, audit
from chaos.payments.facts import read, truth

EXPORTED = {("BLUEMESA", "ar", "1"): "acme/invoice/1", ("BLUEMESA", "ar", "2"): "acme/invoice/2"}


def detail(number=12, document=1, *, final=True, sources=None, **amounts):
    return {
        "company": "BLUEMESA",
        "side": "AR",
        "recordno": number,
        "document": document,
        "amounts": amounts or {"payment": "100.00"},
        "sources": sources or {},
        "final": final,
        "date": "2026-11-20",
        "method": "EFT",
        "number": "CHK 7",
        "memo": "",
    }


def document(number=1, total="250.00", paid="100.00", due="150.00", state="Partially Paid"):
    balance = {"total": total, "paid": paid, "due": due, "state": state}
    return {"company": "BLUEMESA", "side": "AR", "recordno": number, **balance}


UNPAID = document(2, "-40.00", "0.00", "-40.00", "Posted")


def record(number=12, slug="payment", *, document_no="1", balance=("250.00", "100.00", "150.00"), **changes):
    body = {
        "schema": 1,
        "paymentId": f"BLUEMESA/ar/{number}/{slug}",
        "kind": slug,
        "documentKey": f"acme/invoice/{document_no}",
        "document": {"recordNo": document_no},
        "amount": "100.00",
        "currency": "USD",
        "date": "2026-11-20",
        "method": "EFT",
        "checkNumber": "CHK 7",
        "memo": None,
        "documentState": "Partially Paid",
        "balance": dict(zip(("total", "paid", "due"), balance, strict=True)),
        "source": {"state": "Complete", "modified": "11/20/2026 10:00:00"},
    }
    body |= changes
    return read(body["documentKey"].encode(), json.dumps(body).encode())


def evidence(told, details=None, documents=None, **more):
    held = {"details": [detail()] if details is None else details, "documents": documents or [document(), UNPAID]}
    return PaymentEvidence(told, truth(held), EXPORTED, **more)


def kinds(found):
    return {name for name, lines in asdict(found).items() if lines}


def test_what_is_told_as_it_stands_is_no_finding():
    assert audit(evidence([record()], functions={"query": 3, "getAPISession": 1})).sound


def test_the_last_record_of_a_payment_counts():
    assert audit(evidence([record(amount="90.00"), record(kind="correction")])).sound


FAULTS = [
    ("not told", [], {"missed", "unbalanced"}),
    ("told as void", [record(amount="0.00", kind="void")], {"missed", "unbalanced"}),
    ("told of nothing", [record(), record(13)], {"invented", "unbalanced"}),
    ("of a stranger", [record(), record(14, documentKey="x", amount="0.00", kind="void")], {"invented"}),
    ("another amount", [record(amount="100.01")], {"wrong", "unbalanced"}),
    ("another document", [record(document_no="2")], {"wrong", "unbalanced"}),
    ("another date", [record(date="2026-11-21")], {"wrong"}),
    ("no currency", [record(currency=None)], {"wrong"}),
    ("another balance", [record(balance=("250.00", "0.00", "250.00"))], {"unbalanced"}),
    ("another state", [record(documentState="Paid")], {"unbalanced"}),
    ("told twice", [record(), record()], {"repeated"}),
    ("a payment called a difference", [record("difference", "1", kind="difference")], {"missed", "difference"}),
    ("gone without a word", [record(), record(13), record(13, amount="0.00")], {"wrong"}),
]


@pytest.mark.parametrize(("told", "expected"), [each[1:] for each in FAULTS], ids=[each[0] for each in FAULTS])
def test_a_fault_is_found(told, expected):
    assert kinds(audit(evidence(told))) == expected


def test_a_record_under_another_key_is_found():
    assert kinds(audit(evidence([replace(record(), key="acme/invoice/2")]))) == {"wrong"}


def test_a_function_that_writes_is_found():
    assert kinds(audit(evidence([record()], functions={"query": 9, "create": 1}))) == {"wrote"}


def test_a_payment_that_is_not_final_or_was_voided_must_not_be_told():
    documents = [document(1, "250.00", "0.00", "250.00", "Posted"), UNPAID]
    held = {"details": [detail(final=False)], "documents": documents}
    assert audit(evidence([], **held)).sound
    assert kinds(audit(evidence([record()], **held))) == {"invented", "unbalanced"}
    void = record(amount="0.00", kind="void", balance=("250.00", "0.00", "250.00"), documentState="Posted")
    assert audit(evidence([record(), void], **held)).sound


def test_every_column_of_a_row_is_a_fact_and_what_it_used_up_is_another():
    row = detail(payment="60.00", negative_invoice="30.00", inline="10.00", sources={"negative_invoice": 2})
    used = document(2, "-40.00", "-30.00", "-10.00", "Partially Paid")
    told = [
        record(amount="60.00"),
        record(slug="credit", amount="40.00"),
        record(slug="used", kind="credit", document_no="2", amount="-30.00", balance=("-40.00", "-30.00", "-10.00")),
    ]
    held = {"details": [row], "documents": [document(), used]}
    assert audit(evidence(told, **held)).sound
    assert kinds(audit(evidence(told[:2], **held))) == {"missed", "unbalanced"}


def test_of_a_change_that_no_stamp_shows_the_difference_must_be_told():
    documents = [document(1, "250.00", "70.00", "180.00"), UNPAID]
    held = {"details": [detail(payment="70.00")], "documents": documents, "hidden": {("BLUEMESA", "ar", "1")}}
    gap = record("difference", "1", kind="difference", amount="-30.00", balance=("250.00", "70.00", "180.00"))
    assert audit(evidence([record(), gap], **held)).sound
    assert kinds(audit(evidence([record()], **held))) == {"unbalanced"}


def test_a_replay_may_tell_the_same_again():
    assert audit(evidence([record(), record()], replayed=True)).sound
