"""What an evaluation concludes. Stored as JSON, rendered by Slack, the page and the terminal."""

from datetime import datetime
from typing import Literal

import msgspec

Verdict = Literal["drift", "no_drift", "not_enough_data"]


class DriftTest(msgspec.Struct, frozen=True, kw_only=True):
    """One test of a family."""

    name: str
    statistic: float
    p_value: float
    adjusted_p_value: float
    effect_size: float


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A drifted cluster of prompts, named by the words that set it apart."""

    #: Index of the cluster in this assessment; ``sample_scores`` refers to it.
    index: int
    name: str
    n_current: int
    share_current: float
    share_reference: float
    #: Ratio of the shares, with its 95% interval.
    enrichment: float
    enrichment_lower: float
    enrichment_upper: float
    #: Redacted prompts, the medoid first.
    examples: tuple[str, ...]


class FamilyAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """Input drift (prompts), or output drift (responses given the prompts)."""

    family: Literal["input", "output"]
    verdict: Verdict
    #: Significance *and* an effect above the floor: what pages somebody.
    alarm: bool
    p_value: float
    #: 95% lower bound on the drifted share of the window.
    mass_lower_bound: float
    tests: tuple[DriftTest, ...] = ()
    topics: tuple[Topic, ...] = ()


class Characteristic(msgspec.Struct, frozen=True, kw_only=True):
    """A scalar of prompts or responses, compared with the baseline."""

    name: str
    side: Literal["prompt", "response", "metric"]
    #: +1: higher is better, -1: lower is better, 0: neither.
    direction: Literal[-1, 0, 1]
    n_reference: int
    n_current: int
    reference_mean: float
    current_mean: float
    #: Standardised difference (Cliff's delta), in [-1, 1], with its 95% interval; ``None`` in
    #: assessments from before it had one.
    effect_size: float
    effect_lower: float | None = None
    effect_upper: float | None = None
    #: Relative change of the mean, with its 95% interval; ``None`` where the baseline's mean can't
    #: be told from 0.
    relative_change: float | None
    relative_change_lower: float | None
    relative_change_upper: float | None
    p_value: float
    adjusted_p_value: float
    #: Worse than the baseline by ``alert_threshold`` or more, and the interval excludes no change.
    degraded: bool


class VersionAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """One version's part of a window in which several answered. It quotes nothing."""

    #: As the traffic or the registry names it; empty where neither does.
    version: str
    first: datetime
    last: datetime
    #: Sampled exchanges.
    n_current: int
    #: Digest of the baseline that it was compared with; empty where there was none.
    baseline: str
    #: Whether that is a baseline of this version.
    own_baseline: bool
    #: Whether it still served when the window ended: only then it may alarm.
    serves: bool
    #: Whether the figures of the whole assessment are those of this part.
    shown: bool
    verdict: Verdict
    alarm: bool
    input_p_value: float
    input_mass_lower_bound: float
    output_p_value: float
    output_mass_lower_bound: float
    #: Names of the degraded metrics.
    degraded: tuple[str, ...] = ()


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """A window against its baseline: the verdict, and everything that led there."""

    model: str
    verdict: Verdict
    #: Any family's alarm, or any degraded metric.
    alarm: bool
    #: One sentence that a manager understands.
    headline: str
    n_reference: int
    #: Sampled exchanges.
    n_current: int
    #: How many exchanges of the traffic they stand for; ``None`` where they aren't a sample.
    estimated_current: float | None = None
    #: Exchanges of the window whose texts the source kept back; they are no part of ``n_current``.
    n_withheld: int = 0
    input: FamilyAssessment
    output: FamilyAssessment
    characteristics: tuple[Characteristic, ...] = ()
    #: Share of each task type in the window and in the baseline.
    mix_current: dict[str, float] = {}
    mix_reference: dict[str, float] = {}
    #: Whether the mix moved, by user; ``None`` where there was nothing to test. It never alarms by
    #: itself: other tasks may be answered as well as before, and new ones are input drift.
    mix_p_value: float | None = None
    #: Total variation distance of the mixes, in [0, 1].
    mix_effect_size: float | None = None
    #: What the reader should know: a day without traffic, one user with half the window.
    remarks: tuple[str, ...] = ()
    #: The window by version, where several answered; the last to answer comes last.
    versions: tuple[VersionAssessment, ...] = ()

    @property
    def current_count(self) -> str:
        """Return in words how many exchanges were judged, and how many they stand for."""
        estimated = self.estimated_current
        if estimated is None or round(estimated) <= self.n_current:
            return f"{self.n_current:,}"
        return f"{self.n_current:,} sampled of about {float(f'{estimated:.3g}'):,.0f}"
