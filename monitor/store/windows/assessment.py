"""What an evaluation concludes. Stored as JSON, rendered by Slack, the page and the terminal.

``docs/reference/assessment.schema.json`` is made of these structs and of the ``#:`` comments at
their fields (`make docs`). Fields may be added under the same version of the schema; one that goes,
or means something else, raises it.
"""

from datetime import date, datetime
from typing import Any, Literal

import msgspec

Verdict = Literal["drift", "no_drift", "not_enough_data"]
#: Why answers were not tested: neither side has one, a side has too few, or too few prompts of a
#: side are like some of the other.
UntestedReason = Literal["no_responses", "few_responses", "few_comparable_prompts"]


class DriftTest(msgspec.Struct, frozen=True, kw_only=True):
    """One test of a family."""

    name: str
    statistic: float
    #: Permutation p-value of this test alone.
    p_value: float
    #: Adjusted for the number of tests by Holm's method.
    adjusted_p_value: float
    #: What it measures depends on the test (docs/explanation/statistics.md), with its 95% interval;
    #: ``None`` where it is undefined.
    effect_size: float | None
    effect_lower: float | None = None
    effect_upper: float | None = None


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt and its response, redacted, each on one line and cut."""

    prompt: str
    response: str


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange of the window, quoted: redacted, each text on one line and cut."""

    prompt: str
    #: Empty where prompts are what drifted.
    response: str = ""
    #: What the baseline holds that was asked most alike, where answers are what drifted.
    before: Quote | None = None


class TopicPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A day of the window, or several where the window is long, and how much is on a topic."""

    #: The first day, in UTC.
    start: date
    #: How many days.
    days: int
    #: Sampled exchanges on the topic.
    n: int
    #: Their share of the exchanges of these days; ``None`` where there are none.
    share: float | None


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A drifted cluster of prompts or answers, named by the words that set it apart."""

    #: Index of the cluster in this assessment; ``sample_scores`` refers to it.
    index: int
    name: str
    #: Sampled exchanges of the window on the topic.
    n_current: int
    #: Users or sessions that they come from; an exchange without one counts by itself.
    n_users: int
    share_current: float
    share_reference: float
    #: How many times as frequent it is, with its 95% interval: counted by user, and of answers by
    #: the odds among like prompts, so not the ratio of the shares.
    enrichment: float
    enrichment_lower: float
    enrichment_upper: float
    #: The medoid first.
    examples: tuple[Example, ...]
    #: When the first of the sampled exchanges occurred; ``None`` where times aren't known.
    first_seen: datetime | None = None
    #: When the first one occurred in the earliest of the evaluations that found the topic before,
    #: one after the other; ``None`` where this is the first.
    known_since: datetime | None = None
    #: Day by day; empty where times aren't known or all fall on one day.
    growth: tuple[TopicPeriod, ...] = ()


class SlowDrift(msgspec.Struct, frozen=True, kw_only=True):
    """What all windows since the baseline say together: drift that grows in small steps."""

    #: ``drift`` from the window that finds it until it has passed.
    verdict: Literal["drift", "no_drift"]
    #: Drift whose lower bound passed ``min_slow_drifted_share`` now or since: it alerts.
    alarm: bool
    #: Holds at all windows at once, however many there are.
    p_value: float
    #: Windows that were watched, this one included.
    n_windows: int
    #: First instant of the window in which it began, by the best account, and of the one that found
    #: it; ``None`` without drift.
    since: datetime | None = None
    found: datetime | None = None
    #: Share of this window in excess of the windows before it began, which rather falls short of
    #: the drifted share; with its 95% lower bound. 0 without drift.
    share: float = 0.0
    drifted_share_lower_bound: float = 0.0


class FamilyAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """Input drift (prompts), or output drift (responses given the prompts)."""

    family: Literal["input", "output"]
    #: By significance alone.
    verdict: Verdict
    #: Significance *and* an effect above the floor: what pages somebody. Of this window by itself.
    alarm: bool
    #: Of all tests together.
    p_value: float
    #: 95% lower bound on the drifted share of the window.
    drifted_share_lower_bound: float
    #: Why it was not tested, of answers where prompts were; ``None`` where it was, where nothing
    #: was compared, and in assessments from before it was kept.
    untested_reason: UntestedReason | None = None
    tests: tuple[DriftTest, ...] = ()
    #: The largest first.
    topics: tuple[Topic, ...] = ()
    #: The most foreign exchanges that lie in no topic: new things need not come in heaps.
    outliers: tuple[Example, ...] = ()
    #: ``None`` where windows aren't watched: of output, of files, or where there is too little.
    slow: SlowDrift | None = None

    @property
    def slow_alarm(self) -> SlowDrift | None:
        """Return the slow drift that alarms, where the window by itself doesn't."""
        return self.slow if self.slow is not None and self.slow.alarm and not self.alarm else None


