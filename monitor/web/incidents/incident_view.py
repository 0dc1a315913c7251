"""Contents of the page of an incident."""

import html
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.causes import CAUSES, Cause, runbook_url
from monitor.alerts.incident_states import transition_of
from monitor.alerts.incidents import alerts_of
from monitor.alerts.messages.identity import rollouts_of
from monitor.alerts.present_text import describe_steps, present_text
from monitor.errors import NotFoundError
from monitor.rendering.looks import count_examined, describe_change, format_onset
from monitor.settings import Sections
from monitor.store.alerts.consequences import Consequences, consequences_of
from monitor.store.alerts.incident_events import IncidentEventRow, list_events
from monitor.store.alerts.incidents import IncidentRow
from monitor.store.alerts.outbox import StoredMessage, list_messages
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.looks import LookRow, load_examples, looks_of_incident
from monitor.web.withheld_texts import WITHHELD, withhold_quoted
from retrain.rollout.rows.rollouts import rollout_by_id

#: Topics of the newest window that are named.
TOPICS_SHOWN = 5
#: Messages that are listed.
MESSAGES_SHOWN = 100

#: Durations that can be chosen, with their labels.
SNOOZES = {
    "1h": "1 hour",
    "4h": "4 hours",
    "1d": "1 day",
    "3d": "3 days",
    "7d": "1 week",
    "30d": "30 days",
}

#: Kinds of keys of an incident that have a page, for leads -> its address.
PAGES = {"run": "/runs", "decision": "/decisions"}


@dataclass(frozen=True)
class TopicLine:
    """A drifted topic of the newest window."""

    name: str
    family: str
    share: float


@dataclass(frozen=True)
class IncidentView:
    """An incident with what belongs to it."""

    row: IncidentRow
    cause: Cause
    headline: str
    #: Who acknowledged it, what it was before, ...
    notes: Sequence[str]
    #: With commands between backticks.
    next_steps: Sequence[str]
    runbook: str
    topics: Sequence[TopicLine]
    followed: Consequences
    events: Sequence[IncidentEventRow]
    messages: Sequence[StoredMessage]
    looks: Sequence[dict[str, Any]]
    #: Label and address of runs, decisions, rollouts and versions that it is about.
    links: Sequence[tuple[str, str]]

    def allows(self, event: str) -> bool:
        """Return whether a user may cause an event in the incident's status."""
        return self.row.status in transition_of(event).sources  # type: ignore[arg-type]


def load_view(connection: Connection, settings: Sections, row: IncidentRow) -> IncidentView:
    """Load what belongs to an incident."""
    cause = CAUSES[row.cause]
    keys = [key.split(" ") for key in sorted(row.fingerprint) if row.cause != "drift"]
    alerts = alerts_of(settings, row.model).model_copy(update={"public_url": ""})
    text = present_text(connection, row, alerts)
    next_steps = describe_steps(connection, row)
    return IncidentView(
        row=row,
        cause=cause,
        headline=text.finding.replace("`", "'"),
        # Of an open one the badge and the button say that nobody has it.
        notes=[note for note in text.notes if row.status != "open" or note != text.owner],
        next_steps=[html.unescape(step.removeprefix("• ")) for step in next_steps]
        if row.resolved_at is None
        else [],
        runbook=runbook_url(alerts, row.cause),
        topics=_topics(connection, row),
        followed=consequences_of(connection, row.id),
        events=list_events(connection, row.id),
        messages=list_messages(connection, row.id, MESSAGES_SHOWN),
        looks=_looks(connection, row),
        links=[
            (f"{kind} {number}", f"{PAGES[kind]}/{number}")
            for kind, *rest in keys
            if kind in PAGES
            for number in rest
        ]
        + _rollout_links(connection, row),
    )


def withhold_texts_of(view: IncidentView, reads: Callable[[str], bool]) -> IncidentView:
    """Return an incident for a reviewer of some task types: without words of topics and messages.

    ``reads`` tells whether the user reads texts of a task type.
    """
    return replace(
        view,
        headline=withhold_quoted(view.headline),
        notes=[withhold_quoted(note) for note in view.notes],
        next_steps=[withhold_quoted(step) for step in view.next_steps],
        topics=[replace(topic, name=f"topic {at}") for at, topic in enumerate(view.topics, 1)],
        events=[replace(event, reason=withhold_quoted(event.reason)) for event in view.events],
        messages=[
            replace(message, payload={"text": WITHHELD}, error=message.error and WITHHELD)
            for message in view.messages
        ],
        looks=[_withhold_texts_of_look(entry, reads) for entry in view.looks],
    )


def _withhold_texts_of_look(entry: dict[str, Any], reads: Callable[[str], bool]) -> dict[str, Any]:
    changes = [
        {
            **change,
            "text": withhold_quoted(change["text"]),
            "examples": [row for row in change["examples"] if reads(row.task_type)],
        }
        for change in entry["changes"]
    ]
    return {**entry, "changes": changes}


def _rollout_links(connection: Connection, row: IncidentRow) -> list[tuple[str, str]]:
    """Return label and address of each rollout, and of its version: there it is rejected."""
    links = []
    for number in rollouts_of(row):
        links.append((f"rollout {number}", f"/rollouts/{number}"))
        with suppress(NotFoundError):  # a key is text
            rollout = rollout_by_id(connection, number)
            links.append((f"version {rollout.version}", f"/models/versions/{rollout.version_id}"))
    return links


def _topics(connection: Connection, row: IncidentRow) -> list[TopicLine]:
    """Return the largest drifted topics of the newest window."""
    if row.last_evaluation_id is None:
        return []
    assessment = drift_evaluation_by_id(connection, row.last_evaluation_id).assessment
    if assessment is None:
        return []
    lines = [
        TopicLine(topic.name, family.family, topic.share_current)
        for family in (assessment.input, assessment.output)
        for topic in family.topics
    ]
    return sorted(lines, key=lambda line: -line.share)[:TOPICS_SHOWN]


def _looks(connection: Connection, row: IncidentRow) -> list[dict[str, Any]]:
    """Return the looks with their changes and examples, the newest first."""
    looks: list[LookRow] = looks_of_incident(connection, row.id)
    entries = []
    for look in reversed(looks):
        examples = load_examples(connection, look)
        changes = [
            {
                "finding": finding,
                "text": describe_change(finding),
                "since": format_onset(look, finding),
                "examples": [examples[id_] for id_ in finding.examples if id_ in examples],
            }
            for finding in look.findings
        ]
        entries.append(
            {
                "look": look,
                "examined": count_examined(look),
                "changes": changes,
            }
        )
    return entries
