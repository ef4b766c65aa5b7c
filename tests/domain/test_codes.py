"""Every code has its explanation."""

from domain.codes import EXPLANATIONS, Code


def test_every_code_has_a_cause_and_a_fix():
    assert set(EXPLANATIONS) == set(Code)
