"""Notices at the time of sending: made again from what is so now, or withdrawn."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from monitor.alerts.incidents import alerts_of
from monitor.alerts.messages.decision import decision_key, decision_message
from monitor.alerts.messages.gate_result import gate_result_message
from monitor.alerts.messages.model_age import age_message
from monitor.alerts.messages.removed_models import removed_message
from monitor.alerts.messages.unlisted_models import unlisted_message
from monitor.settings import Alerts, Sections
from monitor.store.alerts.delivery import DueMessage
from monitor.store.review.decision_states import decision_state
from monitor.store.review.decisions import decision_by_id
from monitor.store.review.items import batch_by_id
from monitor.store.training.candidate_evaluations import candidate_evaluation_by_id
from monitor.store.training.model_age import production_age

#: A weekly digest that could not be sent for this time is left out.
DIGEST_MAX_DELAY = timedelta(days=3)

Payload = dict[str, Any]


class _Notice(NamedTuple):
    """A notice to be sent: the rest of its key says what it is about."""

    connection: Connection
    message: DueMessage
    settings: Sections
    now: datetime
    rest: str

    @property
    def alerts(self) -> Alerts:
        """The settings of its links."""
        return alerts_of(self.settings, self.message.model)


def present_notice(
    connection: Connection, message: DueMessage, settings: Sections, now: datetime
) -> Payload | None:
    """Return the payload of a message without an incident as of now; ``None``: it is not so now.

    One that tells of an event in the past stays as it was written.
    """
    kind, _, rest = message.dedupe_key.partition(":")
    make = _MAKERS.get(kind)
    if make is None:
        return message.payload
    return make(_Notice(connection, message, settings, now, rest))


def _removed(notice: _Notice) -> Payload | None:
    return removed_message(notice.connection, notice.settings, int(notice.rest))


def _unlisted(notice: _Notice) -> Payload | None:
    monday = datetime.fromisoformat(notice.rest).replace(tzinfo=UTC)
    return unlisted_message(notice.connection, notice.settings, monday)


def _age(notice: _Notice) -> Payload | None:
    model = notice.message.model
    live = production_age(notice.connection, model, notice.now)
    if live is None or str(live.version.id) != notice.rest:
        return None
    return age_message(live, notice.settings.settings_of(model).retrain.max_age, notice.alerts)


def _decision(notice: _Notice) -> Payload | None:
    decision = decision_by_id(notice.connection, int(notice.rest.split(":")[0]))
    if decision_key(decision) != notice.message.dedupe_key:
        return None  # there is a message about what it became
    if not decision_state(notice.connection, decision.id, decision.model).is_open:
        return None
    retrain = notice.settings.settings_of(notice.message.model).retrain
    batch = batch_by_id(notice.connection, decision.batch_id)
    needs_lead = retrain.require_confirmation
    return decision_message(decision, batch, notice.alerts, needs_lead=needs_lead)


def _gate_result(notice: _Notice) -> Payload | None:
    number, status = notice.rest.split(":")
    row = candidate_evaluation_by_id(notice.connection, int(number))
    return gate_result_message(row, notice.alerts) if row.status == status else None


def _digest(notice: _Notice) -> Payload | None:
    is_old = notice.now - notice.message.created_at > DIGEST_MAX_DELAY
    return None if is_old else notice.message.payload


#: By the first word of the key.
_MAKERS: Mapping[str, Callable[[_Notice], Payload | None]] = {
    "age": _age,
    "decision": _decision,
    "digest": _digest,
    "removed": _removed,
    "unlisted": _unlisted,
    "verdict": _gate_result,
}
