"""Sentences of comparisons, judged against pairs whose truth is known."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.explanations.known_pair import MAX_WORDS, KnownPair, score
from bench.explanations.outside_pairs import outside_pairs
from bench.explanations.prompt_pairs import prompt_pairs
from bench.explanations.response_pairs import response_pairs
from bench.explanations.sources import Sources
from monitor.bench.row import Row
from monitor.statistics.intervals import clopper_pearson

AREA = "explanations"
#: Rules were chosen on pairs of other seeds.
SEEDS = tuple(int(seed) for seed in os.environ.get("DRIFTWARDEN_PAIR_SEEDS", "101").split())
MIN_FIRST = 0.95


def known_pairs(data: Path, seed: int) -> Iterator[KnownPair]:
    """Yield all pairs of a seed."""
    sources = Sources(data, seed)
    yield from prompt_pairs(sources)
    yield from response_pairs(sources)
    yield from outside_pairs(sources)


def run(data: Path | None) -> Iterator[Row]:
    """Score the sentences of every pair, and print what was wrong."""
    if data is None or not (data / "clinc150").is_dir():
        yield Row(AREA, "all pairs", None, "", "", None, "needs CLINC150 and AlpacaEval: --data")
        return
    from driftwarden import compare_exchanges  # noqa: PLC0415 - takes seconds to import

    scores = []
    for seed in SEEDS:
        for pair in known_pairs(data, seed):
            assessment = compare_exchanges(pair.reference, pair.current)
            scored = score(pair, assessment)
            scores.append((pair, scored))
            print(f"\n{seed} {pair.name}: {assessment.verdict}\n  {assessment.headline}")
            for sentence in assessment.findings:
                print(f"  - {sentence}")
            print(f"  {scored}")
    planted = [scored for pair, scored in scores if pair.first]
    yield _rate("what was planted comes first", [s.is_first for s in planted], MIN_FIRST)
    yield _rate("all that was planted is said", [s.says_all for _, s in scores], MIN_FIRST)
    n_false = sum(len(scored.false_sentences) for _, scored in scores)
    measured = f"{len(scores)} pairs, seeds {', '.join(map(str, SEEDS))}"
    yield Row(AREA, "false sentences", n_false, "", "0", n_false == 0, measured)
    yield _rate("the alarm is right", [s.alarm_is_right for _, s in scores], 1.0)
    longest = max(scored.n_words for _, scored in scores)
    holds = longest <= MAX_WORDS
    yield Row(AREA, "longest headline", longest, "words", f"<= {MAX_WORDS}", holds, measured)


def _rate(name: str, outcomes: Sequence[bool], goal: float) -> Row:
    lower, upper = clopper_pearson(sum(outcomes), len(outcomes))
    share = sum(outcomes) / len(outcomes)
    against = f"{sum(outcomes)} of {len(outcomes)}, 95% {lower:.2f} to {upper:.2f}"
    return Row(AREA, name, share, "", f">= {goal:g}", upper >= goal, against)
