"""Parts of a window with a verdict of their own: its versions, and the segments of a column."""

from datetime import datetime

import msgspec

from monitor.statistics.alarm_levels import AlarmLevels
from monitor.store.windows.assessment.explanations import ExplanationKind
from monitor.store.windows.assessment.values import PValue, ShareEstimate, Verdict, read_missing


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
        read_missing(self, "input_p_value", "output_p_value")


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
        read_missing(self, "input_p_value", "output_p_value")


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
