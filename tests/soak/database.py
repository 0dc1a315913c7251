"""PostgreSQL under test: stops, cut connections, and queries."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, text

from bench.services.postgres import PostgresServer
from monitor.store.engine import transaction
from monitor.store.traffic.offsets import next_offsets

T = TypeVar("T")
#: Connections of replicas carry names that begin so.
REPLICAS = "soak-%"


class Database:
    """A server, with the harness's own connection."""

    def __init__(self, server: PostgresServer, topic: str) -> None:
        self._server = server
        self._topic = topic
        self._engine: Engine = create_engine(server.url, pool_pre_ping=True)

    def stop(self) -> None:
        """Stop the server at once: connections break, open transactions are lost."""
        self._server.stop()

    def start(self) -> None:
        """Restart the server."""
        self._server.start()

    def cut_connections(self) -> int:
        """Terminate the replicas' connections; return their number."""
        return self._ask(
            lambda connection: connection.execute(
                text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE application_name LIKE :replicas"
                ),
                {"replicas": REPLICAS},
            ).scalar_one()
        )

    def n_connections(self) -> int:
        """Count the replicas' connections: a killed replica's COMMIT may still be running."""
        return self._ask(
            lambda connection: connection.execute(
                text("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE :replicas"),
                {"replicas": REPLICAS},
            ).scalar_one()
        )

    def next_offsets(self) -> dict[int, int]:
        """Return the stored next offset of each partition."""
        return self._ask(lambda connection: next_offsets(connection, self._topic))

    def rows(self, statement: str) -> list[tuple]:
        """Return the rows of a query."""
        return self._ask(lambda connection: [tuple(r) for r in connection.execute(text(statement))])

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()

    def _ask(self, question: Callable[[Connection], T]) -> T:
        with transaction(self._engine) as connection:
            return question(connection)
