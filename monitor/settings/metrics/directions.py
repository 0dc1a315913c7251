"""Directions of metrics by name: whether higher or lower values are better."""

import re
from typing import Literal

from monitor.settings.drift import Drift

Direction = Literal[-1, 0, 1]

#: In snake case and without a unit; the configuration adds names and overrides these.
HIGHER_IS_BETTER = frozenset(
    {
        *("helpful", "helpfulness", "judge_score", "quality", "quality_score", "rating", "score"),
        *("stars", "csat", "nps", "satisfaction", "thumbs", "thumbs_up", "thumb_up", "upvote"),
        *("upvoted", "liked", "resolved", "solved", "success", "succeeded", "accepted", "passed"),
        *("correct", "correctness", "accuracy", "exact_match", "relevance", "coherence"),
        *("faithfulness", "groundedness", "completeness", "feedback_score", "user_score"),
    }
)
LOWER_IS_BETTER = frozenset(
    {
        *("latency", "duration", "elapsed", "elapsed_time", "response_time", "queue_time"),
        *("total_time", "ttft", "time_to_first_token", "time_to_first_chunk", "tpot"),
        *("time_per_output_token", "cost", "response_cost", "total_cost", "retries", "retry_count"),
        *("error", "errors", "error_count", "failed", "failure", "timeout", "timed_out"),
        *("refused", "refusal", "thumbs_down", "thumb_down", "downvote", "downvoted", "disliked"),
        *("complaint", "escalated", "escalation", "abandoned", "regenerated", "truncated"),
        *("hallucination", "hallucinated", "toxicity", "toxic", "unsafe", "flagged"),
    }
)

#: Ends of names of numbers that are neither better nor worse.
NEUTRAL = ("tokens", "token_count", "characters", "chars")

_UNIT = re.compile(r"_(?:ms|us|ns|s|sec|secs|seconds|millis|milliseconds|usd|eur|cents)$")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def direction_of(name: str, settings: Drift) -> Direction:
    """Return whether higher is better (+1), lower is better (-1), or neither (0).

    The configuration wins over the names known here. A name is known however it is written
    (``latencyMs``, ``Latency-ms``, ``timing.latency_ms``). Numbers of tokens have no direction:
    longer is neither better nor worse.

    Example:
        >>> [direction_of(name, Drift()) for name in ("feedback.thumbsUp", "ttft_ms", "tokens")]
        [1, -1, 0]
    """
    if name in settings.higher_is_better:
        return 1
    if name in settings.lower_is_better:
        return -1
    whole = _normalise(name)
    for candidate in (whole, whole.rpartition(".")[2]):
        known = _UNIT.sub("", candidate)
        if known in HIGHER_IS_BETTER:
            return 1
        if known in LOWER_IS_BETTER:
            return -1
    return 0


def is_direction_unknown(name: str, settings: Drift) -> bool:
    """Return whether a metric can't degrade for want of a direction; lengths need none.

    Example:
        >>> [is_direction_unknown(name, Drift()) for name in ("latency_ms", "wer", "total_tokens")]
        [False, True, False]
    """
    return direction_of(name, settings) == 0 and not _normalise(name).endswith(NEUTRAL)


def _normalise(name: str) -> str:
    return re.sub(r"[\s\-/]+", "_", _HUMP.sub("_", name.strip())).casefold()
