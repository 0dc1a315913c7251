"""Place of personal data in a text."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Span:
    """Personal data in a text: ``text[start:end]`` is of the kind."""

    start: int
    end: int
    kind: str
