"""The PostgreSQL under test: stopped, cut, and asked what it holds."""

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
    """A server, and a connection of the harness's own."""

    def __init__(self, server: PostgresServer, topic: str) -> None:
        self._server = server
        self._topic = topic
        self._engine: Engine = create_engine(server.url, pool_pre_ping=True)

    def stop(self) -> None:
        """Stop the server at once: every connection breaks, every open transaction is gone."""
        self._server.stop()

    def start(self) -> None:
        """Start it again."""
        self._server.start()

    def cut_connections(self) -> int:
        """End the replicas' connections; return how many there were."""
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
        """Count the replicas' connections: a killed one's COMMIT may still be at work."""
        return self._ask(
            lambda connection: connection.execute(
                text("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE :replicas"),
                {"replicas": REPLICAS},
            ).scalar_one()
        )

    def next_offsets(self) -> dict[int, int]:
        """Return the next offset of each partition, as the database holds it."""
        return self._ask(lambda connection: next_offsets(connection, self._topic))

    def rows(self, statement: str) -> list[tuple]:
        """Return what a query finds."""
        return self._ask(lambda connection: [tuple(r) for r in connection.execute(text(statement))])

    def close(self) -> None:
        """Let go of the connection."""
        self._engine.dispose()

    def _ask(self, question: Callable[[Connection], T]) -> T:
        with transaction(self._engine) as connection:
            return question(connection)
