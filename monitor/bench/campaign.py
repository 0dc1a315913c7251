"""A data set under study: its trials are run, and what they gave is kept."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from monitor.bench.labelled import TooFewSamplesError, open_labelled
from monitor.bench.plan import Plan
from monitor.bench.trial import Outcome, Trial, run_trial
from monitor.bench.windows import WindowSpec, draw_windows
from monitor.bench.workers import TrialRunner


@dataclass
class Campaign:
    """A data set, the processes that work on it, and the outcomes so far."""

    name: str
    #: Where :func:`open_labelled` finds it.
    folder: Path
    workers: TrialRunner
    plan: Plan
    seed: int
    #: Whether the goals of power apply; how hard a made-up data set is says nothing. What must hold
    #: on any data, such as the rate of false alarms, always has its goal.
    has_power_goals: bool = True
    outcomes: list[Outcome] = field(default_factory=list)

    def skip_reason(self, spec: WindowSpec) -> str:
        """Return why such windows can't be measured; empty if they can."""
        largest = max(spec.n_reference, spec.n_current)
        if largest > self.plan.largest_window:
            return f"left out of --{self.plan.name}: windows of {largest:,}"
        try:
            draw_windows(open_labelled(self.folder), spec, np.random.default_rng(self.seed))
        except TooFewSamplesError as error:
            return f"skipped: {error}"
        return ""

    def measure(self, spec: WindowSpec, trials: int, *, locate: bool = False) -> list[Outcome]:
        """Run the trials that the plan's time allows."""
        tasks = [Trial(self.folder, spec, self.seed + k, locate) for k in range(trials)]
        outcomes = self.workers.run(
            run_trial,
            tasks,
            label=f"{self.name}: {spec.drift}, {spec.sizes}",
            seconds=self.plan.row_seconds,
        )
        self.outcomes.extend(outcomes)
        return outcomes

    def power_goal(self, goal: float) -> float | None:
        """Return a goal of power or precision, where this data set has any."""
        return goal if self.has_power_goals else None

    def seeds(self, trials: int) -> str:
        """Name the seeds of so many trials."""
        return f"seeds {self.seed}-{self.seed + trials - 1}"

    def how(self, outcomes: list[Outcome]) -> str:
        """Say how the outcomes came about."""
        seconds = float(np.median([outcome.cpu_seconds for outcome in outcomes]))
        return f"{self.seeds(len(outcomes))}; {seconds:.2g} s of CPU each"
