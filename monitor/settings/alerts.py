"""Settings of alerts."""

from monitor.settings.field_types import Section


class Alerts(Section):
    """Slack, and the links in its messages."""

    channel: str = ""
    public_url: str = "http://127.0.0.1:8080"
    runbook_url: str = ""
