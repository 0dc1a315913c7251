"""Kinds of entries of the to-do list in the order of harm, with the reason for each place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: Who is shown an entry: leads of its model, who adjudicates there, or a reviewer of its own items.
Audience = Literal["lead", "adjudicator", "reviewer"]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of entry."""

    name: str
    #: What waits.
    title: str
    audience: Audience
    #: Why it stands where it stands.
    reason: str
    #: What it concerns where it is of no model.
    subject: str = "The daemon"
    #: Causes of incidents that say the same: their open incident is no entry of its own.
    covers: tuple[str, ...] = ()


#: The one that does most harm first. docs/how-to/many-models.md has this table.
KINDS = (
    Kind(
        name="no_leader",
        title="no leading daemon",
        audience="lead",
        reason="nothing is evaluated or reported, so that nothing below is complete",
    ),
    Kind(
        name="incident_critical",
        title="an open critical incident",
        audience="lead",
        reason="users may get worse responses now",
    ),
    Kind(
        name="rollout",
        title="a rollout that asks for a decision",
        audience="lead",
        reason="a version that is not shown to be as good responds to users until somebody decides",
        covers=("rollout_holding",),
    ),
    Kind(
        name="rollout_unwatched",
        title="an unfinished rollout of a model that is no longer watched",
        audience="lead",
        reason="its version responds to users, and nothing measures it",
    ),
    Kind(
        name="incident_error",
        title="an open incident of level error",
        audience="lead",
        reason="something that protects users has stopped",
    ),
    Kind(
        name="request",
        title="a request of an end user that is not closed",
        audience="lead",
        reason="it is to be answered within a legal period",
        subject="Requests of end users",
    ),
    Kind(
        name="window",
        title="a window whose evaluation failed",
        audience="lead",
        reason="drift of that window is not noticed",
        covers=("evaluation_failed",),
    ),
    Kind(
        name="run",
        title="a training run that failed, can't start, or waits for its check or start",
        audience="lead",
        reason="errors that are known and to be trained away go on",
        covers=("training_failed",),
    ),
    Kind(
        name="decision",
        title="a retraining to confirm",
        audience="lead",
        reason="errors that are known go on, and nobody has decided yet",
        covers=("decision_overdue",),
    ),
    Kind(
        name="guidelines",
        title="guidelines to mend",
        audience="lead",
        reason="reviews don't lead to a decision until reviewers agree",
    ),
    Kind(
        name="context",
        title="retrieval or a prompt to mend",
        audience="lead",
        reason="errors that are known go on, and training doesn't end them",
    ),
    Kind(
        name="start_rollout",
        title="a candidate that passed its gates",
        audience="lead",
        reason="a version that is shown to be better waits",
    ),
    Kind(
        name="candidate",
        title="a candidate to approve or reject, or whose evaluation failed",
        audience="lead",
        reason="a version that may be better waits",
    ),
    Kind(
        name="human_evaluation",
        title="a human evaluation to lock, or without its ratings for a week",
        audience="lead",
        reason="a candidate waits for its result",
    ),
    Kind(
        name="batch",
        title="an overdue batch",
        audience="lead",
        reason="the decision waits for the reviews",
        covers=("queue_not_worked",),
    ),
    Kind(
        name="adjudication",
        title="items to adjudicate",
        audience="adjudicator",
        reason="their gold, and maybe the decision, waits for a ruling",
    ),
    Kind(
        name="audit",
        title="items to audit",
        audience="adjudicator",
        reason="how far reviews can be trusted is not known until then",
    ),
    Kind(
        name="flag",
        title="flagged items",
        audience="lead",
        reason="an item counts neither as excluded nor as open",
    ),
    Kind(
        name="discussion",
        title="own items to discuss",
        audience="reviewer",
        reason="an adjudicator decides after three days",
    ),
    Kind(
        name="review",
        title="own items to review",
        audience="reviewer",
        reason="the daily work; it is overdue only as a batch",
    ),
    Kind(
        name="rating",
        title="own items to rate in a human evaluation",
        audience="reviewer",
        reason="the daily work, too",
    ),
    Kind(
        name="digest",
        title="a weekly digest that a channel did not take",
        audience="lead",
        reason="this list did not reach its readers",
    ),
    Kind(
        name="incident_warning",
        title="an open incident of another level",
        audience="lead",
        reason="nothing is broken yet",
    ),
)

BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
#: Place in the order of harm, from 0.
RANKS: Mapping[str, int] = {kind.name: place for place, kind in enumerate(KINDS)}
