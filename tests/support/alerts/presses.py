"""Presses of Slack's buttons as the database has them."""

from sqlalchemy import Connection, select

from monitor.store.alerts.slack_actions import PressRow
from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import SlackAction


def list_presses(connection: Connection) -> list[PressRow]:
    """Return all presses, the oldest first."""
    statement = select(*columns_of(PressRow, SlackAction)).order_by(SlackAction.id)
    return read_rows(connection, PressRow, statement)
