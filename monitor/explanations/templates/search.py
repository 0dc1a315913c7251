"""Search of a sample of texts for constant beginnings, or ends.

A template is told from a natural beginning such as "how do i" by a sign or line break behind it, by
the words that follow, which are those of any topic, or by a share that no natural beginning has.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from monitor.explanations.markup import without_markup
from monitor.explanations.punctuation import without_final_signs
from monitor.explanations.share_changes import MIN_CANDIDATE_ROWS
from monitor.explanations.templates.number_masks import NUMBER
from monitor.explanations.templates.tree import TOKEN, Branching, branchings
from monitor.explanations.templates.word_excess import WordShares, words_of

End = Literal["beginning", "end"]

#: Characters of a text, from its end that is searched.
MAX_CHARACTERS = 4_000
#: A share of the other side above this part is natural, without another sign of a template.
MAX_OTHER_PART = 0.1
#: What more texts have cannot be missing from a side by chance: it is no candidate of the test.
MAX_CHANCE_ROWS = 50
#: A branching where one token goes on in more of the texts is not the end of a template.
MAX_CHILD_PART = 0.9
#: Of two nested templates the longer one is chosen where it keeps this part of the texts.
MIN_KEPT_PART = 0.9
#: Of the excess of a template, the part that its words have without markup and signs.
MIN_PLAIN_PART = 0.5
#: Fewer words without a sign behind them may be natural: they need a share.
MIN_WORDS = 3
MIN_SHARE_OF_SHORT = 0.1
#: No natural beginning has such a share.
USUAL_SHARE = 0.5
#: With this share it is a template, whatever follows.
WHOLE_SHARE = 0.8
#: A sign that texts of the other side have at their edge in this share belongs to the texts.
NATURAL_SIGN_SHARE = 0.2

_CLOSING = frozenset(":]>}|)»—.!?。：】）」")  # noqa: RUF001
_OPENING = frozenset("[{<|(«—【（「")  # noqa: RUF001
_SENTENCE_END = frozenset(".!?:。！？：")  # noqa: RUF001


@dataclass(frozen=True)
class Sample:
    """Distinct texts of both sides with placeholders for numbers, the reference first."""

    texts: list[str]
    n_reference: int

    @property
    def sizes(self) -> tuple[int, int]:
        """Return the number of texts of each side."""
        return self.n_reference, len(self.texts) - self.n_reference


@dataclass(frozen=True)
class Part:
    """The beginning or end of a template, and the texts of the sample that have it."""

    text: str
    #: Behind the end: signs that are no part of it, as the first of the texts has them.
    signs: str
    n_tokens: int
    rows: frozenset[int]
    #: Of the current share over the reference's; negative where the window lost it.
    excess: float
    has_border: bool


def search_parts(sample: Sample, end: End) -> tuple[list[Part], dict[bool, int]]:
    """Return the templates at one end that share no texts, and the numbers of candidates.

    Those with a sign or line break as their border are counted apart: they are few.
    """
    n_reference = sample.n_reference
    sequences = [
        [token.casefold() for token in _tokens(text, end)][:: 1 if end == "beginning" else -1]
        for text in sample.texts
    ]
    words = [words_of(sequence) for sequence in sequences]
    shares = [WordShares(words[:n_reference]), WordShares(words[n_reference:])]
    place = 0 if end == "beginning" else -1
    edges = [
        Counter(text[place] for text in texts)
        for texts in (sample.texts[:n_reference], sample.texts[n_reference:])
    ]
    plain = _PlainWords(sample, end)
    n_candidates, parts = {False: 0, True: 0}, []
    min_rows = max(MIN_CANDIDATE_ROWS // 2, len(sequences) // 1000)
    for node in branchings(sequences, min_rows):
        n = len(node.rows)
        if n < MIN_CANDIDATE_ROWS or _goes_on(node, sequences):
            continue
        n_current = sum(row >= n_reference for row in node.rows)
        reference, current = (n - n_current) / sample.sizes[0], n_current / sample.sizes[1]
        low, high = sorted((reference, current))
        other = int(current < reference)
        n_tokens = _without_signs(node, edges[other], sample.sizes[other])
        if not n_tokens:
            continue
        has_border = _has_border(node, n_tokens, sequences, end)
        own_words = words_of(node.tokens[:n_tokens]) - {NUMBER}
        is_short = len(own_words) < MIN_WORDS and node.tokens[n_tokens - 1].isalnum()
        if not (
            has_border
            or high >= WHOLE_SHARE
            or (
                (high >= MIN_SHARE_OF_SHORT or not is_short)
                and shares[other].is_like((words[row] for row in node.rows), own_words)
            )
        ):
            continue
        # The side that has more of it shows how it is written.
        example = sample.texts[node.rows[-1 if current > reference else 0]]
        text, signs = _written(example, n_tokens, end)
        if not plain.has_excess(text, current - reference):
            continue
        may_be_shared = has_border or high >= USUAL_SHARE
        n_candidates[has_border] += may_be_shared or n <= MAX_CHANCE_ROWS
        if low > MAX_OTHER_PART * high and not may_be_shared:
            continue
        parts.append(
            Part(text, signs, n_tokens, frozenset(node.rows), current - reference, has_border)
        )
    return _without_nested(parts), n_candidates


class _PlainWords:
    """The words of texts without markup and signs, in which a natural beginning is the same."""

    def __init__(self, sample: Sample, end: End) -> None:
        self._sample = sample
        self._end = end
        self._words = [self._plain(text) for text in sample.texts]
        self._counts: dict[int, tuple[Counter[tuple[str, ...]], ...]] = {}

    def has_excess(self, part: str, excess: float) -> bool:
        """Return whether the plain words of a part have at least half of its excess."""
        words = self._plain(part)
        if not words:
            return False
        length = len(words)
        if length not in self._counts:
            n = self._sample.n_reference
            self._counts[length] = tuple(
                Counter(own[:length] for own in half) for half in (self._words[:n], self._words[n:])
            )
        reference, current = (
            counts[words] / size
            for counts, size in zip(self._counts[length], self._sample.sizes, strict=True)
        )
        return (current - reference) / excess >= MIN_PLAIN_PART if excess else False

    def _plain(self, text: str) -> tuple[str, ...]:
        tokens = _tokens(without_markup(text), self._end)
        words = [token.casefold() for token in tokens if token.isalnum() or token == NUMBER]
        return tuple(words if self._end == "beginning" else words[::-1])


def _tokens(text: str, end: End) -> list[str]:
    if end == "beginning":
        return TOKEN.findall(text[:MAX_CHARACTERS])
    return TOKEN.findall(without_final_signs(text)[-MAX_CHARACTERS:])


def _written(text: str, n_tokens: int, end: End) -> tuple[str, str]:
    tokens = _tokens(text, end)
    if end == "beginning":
        return "".join(tokens[:n_tokens]).strip(), ""
    return "".join(tokens[-n_tokens:]).strip(), text[len(without_final_signs(text)) :]


def _is_word(token: str) -> bool:
    return token.isalnum() or token == NUMBER or (not token.isascii() and not token.isspace())


def _goes_on(node: Branching, sequences: Sequence[Sequence[str]]) -> bool:
    """Return whether most texts go on with one token: a longer beginning stands for them."""
    depth = len(node.tokens)
    after = Counter(sequences[row][depth] for row in node.rows if len(sequences[row]) > depth)
    return max(after.values(), default=0) > MAX_CHILD_PART * len(node.rows)


def _without_signs(node: Branching, edges: Counter[str], n: int) -> int:
    """Return the length without signs at the inside that the other side's texts have there too."""
    if not any(map(_is_word, node.tokens)):
        return 0
    length = len(node.tokens)
    while not _is_word(node.tokens[length - 1]):
        sign = node.tokens[length - 1]
        if not sign.isspace() and edges[sign] < NATURAL_SIGN_SHARE * n:
            break
        length -= 1
    return length


