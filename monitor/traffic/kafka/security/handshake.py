"""One handshake with a broker, which tells why it refuses this client.

kafka-python retries all failures alike, and loses the broker's reason where it closes the
connection with it.
"""

import socket
import ssl
import struct
from collections.abc import Iterable
from contextlib import closing
from typing import Any

from kafka.errors import for_code
from kafka.net.sasl import get_sasl_mechanism

from monitor.errors import BrokerRefusedError, BrokerUnavailableError, ConfigurationError
from monitor.settings import Kafka, Secrets
from monitor.traffic.kafka.security.client_options import sasl_options, tls_context

TIMEOUT_SECONDS = 5.0
MAX_RESPONSE_BYTES = 1 << 20
SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36
#: Error codes of the protocol.
UNSUPPORTED_MECHANISM, NO_SASL_HERE = 33, 34
#: OpenSSL's codes of failed verifications.
EXPIRED, NOT_YET_VALID, OTHER_HOST, OTHER_ADDRESS = 10, 9, 62, 64

Address = tuple[str, int]


def parse_addresses(bootstrap_servers: str) -> list[Address]:
    """Return host and port of each address.

    Raises:
        ConfigurationError: An address is not host:port.
    """
    addresses = []
    for address in bootstrap_servers.split(","):
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdigit():
            raise ConfigurationError(
                f"kafka.bootstrap_servers = {bootstrap_servers!r}: {address!r} is not host:port"
            )
        addresses.append((host.strip("[]"), int(port)))
    return addresses


