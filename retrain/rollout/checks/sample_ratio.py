"""Sample ratio: the share of the canary that is seen, against the weights that were set."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from monitor.statistics.betting import initial_logarithms, log_growth_of_counts, log_wealth
from monitor.store.traffic.daily_counts import SampledCount

#: A share that differs by less is no mismatch: the larger of a share of the weight and of points.
RELATIVE_TOLERANCE = 0.2
LEAST_TOLERANCE = 0.01
#: Probability that a stage's share is ever called a mismatch though it is as set.
ALPHA = 0.01
#: Largest share of the traffic whose label names neither version, whatever the weight.
MOST_UNLABELLED = 0.05
#: Standard deviations beyond the tolerance at which a share of requests is a mismatch. There is a
#: look an hour, and few users have most requests.
DEVIATIONS = 4.0


@dataclass(frozen=True, eq=False)
class SampleRatio:
    """Evidence, within a stage, that the gateway routes another share than was set."""

    #: Users of the canary, and all.
    n_canary: float
    n: float
    #: Sum over the hours of the expected number of users of the canary.
    expected: float
    #: float64 ``[2, stakes]``: too many, too few.
    logarithms: NDArray[np.float64]
    #: Requests whose label names neither version, and all, as numbers of one sampling rate.
    n_unlabelled: float = 0.0
    n_requests: float = 0.0
    #: float64 ``[1, stakes]``: too many without a label.
    log_unlabelled: NDArray[np.float64] = field(default_factory=lambda: initial_logarithms(1.0, 1))
    #: The canary's share of the stage's requests less its weight, and the most that chance and
    #: tolerance explain.
    request_difference: float = 0.0
    request_bound: float = 1.0

    @property
    def is_mismatch(self) -> bool:
        """Whether the share differs from the weights by more than the tolerance."""
        return bool((log_wealth(self.logarithms) >= np.log(2.0 / ALPHA)).any())

    @property
    def lacks_labels(self) -> bool:
        """Whether more requests than the tolerance name neither version."""
        return bool(log_wealth(self.log_unlabelled)[0] >= np.log(1.0 / ALPHA))

    @property
    def is_request_mismatch(self) -> bool:
        """Whether the share of requests differs from the weight by more than the tolerance."""
        return abs(self.request_difference) > self.request_bound

    @property
    def unlabelled_share(self) -> float:
        """Share of the stage's requests whose label names neither version."""
        return self.n_unlabelled / self.n_requests if self.n_requests else 0.0

    @property
    def seen_share(self) -> float | None:
        """Share of the canary that was seen in the stage."""
        return self.n_canary / self.n if self.n else None

    @property
    def expected_share(self) -> float | None:
        """Share of the canary that the weights say."""
        return self.expected / self.n if self.n else None


def start_sample_ratio() -> SampleRatio:
    """Return the evidence at the start of a stage."""
    return SampleRatio(0.0, 0.0, 0.0, initial_logarithms(1.0, 2))


def count_users(ratio: SampleRatio, n_canary: int, n: int, expected_share: float) -> SampleRatio:
    """Add the users of an hour.

    Count users rather than requests, and those of earlier hours of the stage not again: routing is
    sticky, so that a user's requests are one draw. A request without a user counts as one. For
    ``expected_share`` see :func:`expected_sampled_share`.
    """
    tolerance = max(RELATIVE_TOLERANCE * min(expected_share, 1 - expected_share), LEAST_TOLERANCE)
    many = log_growth_of_counts(n_canary, n - n_canary, min(expected_share + tolerance, 1.0))
    few = log_growth_of_counts(n - n_canary, n_canary, min(1 - expected_share + tolerance, 1.0))
    return replace(
        ratio,
        n_canary=ratio.n_canary + n_canary,
        n=ratio.n + n,
        expected=ratio.expected + n * expected_share,
        logarithms=ratio.logarithms + np.stack([many, few]),
    )


def count_unlabelled(
    ratio: SampleRatio, unlabelled: SampledCount, labelled: SampledCount, weight: float
) -> SampleRatio:
    """Add an hour's requests that name neither version, and those observed.

    A canary whose failing requests lose their label looks as good as stable. ``weight`` is the
    canary's share of the traffic.
    """
    samples = [sample for sample in (unlabelled, labelled) if sample.n]
    if not samples:
        return ratio
    # As many as there would be, had both been sampled at the smaller rate.
    rate = min(sample.n / sample.estimated_total for sample in samples)
    n_unlabelled = rate * unlabelled.estimated_total
    n_labelled = rate * labelled.estimated_total
    limit = min(RELATIVE_TOLERANCE * weight, MOST_UNLABELLED)
    grown = log_growth_of_counts(n_unlabelled, n_labelled, limit)
    return replace(
        ratio,
        n_unlabelled=ratio.n_unlabelled + n_unlabelled,
        n_requests=ratio.n_requests + n_unlabelled + n_labelled,
        log_unlabelled=ratio.log_unlabelled + grown,
    )


@dataclass(frozen=True)
class ArmRequests:
    """Requests of an arm in a stage, by their users; each counts 1 / inclusion probability."""

    total: float = 0.0
    #: Sum of the squares of the users' totals.
    squares: float = 0.0


def compare_requests(
    ratio: SampleRatio,
    canary: ArmRequests,
    stable: ArmRequests,
    weight: float,
    rates: tuple[float, float],
) -> SampleRatio:
    """Compare the canary's share of all requests of the stage with its weight.

    Users are drawn, not requests: a share of requests varies with the users who have most of them.
    Users are counted even where half of their requests are lost. Requests are those since the stage
    began; ``weight`` is the canary's share of the traffic, in (0, 1); ``rates`` are the
    probabilities with which users of the canary and of stable are sampled.
    """
    total = canary.total + stable.total
    if not total or not 0.0 < weight < 1.0 or not all(rates):
        return ratio
    # An arm with few users or none doesn't tell its variance: the other one does, too.
    odds = weight / (1.0 - weight) * rates[1] / rates[0]
    of_canary = max(canary.squares, stable.squares * odds)
    of_stable = max(stable.squares, canary.squares / odds)
    deviation = np.sqrt((1.0 - weight) ** 2 * of_canary + weight**2 * of_stable) / total
    tolerance = max(RELATIVE_TOLERANCE * min(weight, 1.0 - weight), LEAST_TOLERANCE)
    return replace(
        ratio,
        request_difference=canary.total / total - weight,
        request_bound=float(tolerance + DEVIATIONS * deviation),
    )


def expected_sampled_share(canary_percent: float, canary_rate: float, stable_rate: float) -> float:
    """Return the canary's share of the sampled users.

    Its weight is in percent; a rate is the probability with which a version's users are sampled.
    """
    canary = canary_percent * canary_rate
    both = canary + (100.0 - canary_percent) * stable_rate
    return canary / both if both else 0.0
