"""Count of the characters that patterns of redaction read.

A pattern's time lies within one call, which a count of calls doesn't see.
"""

import re
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest

from monitor.traffic import redaction
from monitor.traffic.redaction.any_case import AnyCase

#: Methods whose arguments are text, begin and end.
METHODS = {"search", "match", "fullmatch", "finditer", "findall"}
BOUND = {"match", "fullmatch"}


class ScannedText:
    """Counter of characters that the patterns of the redaction's modules read.

    A search reads as far as its match, or all that it is given. A match that is bound to a place
    counts as long as it is: how far it reads is a matter of the pattern, whose steps are counted
    elsewhere.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.n_characters = 0
        for listed in walk_packages(redaction.__path__, f"{redaction.__name__}."):
            module = import_module(listed.name)
            for name, value in [*vars(module).items()]:
                if isinstance(value, re.Pattern):
                    monkeypatch.setattr(module, name, _CountedPattern(value, self))
        of_text = AnyCase.of
        monkeypatch.setattr(AnyCase, "of", lambda *of: _CountedPattern(of_text(*of), self))


class _CountedPattern:
    def __init__(self, pattern: re.Pattern[str], scanned: ScannedText) -> None:
        self._pattern, self._scanned = pattern, scanned

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._pattern, name)
        if name not in METHODS:
            return method

        def counted(text: str, begin: int = 0, end: int | None = None) -> Any:
            end = len(text) if end is None else min(end, len(text))
            result = method(text, begin, end)
            if isinstance(result, re.Match):
                end = result.end()
            elif name in BOUND:
                end = begin
            self._scanned.n_characters += max(0, end - begin)
            return result

        return counted

    def sub(self, replacement: Any, text: str) -> str:
        """Replace all matches."""
        self._scanned.n_characters += len(text)
        return self._pattern.sub(replacement, text)
