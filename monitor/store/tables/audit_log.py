"""Table of the audit log, which triggers in the database itself keep append-only.

No command changes or deletes an entry: ``driftwarden forget`` and retention add entries. A user who
may change the schema can drop the triggers; the chain of hashes still reveals a changed entry.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId, add_statements


class AuditEntry(Base):
    """A record of who did what. Its hash covers the previous entry's hash."""

    __tablename__ = "audit_log"
    __table_args__ = contents.table(
        "prove who did what",
        ("admin", "operator"),
        no_period="evidence; an entry that were removed would break the chain",
        access=contents.Access(schedule="ra", web="ra"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    occurred_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    action: Mapped[str] = mapped_column(info=contents.CODE)
    subject: Mapped[str] = mapped_column(
        index=True,
        info=contents.unchanged(
            "append-only, under a chain of hashes", contents.Content.STAFF_WORDS
        ),
    )
    details: Mapped[dict[str, Any]] = mapped_column(
        info=contents.unchanged(
            "append-only, under a chain of hashes", contents.Content.STAFF_WORDS
        )
    )
    previous_hash: Mapped[str] = mapped_column(info=contents.DIGEST)
    hash: Mapped[str] = mapped_column(unique=True, info=contents.DIGEST)


add_statements(
    AuditEntry.metadata.tables[AuditEntry.__tablename__],
    create={
        "sqlite": (
            """CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
            """CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
            # INSERT OR REPLACE deletes without the trigger above.
            """CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
    WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id OR hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
        ),
        "postgresql": (
            """CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
            """CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse()""",
        ),
    },
    drop={"sqlite": (), "postgresql": ("DROP FUNCTION audit_log_refuse()",)},
)
