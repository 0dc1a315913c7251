"""Splitting of texts into prose and fenced code, without loss."""

import re
from typing import Literal

Passage = tuple[Literal["prose", "code"], str]

_OPENING = re.compile(r" {0,3}(`{3,}|~{3,})[^`]*$")


def split_passages(text: str) -> list[Passage]:
    """Split a text into passages, which concatenated give the text back.

    Linear in the number of lines, because texts may be hostile. An unclosed fence stays prose.
    """
    passages: list[Passage] = []
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
                passages.append(("prose", "".join(prose)))
            passages.append(("code", "".join(code)))
            prose, code, fence = [], [], ""
    rest = "".join(prose + code)
    if rest or not passages:
        passages.append(("prose", rest))
    return passages
