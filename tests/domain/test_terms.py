"""Which payment term a document carries, and when it is due."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents import SourceDocument
from domain.outcomes import Rejected
from domain.terms import ChosenTerm, RequestedTerms, SageTerm, TermRules, by_name, choose_term, due
from tests.support.events import event, read

KNOWN = by_name(
    [
        SageTerm("Net 7", 7),
        SageTerm("NET 30", 30),
        SageTerm("Net 45", 46),
        SageTerm("Net 60", None),
        SageTerm("End of month", None),
    ]
)


@pytest.mark.parametrize(
    ("days", "given", "default", "fallback", "answer"),
    [
        (7, False, None, None, ChosenTerm("Net 7", "Net 7", 7)),
        (30, False, None, None, ChosenTerm("Net 30", "NET 30", 30)),
        (45, False, None, None, ChosenTerm("Net 45", "Net 45", 46)),  # Sage's days count, not the name's
        (60, False, None, None, ChosenTerm("Net 60", "Net 60", 60)),
        (22, False, "Net 7", "net 30", ChosenTerm("Net 22", "NET 30", 30, fallback=True)),
        (22, False, "Net 7", None, "TERM_NOT_FOUND"),
        (22, False, None, "Net 99", "TERM_NOT_FOUND"),
        (22, False, None, "End of month", "TERM_NOT_FOUND"),  # when is it due?
        (22, True, None, "End of month", ChosenTerm("Net 22", "End of month", None, fallback=True)),
        (None, False, None, "Net 30", None),
        (None, False, "Net 7", None, ChosenTerm("Net 7", "Net 7", 7)),
        (None, False, "Net 99", "Net 7", ChosenTerm("Net 99", "Net 7", 7, fallback=True)),
        (None, False, "Net 99", None, "TERM_NOT_FOUND"),
        (0, False, "Net 7", "Net 30", None),
    ],
)
@pytest.mark.feature("payment terms", "terms.default", "terms.fallback")
def test_a_term_is_the_profiles_the_fallback_the_default_or_a_refusal(days, given, default, fallback, answer):
    found = choose_term(RequestedTerms(days, due_given=given), TermRules(default, fallback), KNOWN)
    assert (found.code if isinstance(found, Rejected) else found) == answer


@pytest.mark.parametrize(
    ("name", "changes", "asked"),
    [
        ("invoice-load", {}, RequestedTerms(30, due_given=True)),
        ("invoice-load", {"invoice": {"dueDate": None}}, RequestedTerms(30, due_given=False)),
        ("driver-statement-1099", {}, RequestedTerms(7, due_given=False)),
        ("driver-statement-w2", {}, RequestedTerms(0, due_given=False)),
        ("carrier-statement", {"carrier": {"factoringTermsInDays": 15}}, RequestedTerms(15, due_given=True)),
        ("carrier-statement", {"carrier": {"factoringTermsInDays": None}}, RequestedTerms(30, due_given=True)),
        ("carrier-statement", {"carrier": {"factoringCompany": None}}, RequestedTerms(30, due_given=True)),
        ("carrier-bill", {}, RequestedTerms(30, due_given=False)),
        ("fuel-reefer", {}, RequestedTerms(None, due_given=False)),
        ("toll", {}, RequestedTerms(None, due_given=False)),
    ],
)
def test_each_event_says_its_days_and_whether_it_gives_the_date(name, changes, asked):
    sample = event(name)
    for part, fields in changes.items():
        sample["data"][part] |= fields
    document = read(sample).document
    assert isinstance(document, SourceDocument)
    assert document.terms == asked


DAYS = st.none() | st.integers(0, 100)
NAMES = st.sampled_from([None, "Net 7", "net 30", "Net 45", "Net 60", "End of month", "Net 99"])


@given(DAYS, st.booleans(), NAMES, NAMES)
def test_what_is_sent_is_in_sage_a_fallback_is_told_and_a_date_that_is_given_stands(days, given, default, fallback):
    asked, day, read = RequestedTerms(days, due_given=given), date(2026, 6, 10), date(2026, 6, 11)
    use = choose_term(asked, TermRules(default, fallback), KNOWN)
    if isinstance(use, Rejected):
        assert fallback is None or fallback in {"Net 99", "End of month"} or default == "End of month"
        return
    when = due(asked, use, day, read)
    assert when == read if given or use is None or use.days is None else when == day + timedelta(days=use.days)
    if use is None:
        assert days == 0 or (days is None and default is None)
        return
    assert use.used in {term.name for term in KNOWN.values()}
    assert use.fallback == (use.asked.casefold() != use.used.casefold())
    assert given or use.days is not None
