"""Rules that copy a response from an item's prompt."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.tokens import normalise

#: Lines and sentences that are copied, by position.
POSITIONS = (0, 1, 2, -3, -2, -1)
#: Share of the items' texts from which a word belongs to their template.
TEMPLATE = 0.2
#: Labels are closed where each is the reference answer of so many items on average.
MIN_ITEMS_PER_LABEL, MAX_LABELS = 3, 200

_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+")  # noqa: RUF001
_QUOTED = re.compile(r"[\"“«‘`]([^\"”»’`]+)[\"”»’`]|<([^<>]+)>|\(([^()]+)\)")  # noqa: RUF001
_EDGES = " \t\n.,;:!?\"'“”«»‘’`()[]<>"  # noqa: RUF001

Texts = list[str]


def copied_responses(items: Sequence[BenchmarkItem]) -> Iterator[tuple[str, Texts]]:
    """Yield the name and the responses of each rule, empty where it has nothing to copy."""
    for source, read in _SOURCES.items():
        texts = [read(item) for item in items]
        if any(texts):
            yield from _parts(source, texts)
    for source, texts in {
        "text before the prompt": [_before(item) for item in items],
        "prompt": [_prompt(item) for item in items],
    }.items():
        yield from _labels(source, texts, [item.expected for item in items])


def _parts(source: str, texts: Texts) -> Iterator[tuple[str, Texts]]:
    yield f"copy of the {source}", texts
    for part, split in (("line", str.splitlines), ("sentence", _SENTENCE.split)):
        pieces = [[piece for piece in split(text) if piece.strip()] for text in texts]
        for position in POSITIONS:
            if any(len(each) > 1 for each in pieces):
                name = f"{part} {position if position < 0 else position + 1} of the {source}"
                yield name, [_at(each, position) for each in pieces]
    after_colon = [text.rpartition(":")[2].strip() if ":" in text else "" for text in texts]
    yield f"{source} after its last colon", [text.strip(_EDGES) for text in after_colon]
    yield (
        f"sentence after the last colon of the {source}",
        [_SENTENCE.split(text)[0].strip(_EDGES) for text in after_colon],
    )
    yield f"last quotation in the {source}", [_last_quotation(text) for text in texts]
    yield f"{source} without what the items share", _without_template(texts)


def _labels(
    source: str, texts: Texts, expected: Sequence[str | None]
) -> Iterator[tuple[str, Texts]]:
    """Yield the rules that copy a label of a closed set."""
    labels = {normalise(text): text for text in expected if text is not None}
    if not labels or len(labels) > MAX_LABELS or len(texts) < MIN_ITEMS_PER_LABEL * len(labels):
        return
    longest_first = "|".join(map(re.escape, sorted(labels, key=len, reverse=True)))
    pattern = re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)")
    named = [pattern.findall(normalise(text)) for text in texts]
    choices: dict[str, Callable[[list[str]], str]] = {
        "first label": lambda matches: matches[0],
        "last label": lambda matches: matches[-1],
        "most frequent label": lambda matches: Counter(matches).most_common(1)[0][0],
    }
    for name, choose in choices.items():
        yield (
            f"{name} in the {source}",
            [labels[choose(matches)] if matches else "" for matches in named],
        )


def _without_template(texts: Texts) -> Texts:
    """Return the texts without the words at both ends that many of them have."""
    words = [text.split() for text in texts]
    counts = Counter(word for each in words for word in set(each))
    usual = {word for word, n in counts.items() if n > max(1, TEMPLATE * len(texts))}
    matches = []
    for each in words:
        own = [place for place, word in enumerate(each) if word not in usual]
        matches.append(" ".join(each[own[0] : own[-1] + 1]).strip(_EDGES) if own else "")
    return matches


def _at(pieces: Sequence[str], position: int) -> str:
    return pieces[position].strip() if -len(pieces) <= position < len(pieces) else ""


def _last_quotation(text: str) -> str:
    quotations = _QUOTED.findall(text)
    return "".join(quotations[-1]).strip(_EDGES) if quotations else ""


def _system_prompt(item: BenchmarkItem) -> str:
    return "\n".join(m["content"] for m in item.messages if m["role"] == "system")


def _turns(item: BenchmarkItem) -> Texts:
    """Return the turns before the prompt."""
    return [m["content"] for m in item.messages[:-1] if m["role"] != "system"]


def _prompt(item: BenchmarkItem) -> str:
    return item.messages[-1]["content"]


def _before(item: BenchmarkItem) -> str:
    return "\n".join((_system_prompt(item), item.context, *_turns(item)))


_SOURCES: dict[str, Callable[[BenchmarkItem], str]] = {
    "prompt": _prompt,
    "system prompt": _system_prompt,
    "context": lambda item: item.context,
    "last turn of the assistant": lambda item: _at(_turns(item), -1),
    "first turn": lambda item: _at(_turns(item), 0),
    "second turn": lambda item: _at(_turns(item), 1),
}
