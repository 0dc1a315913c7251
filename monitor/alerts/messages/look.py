"""Slack messages of an incident that a look opened or worsened. They quote nothing."""

from monitor.alerts.causes import runbook_url
from monitor.alerts.incident_states import Event
from monitor.alerts.messages.identity import incident_link
from monitor.rendering.looks import count_examined, describe_change, format_onset, look_headline
from monitor.rendering.mrkdwn import (
    Block,
    bold,
    context,
    escape,
    header,
    link,
    sections,
    within_limits,
)
from monitor.rendering.numbers import format_instant
from monitor.settings import Alerts
from monitor.store.windows.looks import LookRow

TITLES: dict[Event, str] = {
    "opened": "🔴 Large change: {model}",
    "worsened": "🔴 Large change, worse: {model}",
    "continued": "🟠 Large change continues: {model}",
    "resolved": "🟢 Large change resolved: {model}",
    "reopened": "🔴 Large change is back: {model}",
    "unwatched": "⚪ Large change, no longer watched: {model}",
}


def look_blocks(
    look: LookRow,
    incident_id: int,
    event: Event,
    alerts: Alerts,
    *,
    notes: tuple[str, ...] = (),
) -> list[Block]:
    """Return the blocks of the incident's message: the changes, next steps and links."""
    blocks = [header(TITLES[event].format(model=look.model))]
    blocks += sections([bold(look_headline(look))])
    blocks += sections(["*Evidence*", *(f"• {line}" for line in _evidence(look))])
    if event not in {"resolved", "unwatched"}:
        blocks += sections(["*Next steps*", *next_steps(look)])
    links = [incident_link(alerts, incident_id), link(runbook_url(alerts, "drift"), "Runbook")]
    blocks += sections(["  ·  ".join(links)])
    blocks.append(
        context(
            f"24 hours until {format_instant(look.looked_until)}: {count_examined(look)}, "
            f"compared with baseline {escape(str(look.provenance.get('baseline', ''))[:12])}. The "
            "window's evaluation follows when it ends."
        )
    )
    blocks += [context(escape(note)) for note in notes]
    return within_limits(blocks)


def _evidence(look: LookRow) -> list[str]:
    lines = []
    for finding in look.findings:
        onset = format_onset(look, finding)
        lines.append(
            f"{escape(describe_change(finding))}, p = {finding.p_value:.1e}, "
            f"level {finding.level:.1e}" + (f", since {onset}" if onset else "")
        )
    return lines


def next_steps(look: LookRow) -> list[str]:
    """Return what to do after a look, as mrkdwn."""
    steps = []
    if "input" in look.fingerprint:
        steps.append(
            "• The model receives prompts that the baseline does not contain: read the examples on "
            "the page of the incident."
        )
    if look.fingerprint - {"input"}:
        steps.append(
            "• Check first what was released at that time: model, prompt template, retrieval, a "
            "provider's version."
        )
    return steps
