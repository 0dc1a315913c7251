"""Changes of the texts that explain drift, and the test of what they leave."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal

import msgspec

from monitor.store.windows.assessment.values import PValue, ShareEstimate, Verdict, read_missing

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
        read_missing(self, "p_value")
