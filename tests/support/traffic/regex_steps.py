"""Step counter of backtracking matches in Python's re, independent of the clock.

A simple interpreter of the parsed pattern. The re module uses the same order, except for shortcuts
that only omit steps.
"""

import re
import sys
from collections.abc import Callable
from re import _constants as op
from re import _parser as parser
from typing import Any

Continue = Callable[[int], bool]

CATEGORIES = {
    op.CATEGORY_DIGIT: str.isdigit,
    op.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_NOT_DIGIT: lambda c: not c.isdigit(),
    op.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_"),
    op.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
}

ONE_CHARACTER = frozenset({op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY})


class StepCounter:
    """Searches a text for all matches of a pattern and counts the tried items."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.steps = 0
        self._items = list(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))
        self._fold = bool(pattern.flags & re.IGNORECASE)
        self._text = ""
        self._groups: dict[int, str] = {}
        self._lists: dict[int, list[Any]] = {}

    def find_all(self, text: str) -> int:
        """Return the number of matches; ``steps`` is their cost."""
        self._text = text.lower() if self._fold else text
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(50_000)  # a frame or two an item that is repeated
        try:
            return self._find_all(text)
        finally:
            sys.setrecursionlimit(limit)

    def _list(self, part: Any) -> list[Any]:
        """Return the items of a part of the pattern: listed once, as that is slow."""
        items = self._lists.get(id(part))
        if items is None:
            items = self._lists[id(part)] = list(part)
        return items

    def _find_all(self, text: str) -> int:
        position = n_matches = 0
        ends: list[int] = []
        while position <= len(text):
            ends.clear()
            if self._run(self._items, 0, position, lambda end: not ends.append(end)):
                n_matches += 1
                position = max(ends[0], position + 1)
            else:
                position += 1
        return n_matches

    def _run(self, items: list[Any], index: int, at: int, then: Continue) -> bool:
        if index == len(items):
            return then(at)
        self.steps += 1
        code, argument = items[index]
        rest: Continue = lambda end: self._run(items, index + 1, end, then)  # noqa: E731
        if code in ONE_CHARACTER:
            return (
                at < len(self._text) and self._fits(code, argument, self._text[at]) and rest(at + 1)
            )
        if code is op.MAX_REPEAT or code is op.MIN_REPEAT:
            return self._repeat(argument, at, rest, lazy=code is op.MIN_REPEAT)
        if code is op.SUBPATTERN:
            return self._group(argument, at, rest)
        if code is op.BRANCH:
            return any(self._run(self._list(branch), 0, at, rest) for branch in argument[1])
        if code is op.ASSERT or code is op.ASSERT_NOT:
            return self._assert(code, argument, at) and rest(at)
        if code is op.GROUPREF:
            same = self._groups.get(argument, "")
            return self._text.startswith(same, at) and rest(at + len(same))
        assert code is op.AT, code
        return self._boundary(argument, at) and rest(at)

    def _repeat(self, argument: Any, at: int, rest: Continue, *, lazy: bool) -> bool:
        least, most, body = argument
        body = self._list(body)
        if len(body) == 1 and body[0][0] in ONE_CHARACTER:
            return self._repeat_one(body[0], least, most, at, rest, lazy=lazy)

        def more(end: int, n: int) -> bool:
            def again() -> bool:
                return n < most and self._run(body, 0, end, lambda to: to > end and more(to, n + 1))

            if n < least:
                return self._run(body, 0, end, lambda to: more(to, n + 1))
            return (rest(end) or again()) if lazy else (again() or rest(end))

        return more(at, 0)

    def _repeat_one(
        self, item: Any, least: int, most: int, at: int, rest: Continue, *, lazy: bool
    ) -> bool:
        n = 0
        while n < most and at + n < len(self._text) and self._fits(*item, self._text[at + n]):
            self.steps += 1
            n += 1
        counts = range(least, n + 1) if lazy else range(n, least - 1, -1)
        return any(self._try(rest, at + count) for count in counts)

    def _try(self, rest: Continue, at: int) -> bool:
        self.steps += 1
        return rest(at)

    def _group(self, argument: Any, at: int, rest: Continue) -> bool:
        number, _, _, body = argument

        def keep(end: int) -> bool:
            if number is not None:
                self._groups[number] = self._text[at:end]
            return rest(end)

        return self._run(self._list(body), 0, at, keep)

    def _assert(self, code: Any, argument: Any, at: int) -> bool:
        direction, body = argument
        start = at
        if direction < 0:
            start = at - body.getwidth()[0]
        result = start >= 0 and self._run(self._list(body), 0, start, lambda _: True)
        return result is (code is op.ASSERT)

    def _boundary(self, where: Any, at: int) -> bool:
        if where in {op.AT_BOUNDARY, op.AT_NON_BOUNDARY}:
            word = CATEGORIES[op.CATEGORY_WORD]
            sides = [
                0 <= entry < len(self._text) and word(self._text[entry]) for entry in (at - 1, at)
            ]
            return (sides[0] != sides[1]) is (where is op.AT_BOUNDARY)
        return at == (0 if where is op.AT_BEGINNING else len(self._text))

    def _fits(self, code: Any, argument: Any, character: str) -> bool:
        if code is op.ANY:
            return character != "\n"
        if code in {op.LITERAL, op.NOT_LITERAL}:
            return (self._same(argument, character)) is (code is op.LITERAL)
        negated = argument[0][0] is op.NEGATE
        inside = any(self._in(entry, character) for entry in argument[negated:])
        return inside is not negated

    def _in(self, entry: Any, character: str) -> bool:
        code, argument = entry
        if code is op.LITERAL:
            return self._same(argument, character)
        if code is op.RANGE:
            both = {character, character.upper()} if self._fold else {character}
            return any(argument[0] <= ord(c) <= argument[1] for c in both if len(c) == 1)
        return CATEGORIES[argument](character)

    def _same(self, argument: int, character: str) -> bool:
        wanted = chr(argument)
        return character == (wanted.lower() if self._fold else wanted)
