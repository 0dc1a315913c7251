"""Pool of the prompts of two windows, with their responses and descriptors in one order."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from monitor.arrays import Vectors
from monitor.drift.neighbours.near_copies import merge_near_copies
from monitor.drift.output.covariates import append_covariates, check_covariates
from monitor.drift.output.descriptors import (
    PooledDescriptors,
    ResponseDescriptor,
    pool_descriptors,
)
from monitor.drift.samples.embeddings import Embeddings, check_sides, join
from monitor.drift.samples.group_ids import Groups
from monitor.drift.samples.pool import Pool, label_free_order, make_pool, subset


def pool_responses(
    prompt_arrays: tuple[Vectors, Vectors],
    response_arrays: tuple[Vectors, Vectors],
    covariate_arrays: tuple[ArrayLike | None, ArrayLike | None],
    descriptors: Sequence[ResponseDescriptor],
    groups: tuple[Groups, Groups],
) -> tuple[Pool, Embeddings, PooledDescriptors | None, int]:
    """Return the pool of prompts, with the responses and descriptors in the same order.

    The last value is the number of covariates, which are coordinates of the prompts in the pool.
    """
    prompts = check_sides(*prompt_arrays, "_prompts")
    responses = check_sides(*response_arrays, "_responses")
    for prompt, response, name in zip(prompts, responses, ("reference", "current"), strict=True):
        if len(prompt) != len(response):
            raise ValueError(
                f"{name} prompts and responses differ in number: {len(prompt)} and "
                f"{len(response)}; give one response for each prompt"
            )
    if responses[0].shape[1] != responses[1].shape[1]:
        raise ValueError(
            "reference and current responses differ in width: "
            f"{responses[0].shape[1]} and {responses[1].shape[1]}; embed both with one encoder"
        )
    sizes = len(prompts[0]), len(prompts[1])
    covariates = check_covariates(*covariate_arrays, sizes)
    described = pool_descriptors(descriptors, sizes)
    joint = prompts if covariates is None else append_covariates(*prompts, covariates)
    pool = make_pool(*merge_near_copies(*joint), *groups)
    row = pool.origin + np.where(pool.is_current, len(prompts[0]), 0)
    paired = join(*merge_near_copies(responses[0], responses[1])).part(row)
    # Rows of a repeated prompt would have the reference first, so that a choice by row number would
    # depend on the label: the responses break such ties.
    order = label_free_order(pool.vectors, paired)
    return (
        subset(pool, order),
        paired.part(order),
        None if described is None else described.part(row[order]),
        joint[0].shape[1] - prompts[0].shape[1],
    )
