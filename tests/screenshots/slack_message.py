"""Picture of an incident's message in Slack, from sample data: `make screenshots`."""

import argparse
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser

from monitor.alerts.drift_incidents import handle_evaluation
from monitor.settings import Alerts
from monitor.store.alerts.outbox import StoredMessage, list_messages
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import metadata
from monitor.store.windows.drift_evaluations import mark_followed_up
from tests.services.browser import chromium
from tests.support.alerts.slack_html import page
from tests.support.web.pictures import reduce_colours
from tests.support.windows.assessment_cases import CASES, with_findings
from tests.support.windows.assessments import make_assessment, store_evaluation

BEGIN = datetime(2026, 8, 31, tzinfo=UTC)
WEEK = timedelta(weeks=1)
ALERTS = Alerts(public_url="https://drift.example.com", runbook_url="https://wiki.example.com/run")


def incident_messages(folder: Path) -> list[StoredMessage]:
    """Return the messages of an incident after nine quiet weeks, the oldest first."""
    engine = make_engine(f"sqlite:///{folder}/slack.db")
    metadata.create_all(engine)
    quiet = [make_assessment() for _ in range(9)]
    weeks = map(with_findings, [*quiet, make_assessment(0.12), CASES["input_drift"]()])
    with transaction(engine) as connection:
        for number, assessment in enumerate(weeks):
            start = BEGIN + number * WEEK
            evaluation = store_evaluation(connection, assessment, start)
            handle_evaluation(connection, evaluation, start + WEEK, alerts=ALERTS)
            mark_followed_up(connection, evaluation, start + WEEK)
        messages = list_messages(connection)
    engine.dispose()
    return messages[::-1]


def shoot(browser: Browser, messages: list[StoredMessage], path: Path) -> None:
    """Take the picture of the incident's message in its last state, with its thread."""
    parents = [message.payload for message in messages if message.kind != "reply"]
    replies = [message.payload for message in messages if message.kind == "reply"]
    view = browser.new_page(viewport={"width": 780, "height": 800})
    view.set_content(page(parents[-1:], replies[-2:]))
    view.screenshot(path=path, full_page=True)
    view.close()
    reduce_colours(path, 128)


def main() -> None:
    """Parse the command line and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, metavar="FILE.png")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        shoot(browser, incident_messages(Path(folder)), options.path)


if __name__ == "__main__":
    main()