def require_broker(
    addresses: Iterable[Address],
    settings: Kafka,
    secrets: Secrets,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> None:
    """Require that a broker at one of the addresses accepts this client.

    Raises:
        BrokerRefusedError: None does; its code and message are those of the first refusal.
        BrokerUnavailableError: No broker listens and responds.
        ConfigurationError: A file of TLS can't be used, or a secret is missing.
    """
    refusal: BrokerRefusedError | None = None
    problems = []
    for address in addresses:
        try:
            shake_hands(address, settings, secrets, timeout_seconds)
        except BrokerRefusedError as error:
            refusal = refusal or error
        except BrokerUnavailableError as error:
            problems.append(str(error))
        else:
            return
    if refusal is not None:
        raise refusal
    raise BrokerUnavailableError("; ".join(problems))


def require_all_brokers(addresses: Iterable[Address], settings: Kafka, secrets: Secrets) -> None:
    """Require that each broker accepts this client, such as those that a cluster advertises.

    Raises:
        BrokerRefusedError: One refuses it.
        BrokerUnavailableError: One doesn't listen.
    """
    for address in addresses:
        shake_hands(address, settings, secrets)


def shake_hands(
    address: Address,
    settings: Kafka,
    secrets: Secrets,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> None:
    """Connect to a broker, with TLS and SASL as the client does; then disconnect.

    The time limit is that of each step.

    Raises:
        BrokerRefusedError: The broker refuses this client, or this client the broker.
        BrokerUnavailableError: Nothing listens, or it doesn't respond.
        ConfigurationError: A file of TLS can't be used, or a secret is missing.
    """
    context = tls_context(settings, secrets) if settings.uses_tls else None
    options = sasl_options(settings, secrets) if settings.uses_sasl else {}
    host, port = address
    try:
        connection: socket.socket = socket.create_connection(address, timeout_seconds)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BrokerUnavailableError(f"no broker listens at {host}:{port}: {reason}") from None
    with closing(connection):
        if context is not None:
            connection = _encrypt(connection, context, address)
        with closing(connection):
            try:
                _greet(_Broker(connection), address, settings, options)
            except ssl.SSLError as error:
                raise _refused_certificate(address, settings, error) from None
            except TimeoutError:
                raise BrokerUnavailableError(
                    f"{host}:{port}: the broker accepts the connection, and does not respond in "
                    f"{timeout_seconds:.1f} s"
                ) from None
            except (OSError, struct.error):
                raise _closed(address, settings) from None


def _encrypt(connection: socket.socket, context: ssl.SSLContext, address: Address) -> ssl.SSLSocket:
    host, port = address
    where = f"{host}:{port}"
    try:
        return context.wrap_socket(connection, server_hostname=host.rstrip("."))
    except ssl.SSLCertVerificationError as error:
        raise _unverified(where, host, error) from None
    except TimeoutError:
        raise BrokerUnavailableError(f"{where}: no reply to the TLS handshake") from None
    except OSError:  # an SSLError is one
        raise BrokerRefusedError(
            f"{where}: the broker doesn't speak TLS on this port; use its TLS listener, or set "
            "kafka.security_protocol to that of the listener",
            code="broker_without_tls",
        ) from None


def _unverified(where: str, host: str, error: ssl.SSLCertVerificationError) -> BrokerRefusedError:
    """Return why the broker's certificate was refused."""
    if error.verify_code in {EXPIRED, NOT_YET_VALID}:
        state = "has expired" if error.verify_code == EXPIRED else "is not valid yet"
        return BrokerRefusedError(
            f"{where}: the broker's certificate {state}; renew it on the broker, or correct this "
            "machine's clock",
            code="broker_certificate_expired",
        )
    if error.verify_code in {OTHER_HOST, OTHER_ADDRESS}:
        return BrokerRefusedError(
            f"{where}: the broker's certificate is not for {host!r}; use a name of its "
            "certificate in kafka.bootstrap_servers and in the broker's advertised.listeners",
            code="broker_certificate_of_other_host",
        )
    return BrokerRefusedError(
        f"{where}: the broker's certificate is not of a known authority "
        f"({error.verify_message}); set kafka.ssl_cafile to the authority's certificate",
        code="broker_certificate_unknown",
    )


def _refused_certificate(
    address: Address, settings: Kafka, error: ssl.SSLError
) -> BrokerRefusedError:
    """Return why the broker ended TLS after its handshake: for the client's certificate."""
    where = f"{address[0]}:{address[1]}"
    remedy = (
        "set kafka.ssl_certfile to one of an authority that the broker trusts"
        if settings.ssl_certfile
        else "set kafka.ssl_certfile and kafka.ssl_keyfile"
    )
    problem = "refuses" if settings.ssl_certfile else "asks for"
    return BrokerRefusedError(
        f"{where}: the broker {problem} a client certificate ({error.reason or 'TLS alert'}); "
        f"{remedy}",
        code="client_certificate_refused",
    )


def _closed(address: Address, settings: Kafka) -> BrokerUnavailableError:
    """Return why the broker closed the connection."""
    where = f"{address[0]}:{address[1]}"
    if not settings.uses_tls and _speaks_tls(address):
        return BrokerRefusedError(
            f"{where}: the broker expects TLS on this port; set kafka.security_protocol = "
            f'"{"SASL_SSL" if settings.uses_sasl else "SSL"}"',
            code="broker_with_tls",
        )
    return BrokerUnavailableError(f"{where}: the broker closed the connection")


def _speaks_tls(address: Address) -> bool:
    """Return whether a port speaks TLS, whatever its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nothing is sent over this connection.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(address, TIMEOUT_SECONDS) as connection,
            context.wrap_socket(connection),
        ):
            return True
    except OSError:
        return False


def _greet(broker: "_Broker", address: Address, settings: Kafka, options: dict[str, Any]) -> None:
    """Ask for the SASL mechanism, and authenticate where the settings say so."""
    where = f"{address[0]}:{address[1]}"
    mechanism = settings.sasl_mechanism if settings.uses_sasl else "PLAIN"
    code, mechanisms = broker.ask_for(mechanism)
    if not settings.uses_sasl:
        if code in {0, UNSUPPORTED_MECHANISM}:
            protocol = "SASL_SSL" if settings.uses_tls else "SASL_PLAINTEXT"
            raise BrokerRefusedError(
                f"{where}: the broker expects SASL ({', '.join(mechanisms)}); set "
                f'kafka.security_protocol = "{protocol}" and kafka.sasl_mechanism',
                code="broker_with_sasl",
            )
        return
    if code == NO_SASL_HERE:
        protocol = "SSL" if settings.uses_tls else "PLAINTEXT"
        raise BrokerRefusedError(
            f"{where}: the broker doesn't take SASL on this port; use its SASL listener, or set "
            f'kafka.security_protocol = "{protocol}"',
            code="broker_without_sasl",
        )
    if code == UNSUPPORTED_MECHANISM:
        raise BrokerRefusedError(
            f"{where}: the broker doesn't take {mechanism}; set kafka.sasl_mechanism to one of: "
            f"{', '.join(mechanisms)}",
            code="sasl_mechanism_refused",
        )
    if mechanism != "GSSAPI":  # its tickets are left to the client
        _authenticate(broker, where, mechanism, options)


def _authenticate(broker: "_Broker", where: str, mechanism: str, options: dict[str, Any]) -> None:
    """Send the credentials."""
    remedy = (
        "correct KAFKA_OAUTH_TOKEN"
        if mechanism == "OAUTHBEARER"
        else "correct KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, or the user's credentials for "
        f"{mechanism} on the broker"
    )
    dialogue = get_sasl_mechanism(mechanism)(host=where, **options)
    while not dialogue.is_done():
        code, reason, challenge = broker.authenticate(dialogue.auth_bytes())
        if code:
            raise BrokerRefusedError(
                f"{where}: the broker refuses the credentials for {mechanism} "
                f"({reason or for_code(code).__name__}); {remedy}",
                code="credentials_refused",
            )
        try:
            dialogue.receive(challenge)
        except ValueError:  # of SCRAM: the broker can't prove that it knows the password
            raise BrokerRefusedError(
                f"{where}: the broker doesn't prove that it knows the password; {remedy}",
                code="credentials_refused",
            ) from None


class _Broker:
    """A connection on which two requests of Kafka's protocol are sent."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def ask_for(self, mechanism: str) -> tuple[int, list[str]]:
        """Return the error code for a mechanism, and the broker's mechanisms."""
        response = self._request(SASL_HANDSHAKE, _text(mechanism), version=1)
        code, n = struct.unpack_from(">hi", response)
        mechanisms, at = [], 6
        for _ in range(n):
            (length,) = struct.unpack_from(">h", response, at)
            mechanisms.append(response[at + 2 : at + 2 + length].decode(errors="replace"))
            at += 2 + length
        return code, mechanisms

    def authenticate(self, token: bytes) -> tuple[int, str, bytes]:
        """Return the error code, its reason, and the broker's bytes."""
        body = struct.pack(">i", len(token)) + token
        response = self._request(SASL_AUTHENTICATE, body, version=0)
        code, length = struct.unpack_from(">hh", response)
        length = max(length, 0)
        reason = response[4 : 4 + length].decode(errors="replace")
        (n_bytes,) = struct.unpack_from(">i", response, 4 + length)
        return code, reason, response[8 + length : 8 + length + max(n_bytes, 0)]

    def _request(self, key: int, body: bytes, *, version: int) -> bytes:
        """Send a request; return the response without its header."""
        request = struct.pack(">hhi", key, version, 1) + _text("driftwarden") + body
        self._connection.sendall(struct.pack(">i", len(request)) + request)
        (length,) = struct.unpack(">i", self._receive(4))
        if not 4 <= length <= MAX_RESPONSE_BYTES:
            raise ConnectionError("no response of Kafka's protocol")
        return self._receive(length)[4:]

    def _receive(self, n_bytes: int) -> bytes:
        received = b""
        while len(received) < n_bytes:
            part = self._connection.recv(n_bytes - len(received))
            if not part:
                raise ConnectionError("closed")
            received += part
        return received


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">h", len(encoded)) + encoded
