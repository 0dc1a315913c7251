"""Words that differ from text to text inside a template, such as a customer's name.

``Dear Ann, Ticket:`` and ``Dear Tom, Ticket:`` are one template, with a filler after ``Dear``.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from monitor.explanations.markup import without_markup
from monitor.explanations.share_changes import MIN_CANDIDATE_ROWS
from monitor.explanations.templates.number_masks import FILLER, mask_numbers
from monitor.explanations.templates.sample import End, is_word
from monitor.explanations.templates.template import Template
from monitor.explanations.templates.tree import TOKEN
from monitor.explanations.templates.word_excess import WordShares, words_of

#: Characters of a text, from its end that is searched.
MAX_CHARACTERS = 1_500
#: Tokens at one end of a text, spaces among them, in which a filler and what follows it are.
ZONE = 24
#: Of the texts in a template, those that have what follows a filler.
MOST = 0.97
#: Of the other side's share, at most this part of the share: what follows is not natural.
MAX_OTHER_PART = 0.1
#: Fillers of a template at one end.
MAX_FILLERS = 4
#: Smallest share of a template that begins with a filler, and of its signs and words.
MIN_SHARE = 0.03
MIN_TOKENS = 2
#: Frequent runs of tokens that are looked at.
MAX_RUNS = 8
#: Longest run of tokens that all texts of a template have.
MAX_TOKENS = 400


@dataclass(frozen=True)
class FilledPart:
    """A template that begins or ends with a filler, and how much more the window has of it."""

    template: Template
    excess: float
    n_candidates: int


@dataclass(frozen=True)
class _Ends:
    """Tokens of texts from one end on, as they are and without their case."""

    written: list[list[str]]
    end: End

    @classmethod
    def of(cls, texts: Iterable[str], end: End) -> "_Ends":
        is_beginning = end == "beginning"
        part = slice(MAX_CHARACTERS) if is_beginning else slice(-MAX_CHARACTERS, None)
        tokens = (TOKEN.findall(mask_numbers(text.strip()[part])) for text in texts)
        return cls([own if is_beginning else own[::-1] for own in tokens], end)

    @cached_property
    def folded(self) -> list[list[str]]:
        return [[token.casefold() for token in own] for own in self.written]

    @cached_property
    def zones(self) -> list[list[str]]:
        """The first tokens behind the smallest filler."""
        return [own[1:ZONE] for own in self.folded]

    def share(self, run: tuple[str, ...]) -> float:
        """Return the share of the texts that have a run behind their first token."""
        starts = (_index(own[1 : ZONE + len(run)], run) for own in self.folded)
        return sum(start is not None for start in starts) / max(len(self.folded), 1)

    def grow(self, run: tuple[str, ...]) -> tuple[str, ...]:
        """Return a run with the tokens that nearly all texts have beside it."""
        at = [
            (own, place + 1)
            for own, zone in zip(self.folded, self.zones, strict=True)
            if (place := _index(zone, run)) is not None
        ]
        needed = MOST * len(at)
        before, after = 0, len(run)
        while len(run) < MAX_TOKENS:
            following = Counter(own[start + after] for own, start in at if start + after < len(own))
            token, n = max(following.items(), key=lambda item: item[1], default=("", 0))
            if not n or n < needed:
                break
            run, after = (*run, token), after + 1
        while True:
            leading = Counter(
                own[start - before - 1] for own, start in at if start - before - 1 >= 0
            )
            token, n = max(leading.items(), key=lambda item: item[1], default=("", 0))
            if not n or n < needed:
                return run
            run, before = (token, *run), before + 1

    def write(self, run: tuple[str, ...]) -> str:
        """Return a run as the first text that has it writes it, in the order of reading."""
        for own, folded in zip(self.written, self.folded, strict=True):
            place = _index(folded, run)
            if place is not None:
                tokens = own[place : place + len(run)]
                return "".join(tokens if self.end == "beginning" else tokens[::-1])
        return ""


def extend_over_fillers(
    template: Template, inside: Sequence[str], outside: Sequence[str]
) -> Template:
    """Return a template with the fillers at its inner ends, and what stands behind them.

    Args:
        template: Without fillers.
        inside: Texts of the side that has more of it; those in the template count.
        outside: Texts of the other side.
    """
    ends: tuple[End, ...] = ("beginning", "end")
    for end in ends:
        if not (template.beginning if end == "beginning" else template.end):
            continue
        natural = _Ends.of((template.unwrap(text) for text in outside), end)
        for _ in range(MAX_FILLERS):
            own = _Ends.of((template.unwrap(t) for t in inside if template.matches(t)), end)
            run = _run_behind_filler(own, natural)
            longer = None if run is None else _add(template, own.write(run), end)
            n_matching = 0 if longer is None else sum(map(longer.matches, inside))
            if longer is None or n_matching < MOST * len(own.written):
                break
            template = longer
    return template


def find_filled(inside: Sequence[str], outside: Sequence[str], end: End) -> FilledPart | None:
    """Return the most frequent template at one end that begins, or ends, with a filler.

    A sign or a line break divides it from the text, and the text has the words of any topic.
    """
    own, natural = _Ends.of(inside, end), _Ends.of(outside, end)
    counts = Counter(gram for zone in own.zones for gram in set(_grams(zone)))
    frequent = [gram for gram, n in counts.items() if n >= MIN_CANDIDATE_ROWS]
    known = Counter(gram for zone in natural.zones for gram in set(_grams(zone)))
    n_own, n_others = max(len(own.zones), 1), max(len(natural.zones), 1)

    def excess(gram: tuple[str, ...]) -> float:
        return counts[gram] / n_own - known[gram] / n_others

    any_topic = WordShares([words_of(own) for own in natural.folded])
    runs: dict[tuple[str, ...], None] = {}
    for gram in sorted(frequent, key=lambda gram: (-excess(gram), gram)):
        if excess(gram) < MIN_SHARE or len(runs) == MAX_RUNS:
            break
        run = own.grow(gram)
        if run in runs:
            continue
        runs[run] = None
        share, other_share = own.share(run), natural.share(run)
        written = own.write(run)
        has_words = any(map(str.isalpha, TOKEN.findall(without_markup(written))))
        if not (has_words and _has_border(run)) or other_share > MAX_OTHER_PART * share:
            continue
        template = _add(Template(), written, end)
        rest = [template.unwrap(text) for text in inside if template.matches(text)]
        words = [words_of(TOKEN.findall(mask_numbers(text).casefold())) for text in rest]
        if len(rest) >= MOST * share * len(inside) > 0 and any_topic.is_like(words, ()):
            return FilledPart(template, share - other_share, len(frequent))
    return None


def _run_behind_filler(own: _Ends, natural: _Ends) -> tuple[str, ...] | None:
    """Return what nearly all texts, and few of the other side, have behind a filler."""
    needed = MOST * len(own.zones)
    counts = Counter(token for zone in own.zones for token in set(zone) if not token.isspace())
    anchors = [(token,) for token, n in counts.items() if n >= needed]
    anchors = [anchor for anchor in anchors if natural.share(anchor) <= MAX_OTHER_PART]
    if not anchors:
        return None
    first = min(anchors, key=lambda anchor: sum(_index(zone, anchor) or 0 for zone in own.zones))
    return own.grow(first)


def _add(template: Template, run: str, end: End) -> Template:
    if end == "beginning":
        return replace(template, beginning=template.beginning + FILLER + run.rstrip())
    return replace(template, end=run.lstrip() + FILLER + template.end)


def _has_border(run: tuple[str, ...]) -> bool:
    """Return whether a template that begins with a filler, or ends so, is set off from the text."""
    tokens = [token for token in run if not token.isspace()]
    if len(tokens) < MIN_TOKENS:
        return False
    return any("\n" in token for token in run) or not is_word(tokens[-1])


def _grams(zone: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """Yield the pairs of neighbouring tokens, and the spaces between them."""
    for at, token in enumerate(zone[:-1]):
        if not token.isspace():
            last = at + 2 if not zone[at + 1].isspace() else at + 3
            if last <= len(zone):
                yield tuple(zone[at:last])


def _index(tokens: Sequence[str], run: tuple[str, ...]) -> int | None:
    for at in range(len(tokens) - len(run) + 1):
        if tokens[at] == run[0] and tuple(tokens[at : at + len(run)]) == run:
            return at
    return None
