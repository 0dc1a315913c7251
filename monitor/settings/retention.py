"""Retention periods; :mod:`monitor.privacy.retention.application` applies them."""

from datetime import timedelta

from pydantic import model_validator

from monitor.setting_types.durations import OptionalDuration, format_duration
from monitor.setting_types.field_types import Section

#: A week, and a week to notice that it could not be evaluated.
MIN_RETENTION = timedelta(days=14)
#: A channel that was unavailable may still take a message.
MIN_MESSAGES = timedelta(days=7)
#: A reading of texts is noticed, and asked about, weeks later.
MIN_ACCESS_LOG = timedelta(days=30)


class Retention(Section):
    """How long stored rows are kept; empty: for ever."""

    exchanges: OptionalDuration = None
    reviews: OptionalDuration = None
    dead_letters: OptionalDuration = timedelta(days=30)
    baselines: OptionalDuration = None
    observations: OptionalDuration = timedelta(days=30)
    probes: OptionalDuration = timedelta(days=180)
    slack_actions: OptionalDuration = timedelta(days=90)
    access_log: OptionalDuration = timedelta(days=365)
    messages: OptionalDuration = timedelta(days=90)
    errors: OptionalDuration = timedelta(days=90)
    incidents: OptionalDuration = None
    reasons: OptionalDuration = None
    human_evaluations: OptionalDuration = None
    current_baselines: OptionalDuration = None
    run_files: OptionalDuration = None
    exports: OptionalDuration = None

    @model_validator(mode="after")
    def _windows_are_evaluated_and_reviewed_first(self) -> "Retention":
        if self.exchanges is not None and self.exchanges < MIN_RETENTION:
            raise ValueError(
                f'exchanges must be "" (for ever) or at least {format_duration(MIN_RETENTION)}: a '
                "week of traffic is evaluated when it has ended"
            )
        for name, minimum in (("messages", MIN_MESSAGES), ("run_files", MIN_RETENTION)):
            value = getattr(self, name)
            if value is not None and value < minimum:
                raise ValueError(
                    f'{name} must be "" (for ever) or at least {format_duration(minimum)}: '
                    "what is younger is still sent, or used"
                )
        if self.access_log is not None and self.access_log < MIN_ACCESS_LOG:
            raise ValueError(
                f'access_log must be "" (for ever) or at least {format_duration(MIN_ACCESS_LOG)}: '
                "who read texts of end users is found out later, from its entries"
            )
        if self.reviews is not None and not (
            self.exchanges is not None and self.exchanges <= self.reviews
        ):
            raise ValueError(
                'reviews must be "" (for ever), or as long as exchanges or longer: what was queued '
                "for review is not removed before the rest"
            )
        return self
