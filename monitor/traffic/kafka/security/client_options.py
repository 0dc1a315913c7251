"""Options of kafka-python for TLS and SASL."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kafka.net.sasl.oauth import AbstractTokenProvider

from monitor.errors import ConfigurationError
from monitor.settings import Kafka, Secrets
from monitor.settings.secrets.files import read_variable

KEY_PASSWORD = "KAFKA_SSL_KEY_PASSWORD"  # noqa: S105 - the variable's name
TOKEN = "KAFKA_OAUTH_TOKEN"  # noqa: S105


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]  # kafka publishes no types
    """Provider of the token in a variable, or in a file, which is read for each connection."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._token = secrets.kafka_oauth_token.get_secret_value()

    def token(self) -> str:
        """Return the token of the moment."""
        return read_variable(TOKEN) or self._token


def client_options(settings: Kafka, secrets: Secrets) -> dict[str, Any]:
    """Return the options of TLS and SASL.

    The client reads the files of TLS for each connection, so that renewed ones are used.

    Raises:
        ConfigurationError: A file of TLS can't be used, or a secret of SASL is missing.
    """
    options: dict[str, Any] = {"security_protocol": settings.security_protocol}
    if settings.uses_tls:
        tls_context(settings, secrets)
        options |= {
            "ssl_cafile": settings.ssl_cafile or None,
            "ssl_certfile": settings.ssl_certfile or None,
            "ssl_keyfile": settings.ssl_keyfile or None,
            "ssl_password": _key_password(secrets),
        }
    if settings.uses_sasl:
        options |= sasl_options(settings, secrets)
    return options


def sasl_options(settings: Kafka, secrets: Secrets) -> dict[str, Any]:
    """Return the options of SASL; ``ConfigurationError`` without the mechanism's secret."""
    mechanism = settings.sasl_mechanism
    if mechanism == "GSSAPI":
        return {"sasl_mechanism": mechanism}
    if mechanism == "OAUTHBEARER":
        provider = TokenProvider(secrets)
        _require(provider.token(), mechanism, TOKEN)
        return {"sasl_mechanism": mechanism, "sasl_oauth_token_provider": provider}
    password = secrets.kafka_sasl_password.get_secret_value()
    _require(secrets.kafka_sasl_username, mechanism, "KAFKA_SASL_USERNAME")
    _require(password, mechanism, "KAFKA_SASL_PASSWORD")
    return {
        "sasl_mechanism": mechanism,
        "sasl_plain_username": secrets.kafka_sasl_username,
        "sasl_plain_password": password,
    }


def tls_context(settings: Kafka, secrets: Secrets) -> ssl.SSLContext:
    """Return a context of TLS with the files of the settings, as the client makes it.

    Raises:
        ConfigurationError: A file can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.ssl_cafile:
        _require_file("ssl_cafile", settings.ssl_cafile)
        try:
            context.load_verify_locations(settings.ssl_cafile)
        except (OSError, ssl.SSLError):
            raise _unusable(
                "ssl_cafile", settings.ssl_cafile, "no certificates in PEM", "write the authority's"
            ) from None
    else:
        context.load_default_certs()
    if settings.ssl_certfile:
        _load_own(context, settings, secrets)
    return context


def _load_own(context: ssl.SSLContext, settings: Kafka, secrets: Secrets) -> None:
    """Load the client's certificate and key."""
    key = "ssl_keyfile" if settings.ssl_keyfile else "ssl_certfile"
    path = settings.ssl_keyfile or settings.ssl_certfile
    _require_file("ssl_certfile", settings.ssl_certfile)
    _require_file(key, path)
    try:
        context.load_cert_chain(
            settings.ssl_certfile, settings.ssl_keyfile or None, _key_password(secrets)
        )
    except ssl.SSLError as error:
        reason = error.reason or ""
        if "BAD_DECRYPT" in reason or "BAD_PASSWORD" in reason:
            problem, remedy = "encrypted with another password", f"correct {KEY_PASSWORD}"
        elif "MISMATCH" in reason:
            problem, remedy = "not the key of ssl_certfile", "name the key of that certificate"
        elif (
            not secrets.kafka_ssl_key_password.get_secret_value()
            and b"ENCRYPTED" in Path(path).read_bytes()
        ):
            problem, remedy = "encrypted", f"set {KEY_PASSWORD}"
        else:
            problem, remedy = "no certificate with a key, in PEM", "write both in PEM"
        raise _unusable(key, path, problem, remedy) from None
    except (OSError, ValueError) as error:
        problem = f"can't be read ({type(error).__name__})"
        raise _unusable(key, path, problem, "name a certificate and its key in PEM") from None


def _key_password(secrets: Secrets) -> Callable[[], str]:
    # A function, because OpenSSL would ask the terminal for a password that is not given.
    return secrets.kafka_ssl_key_password.get_secret_value


def _require_file(key: str, path: str) -> None:
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise _unusable(key, path, problem, "name a file in PEM") from None


def _unusable(key: str, path: str, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(
        f"kafka.{key} = {path!r}: {problem}; {remedy}", code="tls_file_unusable"
    )


def _require(value: str, mechanism: str, variable: str) -> None:
    if not value:
        raise ConfigurationError(
            f"kafka.sasl_mechanism = {mechanism!r} needs {variable}; set it, or {variable}_FILE",
            code="sasl_secret_missing",
        )
