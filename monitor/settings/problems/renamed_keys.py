"""Keys of earlier configurations, with the name and the form that they have now."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Renamed:
    """A key under its present name."""

    #: Dotted, such as ``review.lease``.
    name: str
    #: Unit of the number that the old key held; empty where the value stays as it is.
    unit: str = ""
    #: Whether the old key's 0 meant "none", which is the empty text now.
    zero_is_empty: bool = False
    #: The old number is multiplied by this; 0: the default is named in its place.
    factor: float = 1.0
    default: str = ""

    def convert(self, value: Any) -> str:
        """Return the old value as config.toml has it now."""
        if self.default:
            return self._multiply(value)
        if not self.unit:
            return json.dumps(value)
        example = f'"..." (a duration such as "10{self.unit}")'
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return example
        if number == 0 and self.zero_is_empty:
            return '""'
        for unit, factor in _FINER[self.unit]:
            if number >= 0 and (number * factor).is_integer():
                return f'"{int(number * factor)}{unit}"'
        return example

    def _multiply(self, value: Any) -> str:
        try:
            number = float(value) * self.factor
        except (TypeError, ValueError, OverflowError):
            number = 0.0
        return f"{number:g}" if number > 0 else self.default


#: The unit itself, and finer ones for what it doesn't divide.
_FINER = {
    "s": (("s", 1), ("ms", 1000)),
    "m": (("m", 1), ("s", 60)),
    "h": (("h", 1), ("m", 60), ("s", 3600)),
    "d": (("d", 1), ("h", 24), ("m", 1440)),
    "w": (("w", 1), ("h", 168)),
}

RENAMED_KEYS = {
    "kafka.start_at": Renamed("kafka.auto_offset_reset"),
    "kafka.session_timeout_seconds": Renamed("kafka.session_timeout", "s"),
    "kafka.max_poll_interval_seconds": Renamed("kafka.max_poll_interval", "s"),
    "traffic.floor_per_window": Renamed("traffic.min_samples_per_task_type"),
    "traffic.floor_search_rate": Renamed("traffic.task_type_search_rate"),
    "traffic.flush_seconds": Renamed("traffic.flush_interval", "s"),
    "traffic.max_age_days": Renamed("traffic.max_age", "d"),
    "traffic.join.timeout_seconds": Renamed("traffic.join.timeout", "s"),
    "redaction.presidio_score": Renamed("redaction.presidio_score_threshold"),
    "retention.exchanges_days": Renamed("retention.exchanges", "d", zero_is_empty=True),
    "retention.reviewed_days": Renamed("retention.reviews", "d", zero_is_empty=True),
    "retention.dead_letters_days": Renamed("retention.dead_letters", "d", zero_is_empty=True),
    "retention.baselines_days": Renamed("retention.baselines", "d", zero_is_empty=True),
    "drift.minimum_mass": Renamed("drift.min_drifted_share"),
    "drift.slow_minimum_mass": Renamed("drift.min_slow_drifted_share"),
    "drift.minimum_samples": Renamed("drift.min_samples"),
    # The level of the prompts is .52 of the budget over 52 weeks.
    "drift.alpha": Renamed("drift.false_alarms_a_year", factor=100.0, default="0.5"),
    "drift.slow_alpha": Renamed("drift.false_alarms_a_year", factor=0.0, default="0.5"),
    "review.verdict_weeks": Renamed("review.max_verdict_age", "w", zero_is_empty=True),
    "review.lease_minutes": Renamed("review.lease", "m"),
    "review.window_weeks": Renamed("review.decision_window", "w"),
    "review.minimum_drifted_gold": Renamed("review.min_drifted_gold"),
    "review.minimum_agreement": Renamed("review.min_agreement"),
    "review.minimum_answers": Renamed("review.min_remedy_ratings"),
    "web.invitation_days": Renamed("web.invitation_lifetime", "d"),
    "web.oidc.create_people": Renamed("web.oidc.create_users"),
    "retrain.resumptions": Renamed("retrain.max_resumptions"),
    "retrain.data.minimum_gold": Renamed("retrain.data.min_gold"),
    "retrain.data.minimum_per_task_type": Renamed("retrain.data.min_per_task_type"),
    "retrain.data.maximum_task_share": Renamed("retrain.data.max_task_share"),
    "retrain.data.near_duplicate": Renamed("retrain.data.min_duplicate_similarity"),
    "retrain.data.leak_phrase_words": Renamed("retrain.data.leak_ngram_size"),
    "retrain.data.leak_overlap": Renamed("retrain.data.min_leak_overlap"),
    "retrain.data.maximum_leaked_gold": Renamed("retrain.data.max_leaked_gold"),
    "retrain.judge.timeout_seconds": Renamed("retrain.judge.timeout", "s"),
    "retrain.judge.attempts": Renamed("retrain.judge.max_attempts"),
    "retrain.judge.concurrency": Renamed("retrain.judge.max_concurrency"),
    "retrain.judge.requests_per_minute": Renamed("retrain.judge.max_requests_per_minute"),
    "retrain.kubernetes.ttl_seconds": Renamed("retrain.kubernetes.ttl_after_finished", "s"),
    "retrain.kubernetes.active_deadline_hours": Renamed("retrain.kubernetes.active_deadline", "h"),
    "rollout.steps": Renamed("rollout.stages"),
    "rollout.dwell_hours": Renamed("rollout.min_dwell", "h"),
    "rollout.gateway_routes": Renamed("rollout.envoy.routes"),
}

#: Keys that have no successor, with the reason.
_NO_SAMPLES = "each advance check is waited for until it is shown"
REMOVED_KEYS = {
    "rollout.min_samples": _NO_SAMPLES,
    "rollout.minimum_samples": _NO_SAMPLES,
}
