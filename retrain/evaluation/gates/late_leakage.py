"""Leakage check of benchmarks that were not checked when the training data was built.

A benchmark that was added or extended later may contain items of the training data. The check
compares texts, mechanical disguises and shared phrases; possible paraphrases are remarked. Items in
another language or in other words are searched for in every benchmark, since they stay in the data
when it is built.
"""

from collections.abc import Iterator, Sequence

from monitor.settings import TrainingData
from monitor.store.training.candidate_results import GateCheck
from retrain.data import BenchmarkTexts, read_examples
from retrain.data.example import Example, make_examples, question_text
from retrain.data.leakage.leak_check import LeakCheck
from retrain.data.leakage.near_copies import MIN_EXCESS, NearCopySearch
from retrain.data.leakage.translations import find_translations
from retrain.data.similarity import SentenceEncoder
from retrain.evaluation.benchmark import Benchmark
from retrain.run_folder import RunFolder, read_json

#: Maximum leaked items that a check names.
MAX_NAMED = 5


def check_late_leakage(
    folder: RunFolder,
    benchmarks: Sequence[Benchmark],
    rules: TrainingData,
    encoder: SentenceEncoder | None = None,
) -> tuple[list[GateCheck], list[str]]:
    """Search a run's training data for items of benchmarks.

    A benchmark whose digest is in the data card was checked already. Without an encoder there is no
    search for paraphrases. Each benchmark with leaked items, whose scores measure memory, has an
    undecided check, as has missing training data, and one of which so many items may have been
    translated or put in other words that it is no chance. Remarks come second.

    Raises:
        InputError: The training data can't be read.
    """
    known = _digests_at_build(folder)
    unchecked = [b for b in benchmarks if f"sha256:{b.digest}" not in known]
    if not folder.training_data.is_file():
        return ([_unchecked(unchecked, rules)] if unchecked else []), []
    # The kind of example is irrelevant here.
    examples = make_examples(read_examples(folder.training_data), "gold", ())
    checks, remarks = _late_leaks(unchecked, examples, rules, encoder)
    for benchmark in benchmarks:
        texts = BenchmarkTexts(benchmark.name, benchmark.items, benchmark.digest)
        matches = find_translations(
            [example.question for example in examples], texts.questions, encoder
        )
        items = [benchmark.items[number].id for number in sorted(set(matches.pairs.values()))]
        if matches.is_strong:
            checks.append(_translated(benchmark, items, matches.languages))
        elif items:
            remarks.append(
                f"{benchmark.name}: WARNING: the run's training data may translate {len(items)} of "
                f"{len(benchmark.items)} items: {_named(items)}"
            )
    return [*checks, *_near_copies(benchmarks, examples)], remarks


def _near_copies(
    benchmarks: Sequence[Benchmark], examples: Sequence[Example]
) -> Iterator[GateCheck]:
    search = NearCopySearch([example.question for example in examples])
    for benchmark in benchmarks:
        for split in sorted({item.split for item in benchmark.items}):
            items = [item for item in benchmark.items if item.split == split]
            copies = search.find([question_text(item.messages) for item in items])
            if not copies.are_strong:
                continue
            named = [f"{items[row].id} in {examples[i].name}" for row, i in copies.pairs.items()]
            yield GateCheck(
                f"{benchmark.name}: no leakage in other words, {split} items",
                "undecided",
                f"{len(named)} of {copies.n_compared} longer items are far nearer to an example of "
                f"the run's training data than to the others, by chance {copies.chance:.0%}: "
                f"{_named(named)}; train without these examples, or replace the items",
                f"less than {MIN_EXCESS:.0%} above chance",
                code="leakage",
                benchmark=benchmark.name,
            )


def _late_leaks(
    unchecked: Sequence[Benchmark],
    examples: Sequence[Example],
    rules: TrainingData,
    encoder: SentenceEncoder | None,
) -> tuple[list[GateCheck], list[str]]:
    check = LeakCheck(
        [BenchmarkTexts(b.name, b.items, b.digest) for b in unchecked],
        encoder=encoder,
        threshold=rules.min_duplicate_similarity,
        phrase_words=rules.leak_ngram_size,
        overlap=rules.min_leak_overlap,
    )
    check.drop_leaks(examples)
    leaks = {(leak.benchmark, leak.item) for leak in check.leaks}
    checks = []
    for benchmark in unchecked:
        leaked = [item.id for item in benchmark.items if (benchmark.name, item.id) in leaks]
        if leaked:
            checks.append(_check(benchmark, leaked, rules))
    return checks, [*_paraphrase_remarks(unchecked, check)]


def _paraphrase_remarks(benchmarks: Sequence[Benchmark], check: LeakCheck) -> Iterator[str]:
    for benchmark in benchmarks:
        near = {
            leak.item
            for leak in check.paraphrases
            if leak.benchmark == benchmark.name and leak.how == "paraphrase"
        }
        if near:
            yield (
                f"{benchmark.name}: WARNING: the run's training data may paraphrase "
                f"{len(near)} of {len(benchmark.items)} items: {_named(sorted(near))}"
            )


def _named(items: Sequence[str]) -> str:
    return ", ".join(items[:MAX_NAMED]) + (", ..." if len(items) > MAX_NAMED else "")


def _digests_at_build(folder: RunFolder) -> set[str]:
    inputs = (read_json(folder.card) or {}).get("inputs", {})
    return {digest for name, digest in inputs.items() if name.startswith("benchmark ")}


def _check(benchmark: Benchmark, leaked: Sequence[str], rules: TrainingData) -> GateCheck:
    return GateCheck(
        f"{benchmark.name}: no leakage",
        "undecided",
        f"{len(leaked)} of {len(benchmark.items)} items are in the run's training data: "
        f"{_named(leaked)}; remove them from the benchmark, or train without them",
        _required(rules),
        code="leakage",
        benchmark=benchmark.name,
    )


def _translated(benchmark: Benchmark, items: Sequence[str], languages: Sequence[str]) -> GateCheck:
    return GateCheck(
        f"{benchmark.name}: no leakage in other languages",
        "undecided",
        f"at least {len(items)} of {len(benchmark.items)} items seem to be in the run's training "
        f"data in another language ({', '.join(languages)}): {_named(items)}; train without them, "
        "or replace the items",
        "no more possible translations of items than by chance",
        code="leakage",
        benchmark=benchmark.name,
    )


def _unchecked(benchmarks: Sequence[Benchmark], rules: TrainingData) -> GateCheck:
    """Return the check of benchmarks that can't be searched for any more."""
    names = ", ".join(benchmark.name for benchmark in benchmarks)
    return GateCheck(
        "no leakage",
        "undecided",
        f"{names}: not checked, because the run's training data is missing; restore train.jsonl in "
        "the run's folder",
        _required(rules),
        code="leakage",
    )


def _required(rules: TrainingData) -> str:
    return (
        "no item with the same text or a mechanical disguise of it, or sharing "
        f"{rules.min_leak_overlap:g} of its phrases of {rules.leak_ngram_size} words"
    )
