"""Comparison of the responses of releases as a drift evaluation of a weekly window does."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.drift.sources.releases import PROMPTS, Releases, open_releases
from monitor.drift import DriftResult, Pairs, compare_given, compare_paired
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.numeric_columns import numeric_columns_of
from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.comparison.response_descriptors import response_descriptors

N_PERMUTATIONS = 9_999
DIGITS = 6


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """The result of a comparison of releases."""

    p_value: float
    #: Whether the responses alarm at the default settings.
    alarm: bool


def compare_responses(
    prompts: Sequence[NDArray[np.float32]],
    responses: Sequence[NDArray[np.float32]],
    columns: Sequence[NumericColumn],
    pairs: Pairs | None,
    rng: np.random.Generator,
) -> Outcome:
    """Return the outcome of the comparison of both sides, in pairs where there are any."""
    forms = [column for column in columns if column.side == "prompt"]
    covariates = [
        np.column_stack(values) if values else None
        for values in ([form.reference for form in forms], [form.current for form in forms])
    ]
    arrays = prompts[0], responses[0], prompts[1], responses[1]
    compare: Callable[..., DriftResult]
    compare = compare_given if pairs is None else partial(compare_paired, pairs=pairs)
    result = compare(
        *arrays,
        reference_covariates=covariates[0],
        current_covariates=covariates[1],
        descriptors=response_descriptors(columns),
        rng=rng,
        n_permutations=N_PERMUTATIONS,
        cluster_alpha=0.0,
    )
    return Outcome(round(result.p_value, DIGITS), result.verdict == "drift")


@lru_cache(maxsize=8)
def columns_of(path: Path, before: str, after: str) -> tuple[NumericColumn, ...]:
    """Return the descriptors of all prompts and responses of two releases."""
    releases = open_once(path)
    if not releases.texts:
        return tuple(
            NumericColumn(f"descriptor {number}", "prompt", 0, column, column)
            for number, column in enumerate(releases.descriptors.T)
        )
    n = len(releases.prompts)
    sides = [
        Exchanges(
            prompts=releases.texts[PROMPTS],
            responses=releases.texts[name],
            task_types=[""] * n,
            attributes=[{}] * n,
            prompt_vectors=releases.prompts,
            response_vectors=releases.responses[name],
        )
        for name in (before, after)
    ]
    return numeric_columns_of(sides[0], sides[1], Drift())


@lru_cache(maxsize=1)
def open_once(path: Path) -> Releases:
    """Return the saved releases."""
    return open_releases(path)