def _has_border(
    node: Branching, n_tokens: int, sequences: Sequence[Sequence[str]], end: End
) -> bool:
    """Return whether a sign or a line break divides the template from the texts."""
    if any("\n" in token for token in node.tokens[n_tokens - 1 :]):
        return True
    edge = node.tokens[n_tokens - 1]
    if end == "beginning":
        return edge in _CLOSING
    before = [
        next((token for token in sequences[row][n_tokens:] if not token.isspace()), ".")
        for row in node.rows
    ]
    closed = sum(token in _SENTENCE_END for token in before)
    return edge in _OPENING or closed >= MIN_KEPT_PART * len(before)


def _without_nested(parts: list[Part]) -> list[Part]:
    """Return parts that share no texts: those of the largest excess, as long as can be."""
    chosen: list[Part] = []
    for top in sorted(parts, key=lambda part: (-abs(part.excess), part.n_tokens)):
        if not any(top.rows & other.rows for other in chosen):
            chosen += _longest([part for part in parts if part.rows <= top.rows], top)
    return chosen


def _longest(nested: list[Part], top: Part) -> list[Part]:
    """Return the longest part, or several that end at a sign where it ends before one."""
    longest = max(
        (part for part in nested if abs(part.excess) >= MIN_KEPT_PART * abs(top.excess)),
        key=lambda part: part.n_tokens,
    )
    if longest.has_border:
        return [longest]
    closed: list[Part] = []
    for part in sorted(nested, key=lambda part: part.n_tokens):
        if part.has_border and not any(part.rows & other.rows for other in closed):
            closed.append(part)
    covered = sum(len(part.rows) for part in closed)
    return closed if covered >= MIN_KEPT_PART * len(top.rows) else [longest]
