"""Batches between preparation and storage."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.store.privacy.suppressions import RulesVersion
from monitor.store.traffic.daily_counts import DailyCounts
from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.position import FeedbackRow, HalfRow
from retrain.rollout.rows.observations import LabelCounts, ObservationRow


@dataclass(frozen=True)
class PreparedBatch:
    """A batch that is ready to be stored once its exchanges have vectors."""

    exchanges: Exchanges
    dead_letters: list[DeadLetterRow] = field(default_factory=list)
    #: Requests and responses without a partner in the batch.
    halves: list[HalfRow] = field(default_factory=list)
    #: Values of feedback on exchanges, of this batch or of any other.
    feedback: list[FeedbackRow] = field(default_factory=list)
    #: Exchanges whose texts the source withholds.
    withheld: DailyCounts = field(default_factory=dict)
    #: Exchanges of models that are not listed, where they are not watched.
    unlisted: DailyCounts = field(default_factory=dict)
    #: Source -> number of records of the sample, or of their parts, that are exchanges, halves or
    #: feedback, or were meant to be.
    n_records: Mapping[str, int] = field(default_factory=dict)
    #: Source -> number of parts of records that are no exchanges and not meant to be.
    ignored: Mapping[str, int] = field(default_factory=dict)
    #: Exchanges observed for rollouts, whether or not they are of the sample too.
    observations: list[ObservationRow] = field(default_factory=list)
    #: Exchanges of models in rollout whose label names neither version.
    unknown_labels: LabelCounts = field(default_factory=dict)
    #: Source -> number of exchanges, halves and dead letters of end users on the suppression list.
    suppressed: Mapping[str, int] = field(default_factory=dict)
    #: Version of the suppression list that was used; ``None``: none was.
    rules_version: RulesVersion | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing in the records was readable."""
        return not (
            len(self.exchanges)
            or any((self.halves, self.feedback, self.withheld, self.unlisted))
            or any((self.ignored, self.suppressed))
        )
