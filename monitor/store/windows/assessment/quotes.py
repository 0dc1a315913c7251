"""Quoted exchanges of an assessment, and the topics that they are examples of."""

from datetime import date, datetime

import msgspec


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
