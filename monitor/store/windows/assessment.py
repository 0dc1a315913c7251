"""The assessment: the result document of a drift evaluation.

It is stored as JSON; the page, Slack and the terminal render it.
``docs/reference/assessment.schema.json`` is generated from these structs and the ``#:`` comments
at their fields (`make docs`). Fields may be added under the same schema version; removing one, or
changing its meaning, raises the version.
"""

import math
from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from monitor.statistics.alarm_levels import AlarmLevels

if TYPE_CHECKING:
    #: Of a test that may not have taken place: NaN then, and ``null`` in JSON.
    PValue = float
else:
    PValue = float | None

Verdict = Literal["drift", "no_drift", "not_enough_data"]
#: Why a family was not tested. Responses: neither side has one, a side has too few, or too few
#: prompts of a side are comparable with prompts of the other. Prompts or responses: the encoder
#: does not read more than ``drift.max_unread_share`` of a side's texts. Prompts: more than
#: ``drift.max_same_prompt_share`` of a side's are one text. Either: the comparison, of arrays, is
#: that of the other family.
UntestedReason = Literal[
    "no_responses",
    "few_responses",
    "few_comparable_prompts",
    "unread_texts",
    "same_prompt",
    "other_family",
]


CoverageKind = Literal["metric", "field", "task_type"]
#: Why a window could not be compared. Sides: fewer than ``drift.min_samples`` exchanges, or too few
#: end users, of which the sentence of the headline has the numbers.
Shortage = Literal[
    "no_traffic", "no_baseline", "other_encoder", "small_window", "small_baseline", "few_end_users"
]

RuleOutcome = Literal["kept", "broken", "undecided"]


class DriftTest(msgspec.Struct, frozen=True, kw_only=True):
    """One test of a family."""

    name: str
    statistic: float
    #: Permutation p-value of this test alone.
    p_value: float
    #: Adjusted for the number of tests by Holm's method.
    adjusted_p_value: float
    #: Its meaning depends on the test (docs/explanation/statistics.md), with its 95% interval;
    #: ``None`` where it is undefined.
    effect_size: float | None
    effect_lower: float | None = None
    effect_upper: float | None = None


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt and its response: redacted, each on one line and truncated."""

    prompt: str
    response: str


class Example(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A quoted exchange of the window: redacted, each text on one line and truncated."""

    prompt: str
    #: Absent for input drift, and where it is empty.
    response: str = ""
    #: The baseline's exchange with the most similar prompt, for output drift.
    baseline: Quote | None = None


class TopicPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A topic's share of one day of the window, or of several days of a long window."""

    #: The first day, in UTC.
    start: date
    #: The number of days.
    days: int
    #: Sampled exchanges on the topic.
    n: int
    #: Their share of the exchanges of these days; ``None`` where there are none.
    share: float | None


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A drifted cluster of prompts or responses, named by its most distinctive words."""

    #: Index of the cluster in this assessment; ``sample_scores`` refers to it.
    index: int
    name: str
    #: Sampled exchanges of the window on the topic.
    n_current: int
    #: Their end users or sessions; an exchange without one counts by itself. 0 where no exchange of
    #: the window names one.
    n_end_users: int
    share_current: float
    share_reference: float
    #: How many times as frequent the topic is, with its 95% interval; counted by end user, and
    #: for responses by the odds among comparable prompts, so it is not the ratio of the shares. The
    #: interval is of this topic by itself: it isn't adjusted for the number of topics.
    enrichment: float
    enrichment_lower: float
    enrichment_upper: float
    #: Of the half of its exchanges that is least like the baseline, or of five: the newest first
    #: or, where times are unknown, those least like the baseline first.
    examples: tuple[Example, ...]
    #: Time of the first sampled exchange on the topic; ``None`` where times are unknown.
    first_seen: datetime | None = None
    #: ``first_seen`` of the earliest evaluation in the chain of evaluations that found the topic
    #: before this one; ``None`` where this is the first.
    known_since: datetime | None = None
    #: Time of the first exchange on the first day with a tenth or more of the topic's peak share,
    #: in the earliest window of that chain; ``None`` where times are unknown, or where the baseline
    #: has a tenth or more of the peak share, so that the topic existed before.
    exists_since: datetime | None = None
    #: Whether that is the first day of a window, so that the topic may be older.
    may_be_older: bool = False
    #: Share by day; empty where times are unknown or all fall on one day.
    growth: tuple[TopicPeriod, ...] = ()


class ShareEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """An estimated share in [0, 1], with its 95% interval."""

    estimate: float
    lower: float
    upper: float

    @classmethod
    def of(cls, estimate: float, interval: tuple[float, float]) -> "ShareEstimate":
        """Return an estimate with its limits."""
        lower, upper = interval
        return cls(estimate=estimate, lower=lower, upper=upper)


class SlowDrift(msgspec.Struct, frozen=True, kw_only=True):
    """Drift that grows in small steps, tested over all windows since the baseline."""

    #: ``drift`` from the window that detects it until it has passed.
    verdict: Literal["drift", "no_drift"]
    #: ``drift`` that is significant in this window, and whose estimate has reached
    #: ``drift.min_slow_drifted_share``.
    alarm: bool
    #: Valid at all windows simultaneously, however many there are.
    p_value: float
    #: The level that it is compared with.
    level: float
    #: Windows tested, this one included. Where windows are days, the weeks that have ended.
    n_windows: int
    #: Start of the window in which the drift most likely began; ``None`` without drift.
    since: datetime | None = None
    #: Start of the window that detected it; ``None`` without drift.
    detected_at: datetime | None = None
    #: Share of this window in excess of the windows before the drift began, a conservative estimate
    #: of the drifted share. 0 without drift.
    drifted_share: ShareEstimate = ShareEstimate(estimate=0.0, lower=0.0, upper=0.0)


class DetectableShare(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest drifted share of the prompts with which four of five windows alarm.

    Of windows of these sizes and end users, at these levels.
    """

    #: ``new_topic``: one narrow topic. ``scattered``: prompts that resemble each other no more than
    #: the rest.
    kind: Literal["new_topic", "scattered"]
    #: ``None``: even three in five alarm in fewer windows.
    share: float | None
    #: Its 95% interval: the Monte Carlo error of the search.
    lower: float
    upper: float
    #: Whether it was simulated on these prompts; else it is interpolated in a table that was made
    #: on CLINC150 (docs/benchmarks.md).
    is_simulated: bool


