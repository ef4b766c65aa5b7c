"""Every code has its explanation, and a code that was renamed is read under its former name."""

import pytest

from domain.codes import EXPLANATIONS, FORMER_NAMES, Code, present_name
from domain.commands import Retry, decode


def test_every_code_has_a_cause_and_a_fix():
    assert EXPLANATIONS.keys() == set(Code)
    for explanation in EXPLANATIONS.values():
        assert explanation.cause
        assert explanation.fix


@pytest.mark.parametrize(("former", "present"), FORMER_NAMES.items())
def test_a_former_name_is_read_as_the_present_code(former, present):
    code = Code(former)
    assert code is Code(present)
    assert code == present
    assert code.former_name == former
    assert present_name(former) == present == present_name(present)


def test_no_former_name_is_used_for_another_code():
    assert not FORMER_NAMES.keys() & {code.value for code in Code}
    assert len(set(FORMER_NAMES.values())) == len(FORMER_NAMES)


def test_a_text_that_was_never_a_code_is_none():
    with pytest.raises(ValueError, match="NEVER_A_CODE"):
        Code("NEVER_A_CODE")
    assert present_name("NEVER_A_CODE") == "NEVER_A_CODE"
    assert Code.SAGE_REFUSED.former_name is None


def test_a_retry_by_a_former_code_selects_the_present_one():
    command = decode(
        b'{"schema": 1, "action": "retry", "id": "1", "by": "ann", "at": "2026-03-10T12:00:00Z", "codes": ["SIDE_OFF"]}'
    )
    assert isinstance(command, Retry)
    assert command.codes == (Code.SIDE_DISABLED,)
