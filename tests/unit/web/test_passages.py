"""Splitting of texts into prose and code, and joining of line breaks."""

import time

from hypothesis import given
from hypothesis import strategies as st

from monitor.web.filters import join_soft_breaks
from monitor.web.passages import split_passages

LINES = st.lists(
    st.sampled_from(["```", "~~~", "````", "```python", "  ```", "text", "", "a ``` b"])
)


@given(LINES, st.sampled_from(["\n", "\r\n"]))
def test_no_character_is_lost(lines: list[str], end: str) -> None:
    text = end.join(lines)
    assert text == "".join(part for _, part in split_passages(text))


def test_fenced_code_is_a_passage() -> None:
    text = "Why?\n\n```python\nif x:\n    y()\n```\nIt worked."
    assert split_passages(text) == [
        ("prose", "Why?\n\n"),
        ("code", "```python\nif x:\n    y()\n```\n"),
        ("prose", "It worked."),
    ]
    assert split_passages("~~~\n```\n~~~") == [("code", "~~~\n```\n~~~")]


def test_an_unclosed_fence_stays_prose() -> None:
    assert split_passages("a\n```\nb") == [("prose", "a\n```\nb")]
    assert split_passages("") == [("prose", "")]


def test_many_fences_take_linear_time() -> None:
    began = time.perf_counter()
    split_passages("```x\n" * 200_000)
    assert time.perf_counter() - began < 5


def test_guidelines_join_the_lines_of_paragraphs() -> None:
    source = "Says first how to block the\ncard. Then:\n\n- the new\n  one\n- who pays\n1. this"
    joined = "Says first how to block the card. Then:\n\n- the new one\n- who pays\n1. this"
    assert joined == join_soft_breaks(source)
