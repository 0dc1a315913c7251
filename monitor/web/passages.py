"""Splits a text into prose and fenced code, and loses no character of it."""

import re
from typing import Literal

Passage = tuple[Literal["prose", "code"], str]

_OPENING = re.compile(r" {0,3}(`{3,}|~{3,})[^`]*$")


def split_passages(text: str) -> list[Passage]:
    """Return the passages in order; put together they give the text back.

    One look at each line, whatever the text: it may be hostile. A fence that is never closed stays
    prose.
    """
    found: list[Passage] = []
    prose: list[str] = []
    code: list[str] = []
    fence = ""
    for line in text.splitlines(keepends=True):
        if not fence:
            opening = _OPENING.match(line.rstrip())
            if opening is None:
                prose.append(line)
            else:
                fence, code = opening[1], [line]
            continue
        code.append(line)
        end = line.strip()
        if len(end) >= len(fence) and not end.strip(fence[0]):
            if prose:
                found.append(("prose", "".join(prose)))
            found.append(("code", "".join(code)))
            prose, code, fence = [], [], ""
    rest = "".join(prose + code)
    if rest or not found:
        found.append(("prose", rest))
    return found
