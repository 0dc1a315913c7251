"""Input drift and output drift: their tests, figures and what they rest on."""

from datetime import datetime
from typing import Literal

import msgspec

from monitor.store.windows.assessment.explanations import Explanation, RestAssessment
from monitor.store.windows.assessment.quotes import Example, ResponsePair, Topic
from monitor.store.windows.assessment.values import (
    PValue,
    ShareEstimate,
    Verdict,
    changed_share,
    read_missing,
)

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
        read_missing(self, "p_value")

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
