"""Findings of an incident of drift as of now: of its newest look and window together."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.alerts.drift_alarms import fingerprint_of
from monitor.errors import NotFoundError
from monitor.rendering.fingerprints import UNCHANGED, name_kinds
from monitor.rendering.looks import describe_change
from monitor.rendering.numbers import format_instant, format_window, join_names
from monitor.store.alerts.incident_events import IncidentEventRow, list_events
from monitor.store.alerts.incidents import IncidentRow
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import (
    DriftEvaluationRow,
    drift_evaluation_by_id,
    list_drift_evaluations,
)
from monitor.store.windows.looks import LookRow, look_by_id, newest_look

BEGINS = ("opened", "reopened")
#: Places in the message: what hurts users, responses, prompts, and what does not alarm.
HARM, RESPONSES, PROMPTS, REST = range(4)
RANKS = {"output": RESPONSES, "input": PROMPTS}

NO_DATA = "not_enough_data"


@dataclass(frozen=True)
class Finding:
    """A change that look or window report as of now."""

    #: As in a fingerprint; empty: of none that alarms.
    kind: str
    #: A sentence.
    text: str
    rank: int
    #: Where its figures are from, in words.
    source: str


@dataclass(frozen=True)
class Evidence:
    """Events, windows and looks of an incident since it was opened, or reopened last."""

    #: The oldest first; empty only where an incident was written without.
    events: tuple[IncidentEventRow, ...]
    #: The newest window with enough data; ``None`` without one.
    window: DriftEvaluationRow | None = None
    #: The newest window, where it has not enough data.
    blind: DriftEvaluationRow | None = None
    #: The newest look with an alarm.
    look: LookRow | None = None
    #: The newest look, where it finds nothing any more.
    quiet_look: LookRow | None = None

    @property
    def is_look_present(self) -> bool:
        """Return whether no later look or window contradicts the look."""
        if self.look is None or self.quiet_look is not None:
            return False
        return self.window is None or self.window.window_end <= self.look.looked_until

    @property
    def source(self) -> str:
        """Name the newest of looks and windows; empty without one."""
        sources: list[tuple[datetime, str]] = []
        if self.window is not None:
            sources.append((self.window.window_end, name_window(self.window)))
        for look in (self.look, self.quiet_look):
            if look is not None:
                until = format_instant(look.looked_until)
                sources.append((look.looked_until, f"the look until {until}"))
        return max(sources)[1] if sources else ""

    def first_event_of(self, kind: str) -> IncidentEventRow | None:
        """Return the event with which a kind of change came to the incident."""
        known = (event for event in self.events if kind in event.fingerprint.split("\n"))
        return next(known, next(iter(self.events), None))


def name_look(look: LookRow) -> str:
    """Return the traffic of a look in words."""
    return f"the 24 hours until {format_instant(look.looked_until)}"


def name_window(evaluation: DriftEvaluationRow) -> str:
    """Return the window of an evaluation in words."""
    return f"the window of {format_window((evaluation.window_start, evaluation.window_end))}"


def load_evidence(connection: Connection, incident: IncidentRow) -> Evidence:
    """Load the present evidence of an incident; what was deleted is left out."""
    events = list_events(connection, incident.id)
    begin = max((at for at, event in enumerate(events) if event.event in BEGINS), default=0)
    events = events[begin:]
    if incident.cause != "drift":
        return Evidence(tuple(events))
    window = blind = None
    ids = [event.evaluation_id for event in reversed(events)] or [incident.last_evaluation_id]
    for evaluation in _evaluations(connection, ids):
        if _is_measured(evaluation):
            window = evaluation
            break
        blind = blind or evaluation
    look = quiet_look = None
    if incident.last_look_id is not None:
        with suppress(NotFoundError):
            look = look_by_id(connection, incident.last_look_id)
    began = events[0] if events else None
    if look is not None and began is not None and began.evaluation_id is not None:
        # Of the time before the incident was reopened.
        look = None if look.created_at < began.at and began.event == "reopened" else look
    if look is not None:
        newest = newest_look(connection, incident.model)
        if newest is not None and newest.looked_until > look.looked_until and not newest.alarm:
            quiet_look = newest
        # A quiet window ends no alarm of the newest look, and is no event of its incident.
        for evaluation in list_drift_evaluations(connection, incident.model, 1):
            if _is_measured(evaluation) and evaluation.window_end > look.looked_until:
                window = evaluation
    return Evidence(tuple(events), window, blind, look, quiet_look)


def find_present(evidence: Evidence) -> list[Finding]:
    """Return what look and window find as of now, what hurts users first.

    What both find is said once, with the newer figure.
    """
    look = evidence.look if evidence.is_look_present else None
    of_look = [] if look is None else _findings_of_look(look)
    window = evidence.window
    assessment = None if window is None else window.assessment
    if window is None or assessment is None or not assessment.alarm:
        return sorted(of_look, key=lambda finding: finding.rank)
    of_window = _findings_of_window(assessment, name_window(window))
    if look is not None and look.looked_until > window.window_end:
        of_window = _without(of_window, look.fingerprint)
    else:
        of_look = _without(of_look, fingerprint_of(assessment))
    return sorted([*of_look, *of_window], key=lambda finding: finding.rank)


def describe_missing(evidence: Evidence, incident: IncidentRow) -> str:
    """Return what the incident has had, and the newest evidence no longer finds; else empty."""
    present: frozenset[str] = frozenset()
    if evidence.look is not None and evidence.is_look_present:
        present |= evidence.look.fingerprint
    if evidence.window is not None and evidence.window.assessment is not None:
        present |= fingerprint_of(evidence.window.assessment)
    missing = incident.fingerprint - present
    if not missing or not evidence.source:
        return ""
    return f"No longer found in {evidence.source}: {join_names(name_kinds(missing))}."


def _is_measured(evaluation: DriftEvaluationRow) -> bool:
    assessment = evaluation.assessment
    return assessment is not None and assessment.verdict != NO_DATA


def _evaluations(connection: Connection, ids: Iterable[int | None]) -> Iterable[DriftEvaluationRow]:
    for id_ in ids:
        if id_ is not None:
            with suppress(NotFoundError):
                yield drift_evaluation_by_id(connection, id_)


def _findings_of_look(look: LookRow) -> list[Finding]:
    """Return the findings of a look, the largest first.

    The next look finds the same ones in another order of p-values, and about as large.
    """
    source = name_look(look)
    findings = []
    for finding in sorted(look.findings, key=lambda row: (-round(row.severity, 1), row.name)):
        text = describe_change(finding)
        kind = finding.fingerprint
        text = f"{text[0].upper()}{text[1:]}."
        findings.append(Finding(kind, text, RANKS.get(kind, HARM), source))
    return findings


def _findings_of_window(assessment: Assessment, source: str) -> list[Finding]:
    """Return the sentences of an assessment, each with the kind of change that it is about.

    What comes before its sentences on prompts and responses hurts users, too; that nothing changed
    is no finding.
    """
    alarms = fingerprint_of(assessment)
    if not assessment.output.alarm and assessment.output.slow_alarm is None:
        alarms -= {"output"}  # by its events only
    texts, kinds = assessment.findings, assessment.finding_kinds
    if not kinds:  # of an earlier release
        worst = min(alarms, key=lambda kind: (RANKS.get(kind, HARM), kind), default="")
        texts, kinds = (assessment.headline,), (worst,)
    findings: list[Finding] = []
    for text, kind in zip(texts, kinds, strict=False):
        if kind == UNCHANGED:
            continue
        rank = RANKS.get(kind, HARM) if kind in alarms else REST
        if not kind and all(finding.rank == HARM for finding in findings):
            rank = HARM
        findings.append(Finding(kind, text, rank, source))
    return findings


def _without(findings: Iterable[Finding], kinds: Iterable[str]) -> list[Finding]:
    left = set(kinds)
    return [finding for finding in findings if finding.kind not in left]
