"""Simulated feedback of users on responses of earlier hours."""

from collections import defaultdict

import numpy as np

from bench.rollout.traffic import FEEDBACK, Traffic
from retrain.rollout.checks.observations import Observations

#: Mean delay of feedback, exponential.
MEAN_HOURS = 12.0


class LateFeedback:
    """The feedback on a rollout's requests, as it becomes known hour by hour.

    Args:
        traffic: Its share of requests with feedback, and the canary's rate.
        rng: The generator.
    """

    def __init__(self, traffic: Traffic, rng: np.random.Generator) -> None:
        self._traffic = traffic
        self._rng = rng
        #: By the hour in which it becomes known.
        self._known: defaultdict[int, list[Observations]] = defaultdict(list)

    def add_hour(self, requests: Observations) -> None:
        """Draw the feedback on the requests of an hour."""
        rng, rates = self._rng, (FEEDBACK, self._traffic.canary.get("feedback", FEEDBACK))
        rated = requests.take(rng.random(len(requests)) < self._traffic.feedback)
        values = np.full_like(rated.values, np.nan)
        values[:, -1] = rng.random(len(rated)) < np.take(rates, rated.is_canary.astype(int))
        rated = Observations(
            rated.hour, rated.is_canary, np.full(len(rated), -1), rated.task_type, values
        )
        delay = 1 + rng.exponential(MEAN_HOURS, len(rated)).astype(int)
        for hours in np.unique(delay):
            hour = int(rated.hour[0]) + int(hours)
            self._known[hour].append(rated.take(delay == hours))

    def with_known(self, requests: Observations) -> Observations:
        """Return the requests of an hour, and the feedback that becomes known in it."""
        parts = [requests, *self._known.pop(int(requests.hour[0]), [])]
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return Observations(*map(np.concatenate, columns))
