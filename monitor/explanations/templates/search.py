"""Search of a sample of texts for constant beginnings, or ends.

A template is told from a natural beginning such as "how do i" by a sign or line break behind it, by
the words that follow, which are those of any topic, or by a share that no natural beginning has.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.explanations.share_changes import MIN_CANDIDATE_ROWS
from monitor.explanations.templates.number_masks import NUMBER
from monitor.explanations.templates.sample import End, Sample, is_word
from monitor.explanations.templates.tree import Branching, branchings
from monitor.explanations.templates.word_excess import WordShares, words_of

#: A share of the other side above this part is natural, without another sign of a template.
MAX_OTHER_PART = 0.1
#: What more texts have cannot be missing from a side by chance: it is no candidate of the test.
MAX_CHANCE_ROWS = 50
#: A branching where one token goes on in more of the texts is not the end of a template.
MAX_CHILD_PART = 0.9
#: Of two nested templates the longer one is chosen where it keeps this part of the texts.
MIN_KEPT_PART = 0.9
#: Without a sign behind it, a smaller share may be natural.
MIN_SHARE = 0.03
#: Fewer words without a sign behind them may be natural below the usual share.
MIN_WORDS = 3
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
    #: Signs alone are a part of a template only beside one with words.
    has_words: bool = True


def search_parts(sample: Sample, end: End) -> tuple[list[Part], dict[bool, int]]:
    """Return the templates at one end that share no texts, and the numbers of candidates.

    Those with a sign or line break as their border are counted apart: they are few.
    """
    n_reference = sample.n_reference
    sequences = sample.sequences(end)
    shares = WordShares(sample.words[:n_reference]), WordShares(sample.words[n_reference:])
    edges = sample.edges(end)
    n_candidates, parts, partners = {False: 0, True: 0}, [], list[Part]()
    for node in branchings(sequences, max(MIN_CANDIDATE_ROWS // 2, len(sequences) // 1000)):
        n = len(node.rows)
        if n < MIN_CANDIDATE_ROWS or _goes_on(node, sequences):
            continue
        n_current = sum(row >= n_reference for row in node.rows)
        reference, current = (n - n_current) / sample.sizes[0], n_current / sample.sizes[1]
        low, high = sorted((reference, current))
        other = int(current < reference)
        n_tokens = _without_signs(node, edges[other], sample.sizes[other])
        excess = current - reference
        if not n_tokens:
            if low <= MAX_OTHER_PART * high:
                text, signs = sample.written(node.rows[-1], len(node.tokens), end)
                rows = frozenset(node.rows)
                partners.append(Part(text, signs, len(node.tokens), rows, excess, True, False))
            continue
        has_border = _has_border(node, n_tokens, sequences, end)
        may_be_shared = has_border or high >= USUAL_SHARE
        is_natural = low > MAX_OTHER_PART * high and not may_be_shared
        if is_natural and n > MAX_CHANCE_ROWS:
            continue
        if excess < 0.0 and not may_be_shared:
            continue
        own_words = words_of(node.tokens[:n_tokens]) - {NUMBER}
        is_short = len(own_words) < MIN_WORDS and node.tokens[n_tokens - 1].isalnum()
        if not (
            has_border
            or high >= WHOLE_SHARE
            or (
                high >= (USUAL_SHARE if is_short else MIN_SHARE)
                and shares[other].is_like((sample.words[row] for row in node.rows), own_words)
            )
        ):
            continue
        n_candidates[has_border] += may_be_shared or n <= MAX_CHANCE_ROWS
        # The side that has more of it shows how it is written.
        text, signs = sample.written(node.rows[-1 if excess > 0 else 0], n_tokens, end)
        if is_natural or not sample.has_plain_excess(text + signs, end, excess):
            continue
        parts.append(Part(text, signs, n_tokens, frozenset(node.rows), excess, has_border))
    return _without_nested(parts) + partners, n_candidates


def _goes_on(node: Branching, sequences: Sequence[Sequence[str]]) -> bool:
    """Return whether most texts go on with one token: a longer beginning stands for them."""
    depth = len(node.tokens)
    after = Counter(sequences[row][depth] for row in node.rows if len(sequences[row]) > depth)
    return max(after.values(), default=0) > MAX_CHILD_PART * len(node.rows)


def _without_signs(node: Branching, edges: Counter[str], n: int) -> int:
    """Return the length without signs at the inside that the other side's texts have there too."""
    if not any(map(is_word, node.tokens)):
        return 0
    length = len(node.tokens)
    while not is_word(node.tokens[length - 1]):
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