#: What an explanation says of the texts. Events of responses: empty, refused, cut off, in a broken
#: format, or no response but an error. Around prompts: another system message, other definitions
#: of tools, a new constant beginning or end. Of the texts themselves: letter case, punctuation,
#: markup, language, script, a wrong encoding, copies of one text, many exchanges of one user, or a
#: topic of the baseline that became rarer, whose name is ``before``.
ExplanationKind = Literal[
    "empty",
    "refusal",
    "cut_off",
    "broken_format",
    "error",
    "system_message",
    "tools",
    "prefix",
    "suffix",
    "letter_case",
    "punctuation",
    "markup",
    "language",
    "script",
    "encoding",
    "copies",
    "one_user",
    "rarer_topic",
]
#: Descriptor of the responses -> the event that it shows.
EVENT_KINDS: Mapping[str, ExplanationKind] = MappingProxyType(
    {
        "error": "error",
        "empty": "empty",
        "refusal": "refusal",
        "broken format": "broken_format",
        "cut off": "cut_off",
    }
)


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the texts that a rule recognises, and the share of each side that has it."""

    kind: ExplanationKind
    side: Literal["prompt", "response"]
    #: What these texts have, redacted, on one line and truncated: the beginning, the system
    #: message, the language's name, the copied text. Empty where the kind says it all.
    text: str = ""
    #: What most texts of the baseline have in its place; empty where they have nothing.
    before: str = ""
    #: Share of the exchanges of each side, with its 95% interval. Of an event: also of responses
    #: that can't have it, such as those without a format.
    reference: ShareEstimate
    current: ShareEstimate
    #: Time of the first exchange of the window that has it; ``None`` where times are unknown, or
    #: where the baseline has it too.
    since: datetime | None = None
    #: End users of the window that have it; 0 where no exchange names one.
    n_end_users: int = 0
    #: Of the exact one-sided test of an event, adjusted for their number; ``None`` for other kinds.
    p_value: float | None = None
    #: Whether the event alarms by itself: its share rose significantly, and far enough.
    alarm: bool = False
    #: Whether it was taken out of the texts before the rest was tested.
    is_taken_out: bool = False


class RestAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """The test of a family once more, without what its explanations cover. It never alarms."""

    n_reference: int
    n_current: int
    verdict: Verdict
    #: ``None`` where too little was left.
    p_value: PValue
    #: Of what was left.
    drifted_share: ShareEstimate | None

    def __post_init__(self) -> None:
        """Read a missing p-value as NaN."""
        _read_missing(self, "p_value")


class DescriptorChange(msgspec.Struct, frozen=True, kw_only=True):
    """The change of a descriptor of the responses, given the prompts: at comparable prompts."""

    name: str
    #: ``percent``: of the mean, -0.17 for 17% less. ``points``: the difference of shares,
    #: or of means in [0, 1]; 0.04 for 4 points. ``value``: the difference of means.
    unit: Literal["percent", "points", "value"]
    change: float
    #: 95% interval.
    lower: float
    upper: float
    #: Permutation p-value of the ranks, two-sided.
    p_value: float
    #: Adjusted for the number of descriptors by Holm's method.
    adjusted_p_value: float


class ResponsePair(msgspec.Struct, frozen=True, kw_only=True):
    """A response of the window beside a response of the baseline to a similar prompt."""

    #: The descriptor whose change it shows; empty: the embedding of the response changed.
    descriptor: str
    #: Values of the descriptor; ``None`` where it is empty.
    reference_value: float | None = None
    current_value: float | None = None
    #: Cosine of the embeddings of the two prompts.
    prompt_similarity: float
    #: The exchange of the window, with that of the baseline.
    example: Example


class FamilyAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """Input drift (prompts), or output drift (responses given the prompts)."""

    family: Literal["input", "output"]
    #: By significance alone.
    verdict: Verdict
    #: Significant, and the effect is above the alert threshold. Of this window by itself.
    alarm: bool
    #: Of all tests together; ``None`` where nothing was tested.
    p_value: PValue
    #: The level that ``p_value`` is compared with: ``drift`` needs it to be at most this. ``None``
    #: where nothing was tested.
    level: float | None = None
    #: Of the window; for responses, of those to comparable prompts. The interval contains 0 where
    #: the test does not reject at 5%. ``None`` where nothing was tested.
    drifted_share: ShareEstimate | None
    #: The share of the window's responses whose prompts are comparable with the baseline's;
    #: ``None`` for prompts, and where nothing was tested.
    comparable_share: float | None = None
    #: Of the responses: the number of pairs that were compared, where both sides have the same
    #: prompts; ``None`` for prompts, and where those of the sides differ.
    n_pairs: int | None = None
    #: Of the prompts of the window: the share that moved between topics, which are 8 to 64 groups
    #: of similar prompts of both sides, new ones included; moves within a group are not in it.
    #: ``None`` for responses, and where the test does not reject at 5%.
    moved_share: ShareEstimate | None = None
    #: Whether another mix of the topics that the baseline has explains much of the change, not
    #: only prompts unlike the baseline: ``moved_share`` is at least 1.5 times ``drifted_share``.
    #: Then both shares are reported.
    is_mix: bool = False
    #: Of the responses to comparable prompts: the share beyond the baseline's median in the
    #: direction in which all responses have shifted, .5 without a shift; ``None`` for prompts.
    shift: ShareEstimate | None = None
    #: Whether a shift of all responses explains the change better than a share of them: then the
    #: shift is reported, not the drifted share.
    is_shift: bool = False
    #: Changes of the descriptors of responses given the prompts. They are part of the test of the
    #: responses, and alarm with it.
    descriptors: tuple[DescriptorChange, ...] = ()
    #: What explains the change, the most important first: where the change is significant, and
    #: events that are significant by themselves.
    explanations: tuple[Explanation, ...] = ()
    #: The test without what the explanations cover. Topics, outliers and novelty are its own then;
    #: ``None`` where nothing was taken out.
    rest: RestAssessment | None = None
    #: Why this family was not tested; ``None`` where it was, or where nothing was compared.
    untested_reason: UntestedReason | None = None
    #: Shares of texts that the encoder does not tell from others, in the baseline and in the
    #: window; ``None`` where they were not measured.
    unread_reference: float | None = None
    unread_current: float | None = None
    tests: tuple[DriftTest, ...] = ()
    #: The largest first.
    topics: tuple[Topic, ...] = ()
    #: The exchanges of highest novelty outside the topics: not all drift forms topics.
    outliers: tuple[Example, ...] = ()
    #: The strongest examples of what changed between responses to similar prompts, by descriptor.
    #: Where the responses changed significantly; empty for prompts.
    pairs: tuple[ResponsePair, ...] = ()
    #: ``None`` where slow drift is not tested: for output, for files, and with too little data.
    slow: SlowDrift | None = None

    def __post_init__(self) -> None:
        """Read a missing p-value as NaN."""
        _read_missing(self, "p_value")

    @property
    def changed_share(self) -> float:
        """Return the least share that changed: drifted, or shifted as a whole; 0 untested."""
        return changed_share(self.drifted_share, self.shift if self.is_shift else None)

    @property
    def event_alarms(self) -> tuple[Explanation, ...]:
        """Return the events that alarm, whether or not the family does."""
        return tuple(explanation for explanation in self.explanations if explanation.alarm)

    @property
    def alarms(self) -> bool:
        """Return whether the family alarms: by its test, by slow drift, or by an event."""
        return self.alarm or self.slow_alarm is not None or bool(self.event_alarms)

    @property
    def slow_alarm(self) -> SlowDrift | None:
        """Return the slow drift that alarms where the window by itself does not."""
        return self.slow if self.slow is not None and self.slow.alarm and not self.alarm else None


def _read_missing(struct: msgspec.Struct, *fields: str) -> None:
    for field in fields:
        value = getattr(struct, field)
        # Always the same NaN, so that equal assessments compare as equal.
        if value is None or math.isnan(value):
            msgspec.structs.force_setattr(struct, field, math.nan)


def changed_share(drifted_share: ShareEstimate | None, shift: ShareEstimate | None) -> float:
    """Return the least share that changed, by a drifted share and the shift of all, if any."""
    moved = 0.0 if shift is None else 2.0 * shift.estimate - 1.0
    return moved if drifted_share is None else max(drifted_share.estimate, moved)


class NumericAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """A descriptor of prompts or responses, or a metric, compared with the baseline."""

    name: str
    side: Literal["prompt", "response", "metric"]
    #: +1: higher is better, -1: lower is better, 0: neither.
    direction: Literal[-1, 0, 1]
    #: Of metrics, as ``drift.units`` names it; shown after the means.
    unit: str = ""
    n_reference: int
    n_current: int
    reference_mean: float
    current_mean: float
    #: Standardized difference (Cliff's delta), in [-1, 1], with its 95% interval.
    effect_size: float
    effect_lower: float | None = None
    effect_upper: float | None = None
    #: Relative change of the mean, with its 95% interval; ``None`` where the baseline's mean is not
    #: significantly different from 0.
    relative_change: float | None
    relative_change_lower: float | None
    relative_change_upper: float | None
    p_value: float
    #: Adjusted for the number of descriptors, or of metrics (Benjamini-Hochberg).
    adjusted_p_value: float
    #: Of metrics: worse than the baseline by ``alert_threshold`` or more, and the interval excludes
    #: no change. Descriptors of responses alarm as part of the output family, those of prompts
    #: never.
    degraded: bool


class VersionAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """One version's part of a window with responses of several versions. It quotes nothing."""

    #: As the traffic or the registry names it; empty where neither does.
    version: str
    #: The versions that were pooled because each had too few exchanges; empty where the part is
    #: that of one version.
    pooled_versions: tuple[str, ...] = ()
    #: First and last exchange; ``None`` where times are unknown.
    first: datetime | None
    last: datetime | None
    #: Sampled exchanges.
    n_current: int
    #: The estimated number of exchanges in the traffic; ``None`` where they are not a sample.
    estimated_current: float | None = None
    #: End users or sessions; an exchange without one counts by itself. 0 where no exchange of the
    #: window names one.
    n_end_users: int
    #: The seed of its figures, derived from that of the window.
    seed: int
    #: The levels of its tests: those of the window, shared by the versions that may alarm.
    levels: AlarmLevels
    #: Digest of the baseline that it was compared with, or of the reference file; empty where there
    #: was none, or the file was a pipe.
    baseline: str
    #: Whether that is a baseline of this version.
    own_baseline: bool
    #: Whether it still served when the window ended, or times are unknown: only then it may alarm.
    is_serving: bool
    #: Whether the figures of the whole assessment are those of this part.
    is_reported: bool
    verdict: Verdict
    alarm: bool
    #: ``None`` where nothing was tested.
    input_p_value: PValue
    input_drifted_share: ShareEstimate | None
    #: ``None`` where nothing was tested.
    output_p_value: PValue
    #: As of the output family.
    output_drifted_share: ShareEstimate | None
    output_comparable_share: float | None = None
    #: As of the output family, where all responses have shifted; else ``None``.
    output_shift: ShareEstimate | None = None
    #: Names of the degraded metrics.
    degraded: tuple[str, ...] = ()
    #: Kinds of the events that alarm.
    events: tuple[ExplanationKind, ...] = ()

    def __post_init__(self) -> None:
        """Read missing p-values as NaN."""
        _read_missing(self, "input_p_value", "output_p_value")


class FallenCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """A metric, field or task type that exchanges of the window have no longer, or far fewer."""

    kind: CoverageKind
    #: Of the metric or task type, or the key of the field: ``user``, ``task_type``, ``response``,
    #: ``context``.
    name: str
    #: Exchanges with a value.
    n_reference: int
    n_current: int
    #: Their shares of the exchanges: of the baseline's on the window's days of the week, with the
    #: window's mix of task types.
    share_reference: float
    share_current: float
    #: Values of a metric that are texts.
    n_texts: int = 0


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """A fixed rule (``drift.rules``), of the window alone."""

    rule: str
    #: ``broken`` where the interval lies beyond the bound, ``kept`` where it lies within,
    #: ``undecided`` where it holds the bound or there is none.
    outcome: RuleOutcome
    #: A share or a quantile of the exchanges, or a mean, with its 95% interval; ``None``: no value,
    #: or no limit.
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    #: Exchanges with a value.
    n_values: int = 0
    #: Why there is no interval; empty where there is one.
    reason: str = ""


class SegmentAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """The exchanges of both sides with one value in a column. It quotes topics in the headline."""

    #: The value, on one line; empty where exchanges have none.
    name: str
    n_reference: int
    n_current: int
    #: Of the exchanges of each side. Another share is a change of the mix, not drift.
    share_reference: float
    share_current: float
    verdict: Verdict
    alarm: bool
    headline: str
    #: ``None`` where nothing was tested.
    input_p_value: PValue
    input_drifted_share: ShareEstimate | None
    #: ``None`` where nothing was tested.
    output_p_value: PValue
    output_drifted_share: ShareEstimate | None
    #: Names of the degraded metrics.
    degraded: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Read missing p-values as NaN."""
        _read_missing(self, "input_p_value", "output_p_value")


class Segmentation(msgspec.Struct, frozen=True, kw_only=True):
    """A window by the values of a column."""

    column: str
    #: The levels of each segment's tests: half of the window's, shared by the segments with enough
    #: data. The other half is that of the whole window.
    levels: AlarmLevels
    #: Those that alarm first, by their drifted shares.
    segments: tuple[SegmentAssessment, ...]
    #: Of the test whether the shares of the segments changed; ``None`` where nothing was tested.
    mix_p_value: float | None = None
    #: The share of the exchanges that moved between segments.
    mix_moved_share: ShareEstimate | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The source of one side of a comparison."""

    #: A file, or which baseline or window.
    name: str = ""
    #: Of the content; empty where it is unknown.
    digest: str = ""
    #: End users or sessions; an exchange without one counts by itself. ``None`` where no exchange
    #: names one.
    n_end_users: int | None = None
    #: First and last exchange; ``None`` where times are unknown.
    first: datetime | None = None
    last: datetime | None = None


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to reproduce the figures from the same exchanges."""

    #: Of the whole window; the seed of each version is derived from it and stands in ``versions``.
    seed: int
    #: ``[drift]`` of the settings, and ``alert_threshold``.
    settings: dict[str, Any]
    #: The levels of the tests of the window, from ``false_alarms_a_year``; those that its versions
    #: share stand in ``versions``.
    levels: AlarmLevels
    #: Model, revision and truncation of the embeddings; empty where they are unknown.
    encoder: str = ""
    #: With several versions, what the reported version was compared with.
    reference: Source = Source()
    #: The whole window.
    current: Source = Source()
    #: Of driftwarden and of the packages that the figures depend on.
    versions: dict[str, str] = {}


class OtherTaskTypes(msgspec.Struct, frozen=True, kw_only=True):
    """The task types without a share of their own, summed."""

    #: Task types of both sides together.
    n_task_types: int
    #: Their share of the baseline, and of the window; ``None`` for a side that names none.
    reference: float | None
    current: float | None


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """A window compared with its baseline: the verdict and all figures behind it."""

    schema_version: Literal[1] = 1
    model: str
    #: ``not_enough_data`` also where nothing alarms and a tenth or more of the serving versions'
    #: exchanges, or prompts, or responses could not be compared, or the coverage of a guarded
    #: metric, a field or a task type has fallen: then the rest may have figures.
    verdict: Verdict
    #: An alarm of a family, of slow drift, or of an event, or a degraded metric.
    alarm: bool
    #: What a reader must know, in at most 30 words.
    headline: str
    #: The findings, a sentence each, the most important first; the headline says the first ones.
    findings: tuple[str, ...] = ()
    #: What each is about: ``input``, ``output``, ``event:KIND``, ``metric:NAME``, ``unchanged``;
    #: empty: none of these. No kinds: the findings are of an earlier release.
    finding_kinds: tuple[str, ...] = ()
    n_reference: int
    #: Sampled exchanges.
    n_current: int
    #: The estimated number of exchanges in the traffic; ``None`` where they are not a sample.
    estimated_current: float | None = None
    #: Sampled exchanges whose texts the source withheld; not part of ``n_current``.
    n_withheld: int = 0
    #: Exchanges whose prompts were compared, where fewer than all are comparable: without the
    #: surplus of a large end user, and thinned to one sampling rate. ``None`` where all are.
    n_comparable_reference: int | None = None
    n_comparable_current: int | None = None
    input: FamilyAssessment
    output: FamilyAssessment
    #: What the windows could have shown of drift of the prompts. Where the verdict is ``no_drift``,
    #: or it was simulated.
    detectable_shares: tuple[DetectableShare, ...] = ()
    #: Descriptors of prompts and responses, and metrics.
    numeric_columns: tuple[NumericAssessment, ...] = ()
    #: Share of each task type in the window and in the baseline, of the same 50 task types at most:
    #: those that changed most and the largest. Empty for a side that names none.
    mix_current: dict[str, float] = {}
    mix_reference: dict[str, float] = {}
    #: The sum of all further task types; ``None`` where there are none.
    mix_other: OtherTaskTypes | None = None
    #: Of the test whether the mix changed, by end user; ``None`` where there was nothing to test.
    #: A change of the mix never alarms: other tasks may be handled as well as before, and new ones
    #: are input drift.
    mix_p_value: float | None = None
    #: Total variation distance of the mixes of both samples, in [0, 1]. It is larger than 0 by
    #: chance alone, the more so the more task types there are.
    mix_effect_size: float | None = None
    #: The share of the traffic that moved between task types: an estimate of that distance without
    #: the part of chance. Its interval contains 0 where the test does not reject at 5%. ``None``
    #: where there was nothing to test.
    mix_moved_share: ShareEstimate | None = None
    #: Of the serving versions. A window whose verdict is ``not_enough_data`` for it is not
    #: comparable.
    fallen_coverage: tuple[FallenCoverage, ...] = ()
    #: Why nothing could be compared; empty where something was.
    shortages: tuple[Shortage, ...] = ()
    #: Limitations of the data: a day without traffic, one end user with half of the window.
    remarks: tuple[str, ...] = ()
    #: The window by version, where several responded; the last one to respond comes last.
    versions: tuple[VersionAssessment, ...] = ()
    #: Fixed rules, of ``drift.rules`` or the command; they raise no alarm.
    rules: tuple[RuleResult, ...] = ()
    #: The window by a column; ``None`` where none was named. Its segments raise no alarm of the
    #: whole window.
    segmentation: Segmentation | None = None
    #: ``None`` where there was nothing to compare with.
    basis: Basis | None = None

    @property
    def reported_version(self) -> VersionAssessment | None:
        """Return the version that the figures are those of, where several responded."""
        return next((version for version in self.versions if version.is_reported), None)

    @property
    def metrics_level(self) -> float | None:
        """Return the largest adjusted p-value with which a metric alarms; ``None``: unknown.

        P-values are two-sided and a metric alarms in one direction.
        """
        version = self.reported_version
        if version is not None:
            return 2.0 * version.levels.metrics
        return None if self.basis is None else 2.0 * self.basis.levels.metrics

    @property
    def missing_names(self) -> frozenset[tuple[CoverageKind, str]]:
        """Return what the window lacks."""
        return frozenset((item.kind, item.name) for item in self.fallen_coverage)

    @property
    def is_not_comparable(self) -> bool:
        """Return whether nothing alarms, and the verdict is unknown for want of coverage."""
        return self.verdict == "not_enough_data" and bool(self.fallen_coverage)

    @property
    def is_compared(self) -> bool:
        """Return whether prompts were compared, or could not be by a reason of their own."""
        return self.input.verdict != "not_enough_data" or self.input.untested_reason is not None

    @property
    def current_count(self) -> str:
        """Return the number of exchanges and, for a sample, the estimated number behind it."""
        estimated = self.estimated_current
        if estimated is None or round(estimated) <= self.n_current:
            return f"{self.n_current:,}"
        return f"{self.n_current:,} sampled of about {float(f'{estimated:.3g}'):,.0f}"
