"""Comparison of the responses of a window with those of its baseline, given the prompts."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from monitor.drift import (
    DriftResult,
    Pairs,
    ResponseDescriptor,
    SampleDesign,
    compare_given,
    compare_paired,
)
from monitor.settings import Drift
from monitor.statistics.alarm_levels import permutations_for
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.bursts import burst_groups
from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.comparison.prompt_covariates import prompt_covariates
from monitor.windows.comparison.response_descriptors import response_descriptors


def compare_responses(
    reference: Exchanges,
    current: Exchanges,
    pairs: Pairs | None,
    *,
    columns: Sequence[NumericColumn],
    drift: Drift,
    level: float,
    design: SampleDesign | None,
    rng: np.random.Generator,
) -> DriftResult:
    """Compare responses given the prompts, in pairs where both sides have the same.

    A window of empty responses is the worst that can happen to them, so it is compared. Comparable
    prompts are similar in meaning, form and task type: an embedding carries little of
    the form, and a task type may be known only to the caller.
    """
    covariates = prompt_covariates(reference, current, columns)
    arrays = (
        reference.prompt_vectors,
        reference.response_vectors,
        current.prompt_vectors,
        current.response_vectors,
    )
    options = _Options(
        reference_covariates=covariates[0],
        current_covariates=covariates[1],
        descriptors=response_descriptors(columns),
        alpha=level,
        minimum_drifted_share=drift.min_drifted_share,
        minimum_samples=drift.min_samples,
        n_permutations=permutations_for(level, drift.n_permutations),
        rng=rng,
        cluster_alpha=level,
    )
    if pairs is not None:
        return compare_paired(*arrays, pairs, **options)
    return compare_given(
        *arrays,
        **options,
        reference_groups=burst_groups(reference, "reference"),
        current_groups=burst_groups(current, "current"),
        design=design,
    )


class _Options(TypedDict):
    """The arguments that both comparisons of responses have."""

    reference_covariates: NDArray[np.float64] | None
    current_covariates: NDArray[np.float64] | None
    descriptors: Sequence[ResponseDescriptor]
    alpha: float
    minimum_drifted_share: float
    minimum_samples: int
    n_permutations: int
    rng: np.random.Generator
    cluster_alpha: float
