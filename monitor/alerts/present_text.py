"""Present state of an incident as text: what is wrong, since when, what changed, what to do."""

from contextlib import suppress

from sqlalchemy import Connection

from monitor.alerts.causes import CAUSES, LEVEL_MARKS, Cause, runbook_url
from monitor.alerts.evaluated_version import describe_version
from monitor.alerts.incident_states import NO_LONGER_SO, QUIET_WINDOWS
from monitor.alerts.messages.identity import incident_link, rollouts_of
from monitor.alerts.messages.next_steps import (
    next_step_of,
    next_steps,
    next_steps_of_look,
    steps_of,
)
from monitor.alerts.messages.text import MODEL_CHARACTERS, IncidentText
from monitor.alerts.peak import describe_peak
from monitor.alerts.present_changes import (
    describe_changes,
    describe_new_parts,
    kinds_of,
    new_findings,
)
from monitor.alerts.present_findings import (
    NO_DATA,
    describe_missing,
    find_present,
    load_evidence,
    name_window,
)
from monitor.errors import NotFoundError
from monitor.rendering.excerpts import excerpt
from monitor.rendering.late_exchanges import describe_changes as describe_changed_inputs
from monitor.rendering.late_exchanges import describe_late
from monitor.rendering.looks import format_onset
from monitor.rendering.mrkdwn import link
from monitor.rendering.numbers import format_instant
from monitor.rendering.wording import state_verdict
from monitor.settings import Alerts
from monitor.store.alerts.incident_events import last_event
from monitor.store.alerts.incidents import IncidentRow
from monitor.store.audit_log import SYSTEM
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id

#: What the title says of the last event that it names, and the mark where it is not the level's.
STATES: dict[str, tuple[str, str]] = {
    "opened": ("", ""),
    "worsened": (", worse", ""),
    "continued": (" continues", ""),
    "quiet": (", no longer found", "🟡"),
    NO_DATA: (", not enough data", "⚪"),
    "reopened": (", again", ""),
    "resolved": (", resolved", "🟢"),
    "unwatched": (", no longer watched", "⚪"),
}
ALARMS = ("opened", "worsened", "continued", "reopened")
#: Of drift that worsened, and of which a part is gone, or smaller, by now.
CHANGED = ", changed"


def present_text(connection: Connection, incident: IncidentRow, alerts: Alerts) -> IncidentText:
    """Return what the incident's message says now. It reads only."""
    return _Present(connection, incident, alerts).text()


def describe_steps(connection: Connection, incident: IncidentRow) -> list[str]:
    """Return all that there is to do, as mrkdwn: the page has it whole."""
    if incident.cause != "drift":
        return steps_of(incident.cause, incident.model, incident.command)
    evidence = load_evidence(connection, incident)
    steps = []
    if evidence.look is not None and evidence.is_look_present:
        steps += next_steps_of_look(evidence.look)
    newest = evidence.blind or evidence.window
    if newest is not None and newest.assessment is not None:
        steps += next_steps(newest.assessment)
    return list(dict.fromkeys(steps))


