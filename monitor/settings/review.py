"""Settings of the review queue and of the decision to retrain."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from monitor.setting_types.durations import Duration, OptionalDuration
from monitor.setting_types.field_types import Level, Section, Share


class Review(Section):
    """The review queue, and the rule that recommends retraining."""

    queue: Literal["every_window", "on_drift"] = "every_window"
    weekly_budget: Annotated[int, Field(ge=1)] = 100
    control_share: Share = 0.60
    drift_share: Share = 0.28
    max_verdict_age: OptionalDuration = None
    lease: Duration = timedelta(minutes=20)
    audit_share: Share = 0.10
    baseline_error_rate: Share = 0.08
    baseline_reviews: Annotated[int, Field(ge=1)] = 400
    decision_window: Duration = timedelta(weeks=4)
    confidence: Level = 0.99
    min_drifted_gold: Annotated[int, Field(ge=1)] = 50
    min_agreement: Share = 0.667
    min_remedy_ratings: Annotated[int, Field(ge=1)] = 30
    taxonomy: str = ""

    @model_validator(mode="after")
    def _shares_leave_room(self) -> "Review":
        if self.control_share + self.drift_share > 1:
            raise ValueError("control_share + drift_share must not exceed 1")
        return self
