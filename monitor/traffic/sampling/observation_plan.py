"""Rates at which exchanges are observed while a rollout or experiment runs.

The sampling unit is the end user, by a hash: an arm's users are observed with all their requests or
with none. Sampled by request, the users of the arm with the lower rate would be those with many
requests, and equal versions would differ. An exchange without an end user is a unit by itself, by
the randomness of its record. See docs/explanation/sampling.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from monitor.settings import Sections
from monitor.store.training.versions.version_labels import version_labels
from monitor.traffic.parsing.cleaning import clean_name
from monitor.traffic.sampling.sampler import (
    SPACE,
    Draw,
    probability_of,
    randomness_of,
    threshold_of,
)
from monitor.traffic.sampling.trace_context import Header
from retrain.rollout.rows.observed_rollout import Arm, ObservedRollout, arm_rates

#: Attribute in which the decoder stores the label of ``traffic.version_header``.
HEADER_LABEL = "model_version"


class Observed(NamedTuple):
    """How an exchange is observed."""

    rollout_id: int
    arm: Arm
    inclusion_probability: float


class UnknownLabel(NamedTuple):
    """An exchange of a model in rollout whose label names neither version."""

    rollout_id: int
    #: Empty: the exchange has none.
    label: str


@dataclass(frozen=True)
class ObservedModel:
    """A model in rollout."""

    rollout_id: int
    version_field: str
    #: Exchanges before are not observed.
    since: datetime
    arms: Mapping[str, Arm]
    #: Threshold of each arm; ``SPACE``: none of its users is observed.
    thresholds: Mapping[Arm, int]

    def label_of(self, attributes: Mapping[str, object]) -> str:
        """Return the label of an exchange; empty where it has none."""
        label = attributes.get(self.version_field, attributes.get(HEADER_LABEL, ""))
        return clean_name(str(label))

    def randomness_of(self, user: str) -> int:
        """Return R of an end user, which differs between rollouts."""
        return randomness_of(f"rollout/{self.rollout_id}/{user}".encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class ObservationPlan:
    """The open rollouts and experiments, as ingest observes them."""

    models: Mapping[str, ObservedModel]
    #: Headers with the version and the end user; empty: decided after decoding.
    version_header: str = ""
    user_header: str = ""
    #: Requests and responses are records of their own: one may name what the other doesn't.
    by_halves: bool = False
    _by_label: Mapping[str, Sequence[tuple[ObservedModel, Arm]]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_label: dict[str, list[tuple[ObservedModel, Arm]]] = {}
        for model in self.models.values():
            for label, arm in model.arms.items():
                by_label.setdefault(label, []).append((model, arm))
        object.__setattr__(self, "_by_label", by_label)

    @cached_property
    def is_decided_by_header(self) -> bool:
        """Whether the version is known before decoding, where a record carries the header."""
        return bool(self.version_header) and not self.by_halves

    def wants(self, headers: Sequence[Header]) -> bool:
        """Return whether a record is decoded beside those of the sample."""
        if not self.is_decided_by_header:
            return True
        label = header_text(headers, self.version_header)
        if label is None:
            return True
        arms = self._by_label.get(label, ())
        user = header_text(headers, self.user_header) if self.user_header else None
        return any(
            model.thresholds[arm] < SPACE
            and (not user or model.randomness_of(user) >= model.thresholds[arm])
            for model, arm in arms
        )

    def decide(
        self,
        model: str,
        attributes: Mapping[str, object],
        user: str,
        *,
        occurred_at: datetime,
        draw: Draw,
        label: str | None = None,
    ) -> Observed | UnknownLabel | None:
        """Return how an exchange is observed; ``None``: it isn't.

        ``draw`` is before any rate of this process. Without a ``label``, as the record's header has
        it, that of the attributes counts.
        """
        observed = self.models.get(model)
        if observed is None or occurred_at < observed.since:
            return None
        if label is None:
            label = observed.label_of(attributes)
        arm = observed.arms.get(label)
        if arm is None:
            return UnknownLabel(observed.rollout_id, label)
        threshold = observed.thresholds[arm]
        randomness = draw.randomness
        if user:
            randomness = observed.randomness_of(user)
        if randomness < threshold:
            return None
        if user:
            probability = draw.inclusion_probability * probability_of(threshold)
        else:
            probability = draw.probability_at(max(threshold, draw.threshold))
        return Observed(observed.rollout_id, arm, probability)


def build_plan(settings: Sections, rollouts: Iterable[ObservedRollout]) -> ObservationPlan | None:
    """Return the plan of the open rollouts; ``None`` where nothing is observed."""
    models: dict[str, ObservedModel] = {}
    for rollout in rollouts:
        # Ingest knows a renamed model's new name before its rows have it.
        model = settings.names.resolve(rollout.model) or rollout.model
        if not settings.is_watched(model):
            continue
        own = settings.settings_of(model)
        rates = arm_rates(
            rollout.weight_percent, own.rollout.canary_rate, own.rollout.stable_per_canary
        )
        arms: dict[str, Arm] = {}
        for name in (rollout.model, model):
            arms |= dict.fromkeys(version_labels(name, rollout.stable), "stable")
            arms |= dict.fromkeys(version_labels(name, rollout.canary), "canary")
        models[model] = ObservedModel(
            rollout_id=rollout.id,
            version_field=own.model.version_field,
            since=rollout.started_at,
            arms=arms,
            thresholds={
                arm: threshold_of(rate) if rate > 0 else SPACE for arm, rate in rates.items()
            },
        )
    if not models:
        return None
    traffic = settings.traffic
    return ObservationPlan(
        models,
        version_header=traffic.version_header,
        user_header=traffic.user_header,
        by_halves=traffic.join.enabled,
    )


def header_text(headers: Sequence[Header], name: str) -> str | None:
    """Return a header as a cleaned name; ``None`` where a record has none."""
    for key, value in headers:
        if key == name:
            return clean_name((value or b"").decode("utf-8", "replace"))
    return None
