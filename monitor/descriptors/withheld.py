"""Texts that are withheld, with the descriptors that were computed before."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

_Value = TypeVar("_Value")


class WithheldText(str):
    """The place of a text that is not here: equal only to the same text's, and never blank."""

    #: Descriptor's function, by its name -> its value of the text.
    values: Mapping[str, Any]

    def __new__(cls, number: int, values: Mapping[str, Any]) -> "WithheldText":
        """Return the place of the text of a number."""
        text = super().__new__(cls, f"[text {number} withheld]")
        text.values = values
        return text


def apply(function: Callable[[str], _Value], text: str) -> _Value:
    """Return a function's value for a text, or the value known of a withheld one."""
    if isinstance(text, WithheldText):
        known: _Value = text.values[function.__name__]
        return known
    return function(text)


def are_withheld(texts: Sequence[str]) -> bool:
    """Return whether texts of a side are withheld: then all but the blank ones are."""
    return any(isinstance(text, WithheldText) for text in texts)
