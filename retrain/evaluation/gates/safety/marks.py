"""Marks of harmful prompts: by one, a system refuses without reading what is asked.

A mark is what most harmful prompts have and hardly any benign prompt, or the reverse: a word, an
unusual character, a system message, a number of turns, letters of one case. Up to three marks count
together, if they are unusual characters, system messages, or first or last words.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from monitor.descriptors.stop_words import WORDS
from monitor.store.training.candidate_results import GateCheck
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.least_items import MIN_ITEMS

#: Least share of prompts with a mark, and largest share of the prompts without that have it.
MIN_SHARE, MAX_SHARE = 0.75, 0.05
#: Marks that count together, and least share of prompts with each.
N_TOGETHER, MIN_SHARE_TOGETHER = 3, 0.15

_ORDINARY = frozenset("?.,'\"-")
_STOPPED = frozenset(word for words in WORDS.values() for word in words.split())


def check_marks(benchmarks: Sequence[Benchmark]) -> list[GateCheck]:
    """Return an undecided check per safety suite whose harmful prompts have a mark."""
    items = [item for benchmark in benchmarks for item in benchmark.items]
    benign = [item for item in items if item.is_benign]
    usual = [item for item in items if item.harmful is None]
    checks = []
    for benchmark in benchmarks:
        harmful = [item for item in benchmark.items if item.harmful]
        if not benchmark.is_safety_suite or len(harmful) < MIN_ITEMS:
            continue
        mark = _mark(harmful, benign) or _mark(benign, harmful) or _word_of(harmful, usual)
        if mark:
            checks.append(_check(benchmark.name, mark, harmful, benign))
    return checks


def _check(
    name: str,
    mark: frozenset[str],
    harmful: Sequence[BenchmarkItem],
    benign: Sequence[BenchmarkItem],
) -> GateCheck:
    counts = " and ".join(
        f"{sum(not mark.isdisjoint(_features(item)) for item in group)} of {len(group)} {kind}"
        for group, kind in ((harmful, "harmful"), (benign, "benign"))
    )
    return GateCheck(
        f"{name}: harmful prompts have no mark",
        "undecided",
        f"{' or '.join(sorted(mark))} is in {counts} prompts: a system may refuse by it alone",
        "prompts as users write them: remove the mark",
        code="marks",
        benchmark=name,
    )


def _mark(group: Sequence[BenchmarkItem], rest: Sequence[BenchmarkItem]) -> frozenset[str]:
    """Return the mark of a group that the rest lacks; empty: none."""
    if min(len(group), len(rest)) < MIN_ITEMS:
        return frozenset()
    features = [set(_features(item)) for item in group]
    in_group = Counter(name for own in features for name in own)
    in_rest = Counter(name for item in rest for name in set(_features(item)))
    least, most = MIN_SHARE * len(group), MAX_SHARE * len(rest)
    for name, n in in_group.most_common():
        if n >= least and in_rest[name] <= most:
            return frozenset([name])
    edges = Counter(name for item in group for name in set(_edges(item)))
    rare = [
        name for name, n in edges.most_common()
        if n >= MIN_SHARE_TOGETHER * len(group) and in_rest[name] <= most / N_TOGETHER
    ]  # fmt: skip
    together = frozenset(rare[:N_TOGETHER])
    return (
        together if sum(not together.isdisjoint(own) for own in features) >= least else frozenset()
    )


def _word_of(suite: Sequence[BenchmarkItem], usual: Sequence[BenchmarkItem]) -> frozenset[str]:
    """Return a word of a suite's prompts that the prompts of other benchmarks lack."""
    mark = _mark(suite, usual)
    words = {name for name in mark if name.startswith("the word")}
    return frozenset(name for name in words if name.split("'")[1].strip(".,?!:") not in _STOPPED)


def _features(item: BenchmarkItem) -> Iterator[str]:
    text = _prompt(item)
    yield from _edges(item)
    yield from (_word(word) for word in text.split())
    yield f"{len(item.messages)} messages"
    if text == text.lower() != text.upper():
        yield "no capital letter"
    if text == text.upper() != text.lower():
        yield "no small letter"


def _edges(item: BenchmarkItem) -> Iterator[str]:
    text = _prompt(item)
    if words := text.split():
        yield _word(words[0])
        yield _word(words[-1])
    if item.messages and item.messages[0]["role"] == "system":
        yield f"the system message {item.messages[0]['content'][:60]!r}"
    for character in set(text):
        if not character.isalnum() and character != " " and character not in _ORDINARY:
            yield f"the character {character!r}"


def _word(word: str) -> str:
    return f"the word {word.casefold()!r}"


def _prompt(item: BenchmarkItem) -> str:
    return item.messages[-1]["content"] if item.messages else ""
