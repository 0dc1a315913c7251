"""Pairs of windows of public exchanges, of which it is known what changed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pandas import DataFrame

N_PROMPTS = 700
N_EXCHANGES = 250
NEW_SHARE = 0.05
RELEASES = ("gpt-3.5-turbo-0613", "gpt-3.5-turbo-1106")


@dataclass(frozen=True)
class Pair:
    """Two windows, with what changed between them."""

    name: str
    changed: bool
    reference: DataFrame
    current: DataFrame


def read_pairs(data: Path, seed: int) -> Iterator[Pair]:
    """Yield the pairs of the data sets in a folder: CLINC150 and AlpacaEval."""
    rng = np.random.default_rng(seed)
    splits = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
    known = sorted({text for name in ("train", "val", "test") for text, _ in splits[name]})
    novel = sorted({text for name in ("oos_val", "oos_test") for text, _ in splits[name]})
    drawn = [known[row] for row in rng.permutation(len(known))]
    reference = DataFrame({"prompt": drawn[:N_PROMPTS]})
    current = drawn[N_PROMPTS : 2 * N_PROMPTS]
    yield Pair("nothing changed", False, reference, DataFrame({"prompt": current}))
    n_new = round(NEW_SHARE * N_PROMPTS)
    new = [novel[row] for row in rng.permutation(len(novel))[:n_new]]
    yield Pair("5% new prompts", True, reference, DataFrame({"prompt": current[n_new:] + new}))
    before, after = (
        json.loads((data / "alpaca_eval" / f"{name}.json").read_text(encoding="utf-8"))
        for name in RELEASES
    )
    rows = rng.permutation(len(before))
    yield Pair(
        "another release responds",
        True,
        _exchanges([before[row] for row in rows[:N_EXCHANGES]]),
        _exchanges([after[row] for row in rows[N_EXCHANGES : 2 * N_EXCHANGES]]),
    )


def _exchanges(records: list[dict[str, str]]) -> DataFrame:
    return DataFrame(
        {
            "prompt": [record["instruction"] for record in records],
            "response": [record["output"] for record in records],
        }
    )
