"""Table of the access log: who signed in, and who read texts of end users.

The audit log says who changed what, for good. This one says who saw what, and has a period.
"""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId, add_statements


class AccessEntry(Base):
    """A sign-in, a refused one, a sign-out, or a read of texts."""

    __tablename__ = "access_log"
    __table_args__ = (
        Index("ix_access_log_occurred_at", "occurred_at"),
        Index("ix_access_log_actor", "actor", "occurred_at"),
        Index("ix_access_log_object", "kind", "object_id", "occurred_at"),
        contents.table(
            "prove who signed in, and who read texts of end users",
            (*contents.LEADS, "operator"),
            period="access_log",
            access=contents.Access(schedule="rd", web="ra"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    occurred_at: Mapped[datetime]
    #: ``web`` or ``command``: an account of driftwarden's, or of the operating system.
    source: Mapped[str] = mapped_column(info=contents.CODE)
    #: Name of the account; empty: a refused sign-in under a name that is none.
    actor: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    #: ``signed_in``, ``sign_in_refused``, ``signed_out``, ``read`` or ``exported``.
    action: Mapped[str] = mapped_column(info=contents.CODE)
    #: What was read, such as ``item``, and its id, or an archive's path; empty: there is none.
    kind: Mapped[str] = mapped_column(info=contents.CODE)
    object_id: Mapped[str] = mapped_column(
        info=contents.unchanged(
            "the number of a row, which stays when the row is erased, or the path of a backup"
        )
    )
    #: Whose texts; empty where they are of several, or of none.
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: The path on the page, or the command.
    place: Mapped[str] = mapped_column(
        info=contents.unchanged("a path of numbers, or the name of a command")
    )
    #: The client's address, as a trusted proxy names it, or the name of the machine.
    address: Mapped[str] = mapped_column(
        info=contents.unchanged("of staff, who are not end users", contents.Content.STAFF_ACCOUNT)
    )
    #: The address of the connection's other end, which no header sets; empty: a command.
    peer: Mapped[str] = mapped_column(
        info=contents.unchanged("of staff, who are not end users", contents.Content.STAFF_ACCOUNT)
    )


class AccessLink(Base):
    """A link of the chain of hashes over the access log.

    The leader appends it within a minute of the entry: pages that wrote the chain themselves would
    wait for each other.
    """

    __tablename__ = "access_log_chain"
    __table_args__ = contents.table(
        "show that no entry of the access log was changed or removed",
        (*contents.LEADS, "operator"),
        period="access_log",
        access=contents.Access(schedule="rad"),
    )

    #: 1, 2, 3 ...: the first ones are removed with their entries, but for the last of them.
    position: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigId, unique=True)
    #: As of the entry, which is removed at its age.
    occurred_at: Mapped[datetime]
    hash: Mapped[str] = mapped_column(info=contents.DIGEST)


# Entries are deleted by age only, and never changed.
add_statements(
    AccessEntry.metadata.tables[AccessEntry.__tablename__],
    create={
        "sqlite": (
            """CREATE TRIGGER access_log_no_update BEFORE UPDATE ON access_log
    BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END""",
            # INSERT OR REPLACE changes without the trigger above.
            """CREATE TRIGGER access_log_no_replace BEFORE INSERT ON access_log
    WHEN EXISTS (SELECT 1 FROM access_log WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END""",
        ),
        "postgresql": (
            """CREATE FUNCTION access_log_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the access log is append-only'; END $$""",
            """CREATE TRIGGER access_log_append_only BEFORE UPDATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION access_log_refuse()""",
        ),
    },
    drop={"sqlite": (), "postgresql": ("DROP FUNCTION access_log_refuse()",)},
)
