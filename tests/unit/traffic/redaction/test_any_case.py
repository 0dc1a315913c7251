"""Patterns that ignore case find the same in a text as in its lower case."""

import re
from importlib import import_module
from pkgutil import walk_packages

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.traffic import redaction
from monitor.traffic.redaction.any_case import ODD, AnyCase, Cases

PATTERNS = [
    pytest.param(value, id=f"{listed.name.rpartition('.')[2]}.{name}")
    for listed in walk_packages(redaction.__path__, f"{redaction.__name__}.")
    for name, value in vars(import_module(listed.name)).items()
    if isinstance(value, AnyCase) and name != "NEVER"
]


@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_match_in_lower_case_is_that_in_any_case(pattern: AnyCase, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(pattern.pattern))
    for form in (text, text.upper(), text.swapcase(), "É " + text.title()):
        cases = Cases(form)
        match, expected = pattern.of(cases).search(cases.lower), pattern.pattern.search(form)
        assert (match and match.span()) == (expected and expected.span())


@pytest.mark.parametrize("pattern", PATTERNS)
def test_pattern_is_in_lower_case(pattern: AnyCase) -> None:
    literal = re.sub(r"\\[A-Z]|A-Za-z|\(\?P", "", pattern.pattern.pattern)
    assert literal == literal.lower()


@pytest.mark.parametrize("text", ["\u0130D", *ODD])
def test_text_with_an_odd_lower_case_stays_as_it_is(text: str) -> None:
    assert Cases(text).lower == text
    assert AnyCase("i").is_in("\u0131")
    assert AnyCase("\u0442").is_in("\u1c84")
