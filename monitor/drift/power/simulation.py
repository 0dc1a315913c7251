"""Simulation of the smallest drifted share that two windows of given sizes and users would show."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.drift.input.compare import compare
from monitor.drift.power.planting import Planted, Planter
from monitor.drift.power.share_search import LARGEST_SHARE, FoundShare, ShareSearch
from monitor.drift.power.table import KINDS, DetectableShare, DriftKind, expected_shares
from monitor.drift.samples.embeddings import check_vectors
from monitor.drift.samples.group_ids import Groups
from monitor.drift.samples.pool import MINIMUM_GROUPS, number_owners
from monitor.statistics.alarm_levels import DEFAULT_LEVELS, MIN_DRIFTED_SHARE, permutations_for

#: A search ends with an upper limit of at most this many times the lower, or after as many windows.
GOAL_RATIO, LEAST_WINDOWS, MAX_WINDOWS = 1.8, 10, 30
#: Standard deviation of the logarithm of the share around that of the table, before any window.
PRIOR_SPREAD = 0.8
#: Enough for every usual level, at a quarter of the time of the default.
N_PERMUTATIONS = 1_999


@dataclass(frozen=True)
class SimulatedWindow:
    """A simulated pair of windows, and whether it alarms."""

    kind: DriftKind
    #: Of the kind, from 0: with the seed of the simulation it decides all draws.
    number: int
    #: The planted share.
    share: float
    alarm: bool


def simulate_power(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    reference_groups: Groups = None,
    current_groups: Groups = None,
    alpha: float = DEFAULT_LEVELS.input,
    minimum_drifted_share: float = MIN_DRIFTED_SHARE,
    minimum_samples: int = 50,
    seed: int = 0,
    max_windows: int = MAX_WINDOWS,
    known: Iterable[SimulatedWindow] = (),
    on_window: Callable[[SimulatedWindow], None] | None = None,
) -> tuple[DetectableShare, ...]:
    """Find the smallest drifted share that alarms in 80% of windows of these sizes and users.

    The windows' own samples are mixed and dealt anew, so that there is no drift between them, and
    drift is planted: samples near each other that are held back (a new topic), or samples displaced
    in random directions (scattered novelty). Each pair is compared by :func:`compare`. The mixed
    windows contain whatever drift there is between the given ones.

    Args:
        reference: ``[n_reference, d]``, rows of unit norm.
        current: ``[n_current, d]``.
        reference_groups: As for :func:`compare`.
        current_groups: As for :func:`compare`.
        alpha: Level of the test.
        minimum_drifted_share: Least estimate of an alarm.
        minimum_samples: Least number of samples of a side.
        seed: Of all draws: the same seed and samples give the same windows.
        max_windows: Most windows of a kind. More windows continue the same search.
        known: Windows of an earlier call with the same arguments, which aren't simulated again.
        on_window: Receives each new window.

    Returns:
        A share for each kind, with its Monte Carlo error.

    Raises:
        ValueError: Fewer than ``minimum_samples`` samples or 20 groups on a side, or as
            :func:`compare`.

    Reference: the choice of the next share, Watson, "QUEST+", J. Vision 2017.
    """
    sides = (check_vectors(reference, "reference"), check_vectors(current, "current"))
    users = [
        _numbered(groups, len(side), name)
        for groups, side, name in zip(
            (reference_groups, current_groups),
            sides,
            ("reference_groups", "current_groups"),
            strict=True,
        )
    ]
    for name, side, own in zip(("reference", "current"), sides, users, strict=True):
        n_users = len(np.unique(own))
        if len(side) < minimum_samples or n_users < MINIMUM_GROUPS:
            raise ValueError(
                f"too few samples to simulate: {len(side):,} samples of {n_users:,} groups in "
                f"{name}; at least {minimum_samples:,} of {MINIMUM_GROUPS} are required"
            )
    planter = Planter(
        sides[0][:],
        sides[1][:],
        users[0],
        users[1],
        np.random.default_rng([seed, len(KINDS)]),
    )
    priors = expected_shares(
        len(np.unique(users[0])),
        len(np.unique(users[1])),
        alpha=alpha,
        min_drifted_share=minimum_drifted_share,
    )
    earlier = {(window.kind, window.number): window for window in known}

    def run(kind: DriftKind, number: int, share: float) -> SimulatedWindow:
        rng = np.random.default_rng([seed, KINDS.index(kind), number])
        planted = planter.draw(kind, share, rng)
        return SimulatedWindow(
            kind=kind,
            number=number,
            share=planted.n_planted / len(planted.current),
            alarm=_alarms(
                planted,
                rng,
                alpha=alpha,
                minimum_drifted_share=minimum_drifted_share,
                minimum_samples=minimum_samples,
            ),
        )

    results = []
    for prior in priors:
        search = ShareSearch(prior.share or LARGEST_SHARE, PRIOR_SPREAD)
        for number in range(max_windows):
            if number >= LEAST_WINDOWS and search.result().ratio <= GOAL_RATIO:
                break
            window = earlier.get((prior.kind, number))
            if window is None:
                window = run(prior.kind, number, search.next_share())
                if on_window is not None:
                    on_window(window)
            search.add(window.share, alarm=window.alarm)
        results.append(_detectable(prior.kind, search.result()))
    return tuple(results)


def _detectable(kind: DriftKind, searched: FoundShare) -> DetectableShare:
    if searched.share > 0.9 * LARGEST_SHARE:
        return DetectableShare(kind, None, searched.lower, 1.0)
    return DetectableShare(kind, searched.share, searched.lower, searched.upper)


def _alarms(
    planted: Planted,
    rng: np.random.Generator,
    *,
    alpha: float,
    minimum_drifted_share: float,
    minimum_samples: int,
) -> bool:
    result = compare(
        planted.reference,
        planted.current,
        reference_groups=planted.reference_users,
        current_groups=planted.current_users,
        alpha=alpha,
        minimum_drifted_share=minimum_drifted_share,
        # Held-back samples and their users leave the sides a little smaller.
        minimum_samples=min(minimum_samples, len(planted.reference), len(planted.current)),
        n_permutations=permutations_for(alpha, N_PERMUTATIONS),
        rng=rng,
        locate=False,
    )
    return result.verdict == "drift"


def _numbered(groups: Groups, n: int, name: str) -> NDArray[np.int64]:
    owners = number_owners(groups, n, {}, 0, name)
    return np.unique(owners, return_inverse=True)[1].ravel().astype(np.int64)
