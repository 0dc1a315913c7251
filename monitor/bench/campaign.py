"""Campaign of trials on one data set."""

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
    """A data set with the runner of its trials and their outcomes so far."""

    name: str
    #: The folder of the saved data set, for :func:`open_labelled`.
    folder: Path
    workers: TrialRunner
    plan: Plan
    seed: int
    #: Whether the goals of power apply: the difficulty of a synthetic data set is arbitrary. Goals
    #: that must hold on any data, such as the rate of false alarms, always apply.
    has_power_goals: bool = True
    outcomes: list[Outcome] = field(default_factory=list)

    def skip_reason(self, spec: WindowSpec) -> str:
        """Return why windows of this kind can't be measured; empty if they can."""
        largest = max(spec.n_reference, spec.n_current)
        if largest > self.plan.max_window:
            return f"left out of --{self.plan.name}: windows of {largest:,}"
        try:
            draw_windows(open_labelled(self.folder), spec, np.random.default_rng(self.seed))
        except TooFewSamplesError as error:
            return f"skipped: {error}"
        return ""

    def measure(self, spec: WindowSpec, trials: int, *, locate: bool = False) -> list[Outcome]:
        """Return the outcomes of the trials that the plan's time allows."""
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
        """Return a goal of power or precision; ``None`` where these goals don't apply."""
        return goal if self.has_power_goals else None

    def seeds(self, trials: int) -> str:
        """Return the range of the seeds of a number of trials, as text."""
        return f"seeds {self.seed}-{self.seed + trials - 1}"

    def provenance(self, outcomes: list[Outcome]) -> str:
        """Return the seeds and CPU time of outcomes, as text."""
        seconds = float(np.median([outcome.cpu_seconds for outcome in outcomes]))
        return f"{self.seeds(len(outcomes))}; {seconds:.2g} s of CPU each"
