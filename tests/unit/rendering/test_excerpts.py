"""Excerpts for display."""

import pytest

from monitor.rendering.excerpts import excerpt


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two\n\tlines", "two lines"),
        ("nul\x00 esc\x1b[31m", "nul esc[31m"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("\u202eright to left\u202c", "right to left"),
        ("", ""),
    ],
)
def test_excerpt_drops_control_characters(text: str, expected: str) -> None:
    assert excerpt(text) == expected


def test_excerpt_is_short() -> None:
    assert excerpt("abcdef", limit=4) == "abc…"
    assert len(excerpt("x" * 10**6)) == 240