class NumericAssessment(msgspec.Struct, frozen=True, kw_only=True):
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
    #: Adjusted for the number of characteristics (Benjamini-Hochberg).
    adjusted_p_value: float
    #: Worse than the baseline by ``alert_threshold`` or more, and the interval excludes no change.
    degraded: bool


class VersionAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """One version's part of a window in which several answered. It quotes nothing."""

    #: As the traffic or the registry names it; empty where neither does.
    version: str
    #: The versions whose exchanges these are, where each had too few to be judged by itself; empty
    #: where it is one version.
    pooled_versions: tuple[str, ...] = ()
    #: Of its exchanges; ``None`` where times aren't known.
    first: datetime | None
    last: datetime | None
    #: Sampled exchanges.
    n_current: int
    #: How many exchanges of the traffic they stand for; ``None`` where they aren't a sample.
    estimated_current: float | None = None
    #: Users or sessions; an exchange without one counts by itself. ``None`` in assessments from
    #: before they were counted by version.
    n_users: int | None = None
    #: The seed of its figures, derived from that of the window; ``None`` as for ``n_users``.
    seed: int | None = None
    #: Level at which it was tested: ``drift.alpha``, shared by the versions that may alarm. Where
    #: ``drift.n_permutations`` can't reach it, ``1 / alpha`` permutations were drawn, rounded up.
    #: ``None`` as for ``n_users``.
    alpha: float | None = None
    #: Digest of the baseline that it was compared with, or of the reference file; empty where there
    #: was none, or the file was a pipe.
    baseline: str
    #: Whether that is a baseline of this version.
    own_baseline: bool
    #: Whether it still served when the window ended, or times aren't known: only then it may alarm.
    is_serving: bool
    #: Whether the figures of the whole assessment are those of this part.
    is_reported: bool
    verdict: Verdict
    alarm: bool
    input_p_value: float
    input_drifted_share_lower_bound: float
    output_p_value: float
    output_drifted_share_lower_bound: float
    #: Names of the degraded metrics.
    degraded: tuple[str, ...] = ()


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where one side of a comparison comes from."""

    #: A file, or which baseline or window.
    name: str = ""
    #: Of the content; empty where it isn't known.
    digest: str = ""
    #: Users or sessions; an exchange without one counts by itself.
    n_users: int | None = None
    #: First and last exchange; ``None`` where times aren't known.
    first: datetime | None = None
    last: datetime | None = None


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What the figures rest on: on the same exchanges, enough to get them again."""

    #: Of the whole window; that of each version is derived from it and in ``versions``.
    seed: int
    #: ``[drift]`` of the settings, and ``alert_threshold``. The level that versions share is in
    #: ``versions``.
    settings: dict[str, Any]
    #: Model, revision and truncation of the embeddings; empty where it isn't known.
    encoder: str = ""
    #: Of several versions what the one was compared with whose figures are shown.
    reference: Source = Source()
    #: The whole window.
    current: Source = Source()
    #: Of driftwarden and of the packages that figures depend on.
    versions: dict[str, str] = {}


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """A window against its baseline: the verdict, and everything that led there."""

    schema_version: Literal[1] = 1
    model: str
    #: ``not_enough_data`` also where nothing alarms, and what serves, or the answers, couldn't all
    #: be judged: then ``input`` may have figures all the same.
    verdict: Verdict
    #: Any family's alarm, slow drift that alarms, or any degraded metric.
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
    numeric_columns: tuple[NumericAssessment, ...] = ()
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
    #: ``None`` where there was nothing to compare with.
    basis: Basis | None = None

    @property
    def reported_version(self) -> VersionAssessment | None:
        """Return the version whose figures these are, where several answered."""
        return next((version for version in self.versions if version.is_reported), None)

    @property
    def is_compared(self) -> bool:
        """Return whether there are figures: prompts at least were compared."""
        return self.input.verdict != "not_enough_data"

    @property
    def current_count(self) -> str:
        """Return in words how many exchanges were judged, and how many they stand for."""
        estimated = self.estimated_current
        if estimated is None or round(estimated) <= self.n_current:
            return f"{self.n_current:,}"
        return f"{self.n_current:,} sampled of about {float(f'{estimated:.3g}'):,.0f}"
