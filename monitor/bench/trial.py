"""Trials: pairs of windows with planted drift, compared and scored against the truth."""

from dataclasses import dataclass
from pathlib import Path
from time import process_time

import msgspec
import numpy as np

from monitor.bench.labelled import open_labelled
from monitor.bench.windows import Windows, WindowSpec, draw_windows
from monitor.drift import Cluster, compare
from monitor.settings import Drift
from monitor.statistics.alarm_levels import DEFAULT_LEVELS

#: Number of samples of the highest novelty whose precision is measured.
TOP = 50
#: Enough for every measured level, at a quarter of the time of the default.
N_PERMUTATIONS = 1_999
#: Decimals of stored outcomes, enough to compare any p-value with any level.
DIGITS = 6


@dataclass(frozen=True)
class Trial:
    """A pair of windows to draw and compare."""

    folder: Path
    spec: WindowSpec
    seed: int
    #: Whether novelty and clusters are scored too.
    locate: bool = False


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """The result of a comparison, with the truth."""

    p_value: float
    #: Whether the window alarms at the default settings.
    alarm: bool
    #: Estimate of the drifted share, with its 95% interval.
    estimate: float
    lower: float
    upper: float
    #: The planted drifted share.
    drifted_share: float
    #: Planted share of the :data:`TOP` samples of highest novelty; this and the following fields
    #: are 0 unless the trial scores novelty and clusters.
    precision: float
    n_clusters: int
    #: Clusters in which planted samples are more frequent than in the window.
    n_enriched: int
    #: Clusters of which at least half is planted.
    n_mostly_planted: int
    #: Share of the planted samples that are in a cluster.
    coverage: float
    cpu_seconds: float

    @property
    def covers_truth(self) -> bool:
        """Return whether the interval contains the true drifted share."""
        return self.lower - 1e-9 <= self.drifted_share <= self.upper + 1e-9


def run_trial(trial: Trial) -> Outcome:
    """Return the outcome of a trial."""
    data = open_labelled(trial.folder)
    rng = np.random.default_rng(trial.seed)
    windows = draw_windows(data, trial.spec, rng)
    reference, current = data.vectors[windows.reference], data.vectors[windows.current]
    drift = Drift()
    start = process_time()
    result = compare(
        reference,
        current,
        reference_groups=windows.reference_groups,
        current_groups=windows.current_groups,
        alpha=DEFAULT_LEVELS.input,
        minimum_drifted_share=drift.min_drifted_share,
        n_permutations=N_PERMUTATIONS,
        rng=rng,
        locate=trial.locate,
    )
    cpu_seconds = process_time() - start
    top = np.argsort(-result.novelty, kind="stable")[:TOP]
    shares = planted_shares(result.clusters, windows)
    in_cluster = np.zeros(len(windows.current), dtype=bool)
    for cluster in result.clusters:
        in_cluster[cluster.members] = True
    planted_share = float(windows.planted.mean())
    return Outcome(
        p_value=round(result.p_value, DIGITS),
        alarm=result.verdict == "drift",
        estimate=round(result.drifted_share, DIGITS),
        lower=round(result.drifted_share_interval[0], DIGITS),
        upper=round(result.drifted_share_interval[1], DIGITS),
        drifted_share=windows.drifted_share,
        precision=float(windows.planted[top].mean()) if trial.locate else 0.0,
        n_clusters=len(shares),
        n_enriched=sum(share > planted_share for share in shares),
        n_mostly_planted=sum(share >= 0.5 for share in shares),
        coverage=round(float(in_cluster[windows.planted].mean()), DIGITS) if planted_share else 0.0,
        cpu_seconds=round(cpu_seconds, 3),
    )


def planted_shares(clusters: tuple[Cluster, ...], windows: Windows) -> list[float]:
    """Return the planted share of the members of each cluster."""
    return [float(windows.planted[cluster.members].mean()) for cluster in clusters]