class _Present:
    """An incident with its evidence."""

    def __init__(self, connection: Connection, incident: IncidentRow, alerts: Alerts) -> None:
        self._connection = connection
        self._incident = incident
        self._alerts = alerts
        self._evidence = load_evidence(connection, incident)
        self._findings = find_present(self._evidence) if incident.cause == "drift" else []
        self._event = self._titled_event()

    def text(self) -> IncidentText:
        """Return the text of the message."""
        incident = self._incident
        ended = incident.is_resolved
        return IncidentText(
            title=self._title(),
            users="" if self._is_over else self._cause.users,
            findings=self._past() if ended else self._present(),
            since=self._period() if ended else self._since(),
            changes=tuple(filter(None, self._end() if ended else self._changes())),
            owner="" if ended else self._owner(),
            next_step="" if ended else self._next_step(),
            links=tuple(self._links()),
            is_changed=self._is_changed,
            is_ended=ended,
        )

    def _titled_event(self) -> str:
        """Return the last event that the title names."""
        incident = self._incident
        if incident.status == "closed":
            return "unwatched"
        titled = [event for event in self._evidence.events if event.event in STATES]
        last = titled[-1] if titled else None
        if self._is_gone and (last is None or last.event in ALARMS):
            return "quiet"
        if last is None or (last.event == "worsened" and incident.cause != "drift"):
            return "opened"  # what a condition consists of is in its text
        if last.event == "continued" and last.evaluation_id == incident.opening_evaluation_id:
            return "opened"  # by a look: its first window is no news, and no repetition
        return last.event

    @property
    def _is_changed(self) -> bool:
        """Return whether the news is what changed: the last event, or that it no longer holds."""
        last = self._evidence.events[-1].event if self._evidence.events else ""
        return last in {"worsened", "not_enough_data"} or self._incident.clear_since is not None

    @property
    def _is_gone(self) -> bool:
        """Return whether looks and windows no longer find anything."""
        is_unresolved_drift = self._incident.cause == "drift" and not self._incident.is_resolved
        return is_unresolved_drift and not self._findings and bool(self._evidence.source)

    @property
    def _is_over(self) -> bool:
        """Return whether what was wrong is so no longer, as far as it is known."""
        incident = self._incident
        return incident.is_resolved or incident.clear_since is not None or self._is_gone

    def _title(self) -> str:
        incident = self._incident
        state, mark = STATES[self._event]
        blind = self._evidence.blind
        if self._event == NO_DATA and blind is not None and blind.assessment is not None:
            state = f", {state_verdict(blind.assessment).lower()}"
        if self._event == "worsened" and self._has_eased():
            state = CHANGED
        model = f": {excerpt(incident.model, MODEL_CHARACTERS)}" if incident.model else ""
        return f"{mark or LEVEL_MARKS[incident.level]} {self._cause.title}{state}{model}"

    def _has_eased(self) -> bool:
        incident, evidence = self._incident, self._evidence
        return bool(
            describe_missing(evidence, incident)
            or describe_peak(self._connection, incident, evidence)
        )

    @property
    def _cause(self) -> Cause:
        return CAUSES[self._incident.cause]

    def _present(self) -> tuple[str, ...]:
        incident, evidence = self._incident, self._evidence
        if self._findings:
            new = new_findings(evidence, self._findings)
            return tuple(finding.text for finding in self._findings if finding not in new)
        if self._is_gone:
            return (describe_missing(evidence, incident) or f"No alarm in {evidence.source}.",)
        return (incident.summary or self._cause.title,)

    def _since(self) -> str:
        """Return when the worst finding began, and how sure that is."""
        if self._incident.cause != "drift":
            if self._incident.began_at is None:
                return f"Noticed {self._noticed()}."
            began = format_instant(self._incident.began_at)
            return "" if began in self._incident.summary else f"Began {began}."
        if not self._findings:
            return ""
        source = self._findings[0].source
        onset, is_of_look = self._onset(self._findings[0].kind)
        if "since" in self._findings[0].text.lower() or not onset:
            return f"Figures of {source}."
        if is_of_look:
            return f"Most likely since {onset}; figures of {source}."
        how_sure = "the hour is not known" if onset == source else f"figures of {source}"
        return f"Began in {onset}; {how_sure}."

    def _onset(self, kind: str) -> tuple[str, bool]:
        """Return when a kind of change began, and whether a look found that; else its window."""
        evidence = self._evidence
        first = evidence.first_event_of(kind)
        look = evidence.look
        if look is not None and (first is None or first.evaluation_id is None):
            for finding in look.findings:
                if finding.fingerprint == kind and (onset := format_onset(look, finding)):
                    return onset, True
        window = evidence.window
        if first is not None and first.evaluation_id is not None:
            with suppress(NotFoundError):
                window = drift_evaluation_by_id(self._connection, first.evaluation_id)
        if window is None:
            return "", False
        return name_window(window), False

    def _changes(self) -> list[str]:
        incident, evidence = self._incident, self._evidence
        changes = []
        if incident.cause == "drift":
            changes += describe_changes(incident, evidence, self._findings)
            if self._findings:
                changes.append(describe_peak(self._connection, incident, evidence))
            if evidence.window is not None:
                changes.append(describe_late(self._connection, evidence.window))
                changes.append(describe_changed_inputs(evidence.window))
        else:
            changes.append(describe_new_parts(evidence))
        sentence, serves = describe_version(self._connection, incident)
        changes.insert(len(changes) if serves else 0, sentence)
        if incident.clear_since is not None:
            since = format_instant(incident.clear_since)
            changes.append(f"It has not held since {since}. If that lasts, it is resolved.")
        if self._event == "reopened":
            changes.append(self._return())
        if evidence.events and evidence.events[-1].event == "woken":
            changes.append("Its snooze has ended.")
        return changes

    def _return(self) -> str:
        """Return what an incident was before it was reopened."""
        ended = last_event(self._connection, self._incident.id, ("resolved",))
        if self._incident.cause == "drift" or ended is None:
            return next((event.reason for event in self._evidence.events), "")
        return f"It is back; it was resolved {format_instant(ended.at)}."

    def _past(self) -> tuple[str, ...]:
        verb = "Had drifted" if self._incident.cause == "drift" else "Before"
        summary = self._incident.summary.removesuffix(".")
        return (f"{verb}: {summary or 'unknown'}.",)

    def _period(self) -> str:
        """Return from when to when an incident lasted, as far as that is known."""
        incident = self._incident
        resolved_at, clear_since = incident.resolved_at, incident.clear_since
        if resolved_at is None:
            return ""
        is_clear = clear_since is not None and clear_since <= resolved_at
        ended = format_instant(clear_since if is_clear and clear_since else resolved_at)
        began = self._began()
        if is_clear or (incident.cause == "drift" and began):
            return (
                f"The incident lasted from {began} until {ended}."
                if began
                else (f"Noticed {self._noticed()}, held until {ended}.")
            )
        # A user resolved it while it held, or its model is no longer watched.
        since = f"Since {began}" if began else f"Noticed {self._noticed()}"
        return f"{since}, {incident.status} {ended}."

    def _began(self) -> str:
        """Return when it began; empty where that is not known."""
        incident, events = self._incident, self._evidence.events
        if incident.cause != "drift":
            return "" if incident.began_at is None else format_instant(incident.began_at)
        kinds = sorted(kinds_of(events[0])) if events else []
        return next(filter(None, (self._onset(kind)[0] for kind in kinds)), "")

    def _noticed(self) -> str:
        """Return when it was opened, or reopened last."""
        events = self._evidence.events
        return format_instant(events[0].at if events else self._incident.opened_at)

    def _end(self) -> list[str]:
        """Return why an incident ended."""
        incident = self._incident
        ended = last_event(self._connection, incident.id, ("resolved", "unwatched"))
        if ended is None:
            return []
        if ended.event == "unwatched":
            return [ended.reason or "Its model was removed from config.toml."]
        if ended.by != SYSTEM:
            return [f"Resolved by {ended.by}: {ended.reason}"]
        if incident.cause == "drift":
            return [f"Resolved: {QUIET_WINDOWS} quiet windows in a row."]
        is_known = ended.reason not in {"", NO_LONGER_SO}
        return [f"Resolved: {ended.reason}" if is_known else "It no longer holds."]

    def _owner(self) -> str:
        incident = self._incident
        if incident.status == "acknowledged":
            return f"Acknowledged by {incident.acknowledged_by}."
        if incident.status == "snoozed" and incident.snoozed_until is not None:
            snoozed = last_event(self._connection, incident.id, ("snoozed",))
            by = "" if snoozed is None else f" by {snoozed.by}"
            return f"Snoozed until {format_instant(incident.snoozed_until)}{by}."
        return "Acknowledged by nobody."

    def _next_step(self) -> str:
        if self._incident.cause != "drift":
            return next(iter(describe_steps(self._connection, self._incident)), "").removeprefix(
                "• "
            )
        kinds = [finding.kind for finding in self._findings if finding.kind]
        window = self._evidence.window
        return next_step_of(kinds, None if window is None else window.assessment, self._details())

    def _details(self) -> str:
        """Return a link to the report of the newest window, or to the page of the incident."""
        base, window = self._alerts.public_url.rstrip("/"), self._evidence.window
        if window is None or self._evidence.is_look_present:
            return link(f"{base}/incidents/{self._incident.id}", "page")
        return link(f"{base}/drift-evaluations/{window.id}/report", "report")

    def _links(self) -> list[str]:
        incident, alerts = self._incident, self._alerts
        return [
            incident_link(alerts, incident.id),
            *(
                link(f"{alerts.public_url.rstrip('/')}/rollouts/{number}", f"Rollout {number}")
                for number in rollouts_of(incident)
            ),
            link(runbook_url(alerts, incident.cause), "Runbook"),
        ]
