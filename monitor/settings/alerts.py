"""Settings of alerts."""

from monitor.settings.field_types import Section


class Alerts(Section):
    """Slack, and the links in its messages."""

    channel: str = ""
    public_url: str = ""
    runbook_url: str = ""
