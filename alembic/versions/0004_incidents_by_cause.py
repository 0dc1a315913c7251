"""Incidents by cause, with their events."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNRESOLVED = {
    "unique": True,
    "postgresql_where": sa.text("resolved_at IS NULL"),
    "sqlite_where": sa.text("resolved_at IS NULL"),
}

INCIDENTS = sa.table(
    "incidents",
    sa.column("id", sa.Integer()),
    sa.column("status", sa.String()),
    sa.column("fingerprint", sa.String()),
    sa.column("version", sa.Integer()),
    sa.column("quiet_windows", sa.Integer()),
    sa.column("opened_at", sa.DateTime(timezone=True)),
    sa.column("resolved_at", sa.DateTime(timezone=True)),
    sa.column("acknowledged_by", sa.String()),
    sa.column("opening_evaluation_id", sa.Integer()),
    sa.column("last_evaluation_id", sa.Integer()),
)
AUDIT_LOG = sa.table(
    "audit_log",
    sa.column("id", sa.Integer()),
    sa.column("occurred_at", sa.DateTime(timezone=True)),
    sa.column("actor", sa.String()),
    sa.column("action", sa.String()),
    sa.column("subject", sa.String()),
    sa.column("details", sa.JSON()),
)
EVENTS = sa.table(
    "incident_events",
    sa.column("incident_id", sa.Integer()),
    sa.column("event", sa.String()),
    sa.column("from_status", sa.String()),
    sa.column("to_status", sa.String()),
    sa.column("by", sa.String()),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("reason", sa.String()),
    sa.column("fingerprint", sa.String()),
    sa.column("evaluation_id", sa.Integer()),
)


def columns() -> list[sa.Column]:
    return [
        sa.Column("cause", sa.String(), nullable=False, server_default=sa.text("'drift'")),
        sa.Column("level", sa.String(), nullable=False, server_default=sa.text("'critical'")),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("summary", sa.String(), nullable=False, server_default=sa.text("''")),
        sa.Column("quiet_windows", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("clear_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True),
    ]


def insert_known_events() -> None:
    """Insert the events of the incidents before, from the audit log or their columns."""
    connection = op.get_bind()
    logged = connection.execute(
        sa.select(AUDIT_LOG).where(AUDIT_LOG.c.subject.like("incident:%")).order_by(AUDIT_LOG.c.id)
    ).all()
    entries = {}
    for entry in logged:
        entries.setdefault(entry.subject, []).append(
            {
                "event": entry.action,
                "from_status": entry.details.get("from"),
                "to_status": entry.details.get("to", ""),
                "by": entry.actor,
                "at": entry.occurred_at,
            }
        )
    for incident in connection.execute(sa.select(INCIDENTS).order_by(INCIDENTS.c.id)).all():
        events = entries.get(f"incident:{incident.id}") or events_of_columns(incident)
        evaluations = {
            "opened": incident.opening_evaluation_id,
            "resolved": incident.last_evaluation_id,
        }
        for event in events:
            values = {
                "incident_id": incident.id,
                "reason": "",
                "fingerprint": incident.fingerprint if event["event"] == "opened" else "",
                "evaluation_id": evaluations.get(event["event"]),
            }
            connection.execute(sa.insert(EVENTS).values(**values, **event))
        connection.execute(
            sa.update(INCIDENTS)
            .where(INCIDENTS.c.id == incident.id)
            .values(version=len(events), quiet_windows=int(incident.status == "resolved"))
        )


def events_of_columns(incident) -> list[dict]:
    """Return the events that the columns of an incident tell."""
    system = {"by": "driftwarden"}
    opened = {"event": "opened", "from_status": None, "to_status": "open"}
    events = [{**opened, **system, "at": incident.opened_at}]
    if incident.resolved_at is not None:
        event = "unwatched" if incident.status == "closed" else "resolved"
        before = "acknowledged" if incident.acknowledged_by else "open"
        statuses = {"event": event, "from_status": before, "to_status": incident.status}
        events.append({**statuses, **system, "at": incident.resolved_at})
    return events


def upgrade() -> None:
    for column in columns():
        op.add_column("incidents", column)
    op.drop_index("uq_incidents_open_model", "incidents")
    op.create_index("uq_incidents_unresolved", "incidents", ["model", "cause"], **UNRESOLVED)
    op.create_table(
        "incident_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("incident_id", ID, nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("from_status", sa.String(), nullable=True),
        sa.Column("to_status", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False, server_default=sa.text("''")),
        sa.Column("evaluation_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["drift_evaluations.id"],
            name=op.f("fk_incident_events_evaluation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_incident_events_incident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_events")),
    )
    op.create_index("ix_incident_events_incident_id", "incident_events", ["incident_id"])
    insert_known_events()


def downgrade() -> None:
    op.drop_index("ix_incident_events_incident_id", "incident_events")
    op.drop_table("incident_events")
    # The schema before knows drift only, and no snooze.
    op.execute(
        "UPDATE outbox SET incident_id = NULL WHERE incident_id IN "
        "(SELECT id FROM incidents WHERE cause <> 'drift')"
    )
    op.execute("DELETE FROM incidents WHERE cause <> 'drift'")
    op.execute("UPDATE incidents SET status = 'open' WHERE status = 'snoozed'")
    op.drop_index("uq_incidents_unresolved", "incidents")
    for column in reversed(columns()):
        op.drop_column("incidents", column.name)
    op.create_index("uq_incidents_open_model", "incidents", ["model"], **UNRESOLVED)
