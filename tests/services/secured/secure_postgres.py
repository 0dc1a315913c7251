"""A PostgreSQL server that takes encrypted connections with a password only."""

import os
import shutil
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from bench.services.postgres import PostgresServer
from tests.services.secured.certificates import Authority

USER, PASSWORD = "postgres", "s3cret/of@the:database"


class SecurePostgres:
    """The server, its authority, and the address of its database."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.second = Authority(folder, "second")
        self.server = PostgresServer()
        self.server.start()
        self.execute(f"ALTER USER {USER} PASSWORD '{PASSWORD}'")
        self.server.stop()
        rules = "hostssl all all 127.0.0.1/32 scram-sha-256\nlocal all all trust\n"
        (self.server.data / "pg_hba.conf").write_text(rules)
        self.use_certificate(["127.0.0.1"])

    def use_certificate(self, hosts: list[str], *, expired: bool = False) -> None:
        """Start with a certificate of the authority for hosts."""
        self.server.stop()
        issued = self.authority.issue("server", hosts, expired=expired)
        for source, name in ((issued.certificate, "server.crt"), (issued.key, "server.key")):
            target = shutil.copy(source, self.server.data / name)
            if os.geteuid() == 0:
                shutil.chown(target, "postgres")
        with (self.server.data / "postgresql.conf").open("a") as file:
            file.write("ssl = on\n")
        self.server.start()

    def execute(self, statement: str) -> None:
        """Execute a statement as the superuser, over the socket."""
        url = f"postgresql+psycopg2://{USER}@/postgres?host={self.server.folder}"
        engine = create_engine(f"{url}&port={self.server.port}", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def url(
        self, mode: str = "verify-full", *, password: str = PASSWORD, authority: str = ""
    ) -> str:
        """Return the address of the database, with a mode of TLS and an authority's file."""
        query = {"sslmode": mode, "sslrootcert": authority or str(self.authority.certificate)}
        plain = make_url(self.server.url).set(username=USER, password=password, query=query)
        return plain.render_as_string(hide_password=False)

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.server.remove()
