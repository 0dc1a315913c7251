"""Tree of the beginnings of texts: the places where texts that began alike go on differently."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Words, of scripts without spaces single characters, spaces, and signs.
TOKEN = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
    r"|[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+"
    r"|\s+|[^\w\s]"
)


@dataclass(frozen=True)
class Branching:
    """Texts that have their first tokens in common, and no further one."""

    tokens: tuple[str, ...]
    #: Indices of the texts.
    rows: tuple[int, ...]


def branchings(sequences: Sequence[Sequence[str]], min_rows: int) -> Iterator[Branching]:
    """Return the branchings with at least so many of the sequences of tokens.

    Example:
        >>> [found.tokens for found in branchings(["abcx", "abcy", "abdz"], 2)]
        [('a', 'b'), ('a', 'b', 'c')]
    """
    waiting: list[tuple[int, list[int]]] = [(0, list(range(len(sequences))))]
    while waiting:
        depth, rows = waiting.pop()
        first = sequences[rows[0]] if rows else ()
        while True:
            children: dict[str, list[int]] = {}
            for row in rows:
                sequence = sequences[row]
                if len(sequence) > depth:
                    children.setdefault(sequence[depth], []).append(row)
            if len(children) != 1 or sum(map(len, children.values())) < len(rows):
                break
            depth += 1
        if depth:
            yield Branching(tuple(first[:depth]), tuple(rows))
        waiting += [(depth + 1, child) for child in children.values() if len(child) >= min_rows]
