"""Addresses of databases: the password apart, and in no message."""

import traceback

import pytest
from sqlalchemy import make_url

from monitor.errors import ConfigurationError
from monitor.settings.secrets.database_url import DatabaseUrl, add_password, hide_password
from monitor.store.engine import make_engine
from tests.support.refusals import refusal

URL = "postgresql+psycopg2://ingest@db:5432/driftwarden?sslmode=verify-full"


@pytest.mark.parametrize("password", ["plain", "p@ss/w:rd?#&%41", "ünï cödé", "a'b\"c\\"])
def test_password_apart_reaches_the_driver_as_it_is(password: str) -> None:
    url = make_url(add_password(URL, password))
    assert (url.password, url.host, url.port) == (password, "db", 5432)
    assert url.query["sslmode"] == "verify-full"


def test_second_password_or_missing_user_is_refused() -> None:
    with refusal("secret_set_twice", ConfigurationError):
        add_password("postgresql+psycopg2://u:old@db/x", "new")
    with refusal("secret_set_twice", ConfigurationError):
        add_password("postgresql+psycopg2://u@db/x?password=old", "new")
    with refusal("database_user_missing", ConfigurationError):
        add_password("postgresql+psycopg2://db/x", "new")


def test_sqlite_has_no_password() -> None:
    assert add_password("sqlite:///x.db", "unused") == "sqlite:///x.db"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg2://u:hunter2@db/x",
        "postgresql+psycopg2://u:hunter2/2@db/x",
        "postgresql+psycopg2://u:hunter2@hunter2@db/x",
        "postgresql+psycopg2://u:hunter2@db:port/x",
        "postgresql+psycopg2://u@db/x?password=hunter2&sslpassword=hunter2",
        "postgres://u:hunter2@db/x",
    ],
)
def test_password_is_in_no_representation_and_message(url: str) -> None:
    assert "hunter2" not in repr(DatabaseUrl(url))
    assert "hunter2" not in hide_password(url)
    message = ""
    try:
        make_engine(url)
    except ConfigurationError as error:
        message = "".join(traceback.format_exception(error))
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "url", ["postgresql://u:a@b@db/x", "postgresql+psycopg2://db:port/x", "driftwarden.db", ""]
)
def test_malformed_address_is_refused(url: str) -> None:
    with refusal("malformed_database_url", ConfigurationError):
        make_engine(url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_postgresql_without_driver_takes_ours(scheme: str) -> None:
    assert make_engine(f"{scheme}://u@db/x").dialect.driver == "psycopg2"


def test_other_databases_are_refused() -> None:
    with refusal("unsupported_database", ConfigurationError):
        make_engine("mysql://u@db/x")
