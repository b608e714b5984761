"""`-k` over case ids."""

import pytest

from bench.selection import matcher
from emtm.errors import UserError

CASE = "emtm-student|charades-sta|single_stream|cpu|fp32|eager|t1|b1|l64"


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ("", True),
        ("student", True),
        ("STUDENT and charades-sta", True),
        ("student and tacos", False),
        ("tacos or charades", True),
        ("not tacos", True),
        ("not not student", True),
        ("tacos or student and charades", True),
        ("(tacos or student) and not charades", False),
        ("|l64", True),
    ],
)
def test_words_combine_as_in_pytest(expression: str, matches: bool) -> None:
    assert matcher(expression)(CASE) is matches


@pytest.mark.parametrize("expression", ["and", "a or", "(a", "a)", "not", "a b", "()"])
def test_what_does_not_parse_is_refused(expression: str) -> None:
    with pytest.raises(UserError, match="does not parse"):
        matcher(expression)
