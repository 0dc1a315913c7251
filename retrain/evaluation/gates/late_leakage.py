"""Leakage check of benchmarks that were not checked when the training data was built.

A benchmark that was added or extended later may contain items of the training data. The check
compares texts, mechanical disguises and shared phrases; possible paraphrases are remarked. Items in
another language or in other words are searched for in every benchmark, since they stay in the data
when it is built.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from monitor.settings import TrainingData
from monitor.store.training.candidate_results import GateCheck
from retrain.data import BenchmarkTexts, read_examples
from retrain.data.example import Example, make_examples, question_text
from retrain.data.leakage.leak_check import LeakCheck
from retrain.data.leakage.near_copies import MIN_EXCESS, NearCopySearch
from retrain.data.leakage.translations import find_translations
from retrain.data.similarity import SentenceEncoder
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.training_record import changed_files, check_changed_files
from retrain.evaluation.request import TrainingRecord
from retrain.run_folder import RunFolder

#: Maximum leaked items that a check names.
MAX_NAMED = 5
#: What was done with examples, in words.
TRAINED = "training data"
CHOSEN = "validation data, by which its checkpoint was chosen"
#: The record of data of which the database knows nothing.
UNKNOWN = TrainingRecord()


def check_late_leakage(
    folder: RunFolder,
    benchmarks: Sequence[Benchmark],
    rules: TrainingData,
    encoder: SentenceEncoder | None = None,
    record: TrainingRecord = UNKNOWN,
) -> tuple[list[GateCheck], list[str]]:
    """Search a run's training and validation data for items of benchmarks.

    A benchmark that the record names was searched for when the same rows were built. Without an
    encoder there is no search for paraphrases. Each benchmark with leaked items, whose scores
    measure memory, has an undecided check, as have missing data, data other than the recorded, and
    a benchmark of which so many items may have been translated or put in other words that it is no
    chance. Remarks come second.

    Raises:
        InputError: The data can't be read.
    """
    changed = changed_files(folder, record)
    known = () if changed else record.benchmarks
    unchecked = [b for b in benchmarks if f"sha256:{b.digest}" not in known]
    checks, remarks = check_changed_files(changed), []
    if not folder.training_data.is_file():
        checks += [_unchecked(unchecked, folder.training_data, rules)] if unchecked else []
    elif record.validation and not folder.validation_data.is_file() and unchecked:
        checks.append(_unchecked(unchecked, folder.validation_data, rules))
    for path, place in ((folder.training_data, TRAINED), (folder.validation_data, CHOSEN)):
        if not path.is_file():
            continue
        # The kind of example is irrelevant here.
        examples = make_examples(read_examples(path), "gold", ())
        leaks, near = _late_leaks(unchecked, examples, rules, encoder, place)
        translated, possible = _translations(benchmarks, examples, encoder, place)
        checks += [*leaks, *translated]
        remarks += [*near, *possible]
    return checks, remarks


def _translations(
    benchmarks: Sequence[Benchmark],
    examples: Sequence[Example],
    encoder: SentenceEncoder | None,
    place: str,
) -> tuple[list[GateCheck], list[str]]:
    checks: list[GateCheck] = []
    remarks = []
    for benchmark in benchmarks:
        texts = BenchmarkTexts(benchmark.name, benchmark.items, benchmark.digest)
        matches = find_translations(
            [example.question for example in examples], texts.questions, encoder
        )
        items = [benchmark.items[number].id for number in sorted(set(matches.pairs.values()))]
        if matches.is_strong:
            checks.append(_translated(benchmark, items, matches.languages, place))
        elif items:
            remarks.append(
                f"{benchmark.name}: WARNING: the run's {place} may translate {len(items)} of "
                f"{len(benchmark.items)} items: {_named(items)}"
            )
    return [*checks, *_near_copies(benchmarks, examples, place)], remarks


def _near_copies(
    benchmarks: Sequence[Benchmark], examples: Sequence[Example], place: str
) -> Iterator[GateCheck]:
    data = place.partition(",")[0]
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
                f"the run's {data} than to the others, by chance {copies.chance:.0%}: "
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
    place: str,
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
            checks.append(_check(benchmark, leaked, rules, place))
    return checks, [*_paraphrase_remarks(unchecked, check, place)]


def _paraphrase_remarks(
    benchmarks: Sequence[Benchmark], check: LeakCheck, place: str
) -> Iterator[str]:
    for benchmark in benchmarks:
        near = {
            leak.item
            for leak in check.paraphrases
            if leak.benchmark == benchmark.name and leak.how == "paraphrase"
        }
        if near:
            yield (
                f"{benchmark.name}: WARNING: the run's {place} may paraphrase {len(near)} of "
                f"{len(benchmark.items)} items: {_named(sorted(near))}"
            )


def _named(items: Sequence[str]) -> str:
    return ", ".join(items[:MAX_NAMED]) + (", ..." if len(items) > MAX_NAMED else "")


def _check(
    benchmark: Benchmark, leaked: Sequence[str], rules: TrainingData, place: str
) -> GateCheck:
    return GateCheck(
        f"{benchmark.name}: no leakage",
        "undecided",
        f"{len(leaked)} of {len(benchmark.items)} items are in the run's {place}: "
        f"{_named(leaked)}; remove them from the benchmark, or train without them",
        _required(rules),
        code="leakage",
        benchmark=benchmark.name,
    )


def _translated(
    benchmark: Benchmark, items: Sequence[str], languages: Sequence[str], place: str
) -> GateCheck:
    return GateCheck(
        f"{benchmark.name}: no leakage in other languages",
        "undecided",
        f"at least {len(items)} of {len(benchmark.items)} items seem to be in the run's {place} "
        f"in another language ({', '.join(languages)}): {_named(items)}; train without them, "
        "or replace the items",
        "no more possible translations of items than by chance",
        code="leakage",
        benchmark=benchmark.name,
    )


def _unchecked(benchmarks: Sequence[Benchmark], path: Path, rules: TrainingData) -> GateCheck:
    """Return the check of benchmarks that can't be searched for any more."""
    names = ", ".join(benchmark.name for benchmark in benchmarks)
    return GateCheck(
        "no leakage",
        "undecided",
        f"{names}: not checked, because {path.name} is missing; restore it in the run's folder",
        _required(rules),
        code="leakage",
    )


def _required(rules: TrainingData) -> str:
    return (
        "no item with the same text or a mechanical disguise of it, or sharing "
        f"{rules.min_leak_overlap:g} of its phrases of {rules.leak_ngram_size} words"
    )
