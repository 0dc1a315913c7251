"""TLS with a real PostgreSQL: what works, and the reason of each refusal."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from monitor.errors import DatabaseUnavailableError
from monitor.store.engine import make_engine, transaction
from tests.services.secured.secure_postgres import PASSWORD, SecurePostgres
from tests.support.refusals import refusal

pytestmark = pytest.mark.postgres
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecurePostgres]:
    """A server of its own, which takes connections with TLS and a password only."""
    started = SecurePostgres(tmp_path_factory.mktemp("certificates"))
    yield started
    started.remove()


def encrypted(url: str) -> bool:
    """Connect, and return whether the connection is encrypted."""
    engine = make_engine(url)
    try:
        with transaction(engine) as connection:
            query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            return bool(connection.execute(text(query)).scalar_one())
    finally:
        engine.dispose()


def test_connection_with_the_authority_is_encrypted(server: SecurePostgres) -> None:
    assert encrypted(server.url())


def test_each_refusal_has_its_reason_and_remedy(server: SecurePostgres) -> None:
    cases = {
        "database_certificate_refused": server.url(authority=str(server.second.certificate)),
        "database_authority_missing": server.url(authority="/nowhere/authority.pem"),
        "database_with_tls": server.url("disable"),
        "database_password_refused": server.url(password="wrong-password"),
        "malformed_database_url": server.url("verify_full"),
    }
    for code, url in cases.items():
        with refusal(code, DatabaseUnavailableError) as caught:
            encrypted(url)
        assert "; " in str(caught.value)
        assert PASSWORD not in str(caught.value)
        assert "wrong-password" not in str(caught.value)


def test_certificate_of_other_host_or_expired_is_refused(server: SecurePostgres) -> None:
    server.use_certificate(["db.example"])
    with refusal("database_certificate_of_other_host", DatabaseUnavailableError):
        encrypted(server.url())
    server.use_certificate(["127.0.0.1"], expired=True)
    with refusal("database_certificate_refused", DatabaseUnavailableError):
        encrypted(server.url())
    server.use_certificate(["127.0.0.1"])
    assert encrypted(server.url())


def test_commands_take_address_and_password_from_files(
    server: SecurePostgres, tmp_path: Path
) -> None:
    """Migrate with secrets in files; with a wrong one, no output holds it."""
    (tmp_path / "url").write_text(server.url(password="").replace(":@", "@") + "\n")
    for password, status in ((PASSWORD, 0), ("wrong-password", 75)):
        (tmp_path / "password").write_text(password)
        environment = {
            "PYTHONPATH": str(ROOT),
            "DRIFTWARDEN_DATABASE__URL_FILE": str(tmp_path / "url"),
            "DRIFTWARDEN_DATABASE_PASSWORD_FILE": str(tmp_path / "password"),
        }
        done = subprocess.run(
            [sys.executable, "-m", "driftwarden", "db", "upgrade"],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, password in done.stdout + done.stderr) == (status, False)
