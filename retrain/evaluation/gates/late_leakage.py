"""Benchmarks that the training data wasn't held against when it was built are held against it now.

A file that was named later, or a data set that has grown since, may ask what the candidate was
trained on. Texts and phrases are compared; rewording is looked for only when data is built.
"""

from collections.abc import Sequence

from monitor.settings import TrainingData
from retrain.data import BenchmarkTexts, read_examples
from retrain.data.example import make_examples
from retrain.data.leakage.leak_check import LeakCheck
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.gate_result import Check
from retrain.run_folder import RunFolder, read_json

#: How many leaked items a check names.
NAMED = 5


def check_late_leakage(
    folder: RunFolder, benchmarks: Sequence[Benchmark], rules: TrainingData
) -> tuple[list[Check], list[str]]:
    """Look for benchmarks' items in what a run was trained on.

    Args:
        folder: The run's folder, with its data card and ``train.jsonl``.
        benchmarks: Those whose digest is in the card were looked at when the data was built.
        rules: What makes a shared phrase, and how many of them a leak.

    Returns:
        A check that is undecided for each benchmark with items that leak, since its figures then
        measure memory; and what else is to be known.

    Raises:
        InputError: The training data can't be read.
    """
    known = _digests_at_build(folder)
    late = [one for one in benchmarks if f"sha256:{one.digest}" not in known]
    if not late:
        return [], []
    if not folder.training_data.is_file():
        names = ", ".join(one.name for one in late)
        return [], [f"{names}: the run's training data isn't there to be searched for the items"]
    check = LeakCheck(
        [BenchmarkTexts(one.name, one.items, one.digest) for one in late],
        encoder=None,
        threshold=rules.min_duplicate_similarity,
        phrase_words=rules.leak_ngram_size,
        overlap=rules.min_leak_overlap,
    )
    # What kind of example a row is makes no difference here.
    check.drop_leaks(make_examples(read_examples(folder.training_data), "gold", ()))
    found = {(leak.benchmark, leak.item) for leak in check.leaks}
    checks = []
    for one in late:
        leaked = [item.id for item in one.items if (one.name, item.id) in found]
        if leaked:
            checks.append(_check(one, leaked, rules))
    return checks, []


def _digests_at_build(folder: RunFolder) -> set[str]:
    inputs = (read_json(folder.card) or {}).get("inputs", {})
    return {digest for name, digest in inputs.items() if name.startswith("benchmark ")}


def _check(benchmark: Benchmark, leaked: Sequence[str], rules: TrainingData) -> Check:
    more = ", ..." if len(leaked) > NAMED else ""
    return Check(
        f"{benchmark.name} isn't in the training data",
        "undecided",
        f"the run was trained on what {len(leaked)} of {len(benchmark.items)} items ask: "
        f"{', '.join(leaked[:NAMED])}{more}; take them out of the benchmark, or train without them",
        "no item in the same words, or in a share of "
        f"{rules.min_leak_overlap:g} of its phrases of {rules.leak_ngram_size} words",
    )
