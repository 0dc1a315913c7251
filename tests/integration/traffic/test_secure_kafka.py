"""TLS and SASL with a real Kafka: what works, and the reason of each refusal."""

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from sqlalchemy import Engine

from monitor.errors import BrokerRefusedError, BrokerUnavailableError, ConfigurationError
from monitor.settings import Kafka, Secrets
from monitor.traffic.kafka.consumer import probe_topic
from monitor.traffic.kafka.lag import LagMeter
from tests.services.secured.secure_kafka import PASSWORD, USER, SecureKafka
from tests.support.present import utc_now
from tests.support.refusals import refusal
from tests.support.traffic.ingest import (
    expected_ids,
    ingest_settings,
    produce,
    running_ingest,
    stored_ids,
    total_offset,
    wait_until,
)

pytestmark = pytest.mark.kafka
TOPIC = "secured"
N_RECORDS = 120
CREDENTIALS = {"kafka_sasl_username": USER, "kafka_sasl_password": PASSWORD}


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """A broker with records in a topic."""
    with SecureKafka(tmp_path_factory.mktemp("kafka")).running() as server:
        admin = KafkaAdminClient(bootstrap_servers=server.bootstrap_servers)
        admin.create_topics([NewTopic(TOPIC, num_partitions=2, replication_factor=1)])
        producer = KafkaProducer(bootstrap_servers=server.bootstrap_servers)
        produce(producer, TOPIC, 0, N_RECORDS)
        producer.close()
        admin.close()
        yield server


@pytest.fixture(autouse=True)
def without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("KAFKA_") and name != "KAFKA_BOOTSTRAP_SERVERS":
            monkeypatch.delenv(name)


def section(kafka: SecureKafka, listener: str, **keys: Any) -> dict[str, Any]:
    """Return the section of a client that fits a listener, with some keys replaced."""
    protocol = {"SASLPLAIN": "SASL_PLAINTEXT", "SASLTLS": "SASL_SSL"}.get(listener, "SSL")
    authority = {} if protocol == "SASL_PLAINTEXT" else {"ssl_cafile": kafka.authority.certificate}
    fields = {"bootstrap_servers": kafka.address[listener], "security_protocol": protocol}
    values = fields | authority | {"topic": TOPIC} | keys
    return {key: str(value) for key, value in values.items() if value is not None}


def own_certificate(kafka: SecureKafka) -> dict[str, Any]:
    return {"ssl_certfile": kafka.client.certificate, "ssl_keyfile": kafka.client.key}


def token(seconds: float, subject: str = USER) -> str:
    """Return an unsigned token, as the broker of the tests takes them."""
    claims = {"sub": subject, "iat": utc_now().timestamp(), "exp": utc_now().timestamp() + seconds}
    parts = ({"alg": "none"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
    return ".".join(part.rstrip("=") for part in encoded) + "."


@pytest.mark.parametrize(
    ("listener", "mechanism"),
    [
        ("TLS", None),
        ("SASLPLAIN", "PLAIN"),
        ("SASLPLAIN", "SCRAM-SHA-256"),
        ("SASLTLS", "PLAIN"),
        ("SASLTLS", "SCRAM-SHA-256"),
    ],
)
def test_topic_is_read_through_each_listener(
    listener: str, mechanism: str | None, kafka: SecureKafka
) -> None:
    settings = Kafka(**section(kafka, listener, sasl_mechanism=mechanism))
    secrets = Secrets(**CREDENTIALS)
    assert N_RECORDS == sum(probe_topic(settings, secrets).values())


@pytest.mark.parametrize("way", ["client certificate", "SCRAM-SHA-512", "OAUTHBEARER"])
def test_ingest_stores_every_record(
    way: str, kafka: SecureKafka, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "client certificate":
        monkeypatch.setenv("KAFKA_SSL_KEY_PASSWORD", "key-password")
        keys = section(kafka, "MUTUAL", **own_certificate(kafka))
    else:
        keys = section(kafka, "SASLTLS", sasl_mechanism=way)
        (tmp_path / "token").write_text(token(60))
        (tmp_path / "password").write_text(f"{PASSWORD}\n")
        monkeypatch.setenv("KAFKA_SASL_USERNAME", USER)
        monkeypatch.setenv("KAFKA_SASL_PASSWORD_FILE", str(tmp_path / "password"))
        monkeypatch.setenv("KAFKA_OAUTH_TOKEN_FILE", str(tmp_path / "token"))
    settings = ingest_settings(
        keys.pop("bootstrap_servers"), TOPIC, "sqlite://", kafka=keys | {"group_id": way},
        monitoring={"sample_rate": 1.0},
    )  # fmt: skip
    with running_ingest(engine, settings):
        wait_until(lambda: total_offset(engine) >= N_RECORDS, "reading the topic")
    assert expected_ids(N_RECORDS, 1.0) == stored_ids(engine)


def refusals(kafka: SecureKafka) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """Return, for each code, the settings and secrets that the broker refuses."""
    second = kafka.second.issue("second-client")
    wrong = CREDENTIALS | {"kafka_sasl_password": "wrong-password"}
    untrusted = {"ssl_certfile": second.both}
    expired = {"kafka_oauth_token": token(-60)}
    return {
        "broker_certificate_unknown": (
            section(kafka, "TLS", ssl_cafile=kafka.second.certificate), {},
        ),
        "broker_certificate_unknown, system": (section(kafka, "TLS", ssl_cafile=None), {}),
        "broker_certificate_expired": (section(kafka, "EXPIRED"), {}),
        "broker_certificate_of_other_host": (section(kafka, "FOREIGN"), {}),
        "client_certificate_refused": (section(kafka, "MUTUAL"), {}),
        "client_certificate_refused, second": (section(kafka, "MUTUAL", **untrusted), {}),
        "broker_with_tls": (
            section(kafka, "TLS", security_protocol="PLAINTEXT", ssl_cafile=None), {},
        ),
        "broker_with_tls, SASL": (
            section(kafka, "SASLTLS", security_protocol="SASL_PLAINTEXT", ssl_cafile=None),
            CREDENTIALS,
        ),
        "broker_without_tls": (
            section(kafka, "TLS", bootstrap_servers=kafka.bootstrap_servers), {},
        ),
        "broker_with_sasl": (section(kafka, "SASLPLAIN", security_protocol="PLAINTEXT"), {}),
        "broker_with_sasl, TLS": (section(kafka, "SASLTLS", security_protocol="SSL"), {}),
        "broker_without_sasl": (
            section(kafka, "TLS", security_protocol="SASL_SSL"), CREDENTIALS,
        ),
        "credentials_refused": (section(kafka, "SASLTLS"), wrong),
        "credentials_refused, SCRAM": (
            section(kafka, "SASLTLS", sasl_mechanism="SCRAM-SHA-512"), wrong,
        ),
        "credentials_refused, plain": (section(kafka, "SASLPLAIN"), wrong),
        "credentials_refused, token": (
            section(kafka, "SASLTLS", sasl_mechanism="OAUTHBEARER"), expired,
        ),
    }  # fmt: skip


def test_each_refusal_has_its_reason_and_remedy(kafka: SecureKafka) -> None:
    for case, (keys, secrets) in refusals(kafka).items():
        begin = time.monotonic()
        with refusal(case.split(",")[0], BrokerRefusedError) as caught:
            probe_topic(Kafka(**keys), Secrets(**secrets))
        assert time.monotonic() - begin < 5, case
        message = str(caught.value)
        assert "; " in message, case
        assert not [value for value in secrets.values() if value != USER and value in message], case


def test_file_of_tls_that_cannot_be_used_is_refused(kafka: SecureKafka, tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no certificate")
    other = kafka.authority.issue("other")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"ssl_cafile": tmp_path / "missing.pem"}, ""),
        ({"ssl_cafile": tmp_path / "no.pem"}, ""),
        ({"ssl_cafile": tmp_path}, ""),
        (own_certificate(kafka) | {"ssl_keyfile": other.key}, ""),
        (own_certificate(kafka), ""),  # would ask the terminal for the password
        (own_certificate(kafka), "wrong-password"),
        ({"ssl_certfile": kafka.client.certificate}, ""),
        ({"ssl_certfile": tmp_path / "no.pem"}, ""),
    ]
    for keys, password in cases:
        with refusal("tls_file_unusable", ConfigurationError):
            probe_topic(
                Kafka(**section(kafka, "MUTUAL", **keys)), Secrets(kafka_ssl_key_password=password)
            )


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER"])
def test_missing_credentials_are_refused(mechanism: str, kafka: SecureKafka) -> None:
    settings = Kafka(**section(kafka, "SASLTLS", sasl_mechanism=mechanism))
    with refusal("sasl_secret_missing", ConfigurationError):
        probe_topic(settings, Secrets())


def test_advertised_broker_with_certificate_of_other_host_is_named(kafka: SecureKafka) -> None:
    port = kafka.address["FOREIGN"].partition(":")[2]
    keys = section(kafka, "FOREIGN", bootstrap_servers=f"localhost:{port}")
    with refusal("broker_certificate_of_other_host", BrokerRefusedError, match="127.0.0.1"):
        probe_topic(Kafka(**keys), Secrets())


def test_second_bootstrap_server_is_used_where_one_refuses(kafka: SecureKafka) -> None:
    servers = f"{kafka.address['EXPIRED']},{kafka.address['TLS']}"
    settings = Kafka(**section(kafka, "TLS", bootstrap_servers=servers))
    assert N_RECORDS == sum(probe_topic(settings, Secrets()).values())


def test_silent_port_is_unavailable_not_refused(kafka: SecureKafka) -> None:
    settings = Kafka(**section(kafka, "TLS", bootstrap_servers="127.0.0.1:1"))
    with pytest.raises(BrokerUnavailableError) as caught:
        probe_topic(settings, Secrets())
    assert not isinstance(caught.value, BrokerRefusedError)


def test_ingest_reports_refusal_and_continues_after_the_repair(
    kafka: SecureKafka, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_SASL_USERNAME", "late")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "late-password")
    keys = section(kafka, "SASLTLS", sasl_mechanism="SCRAM-SHA-256", group_id="late")
    settings = ingest_settings(
        keys.pop("bootstrap_servers"), TOPIC, "sqlite://", kafka=keys,
        monitoring={"sample_rate": 1.0},
    )  # fmt: skip
    with structlog.testing.capture_logs() as logs, running_ingest(engine, settings):

        def codes(event: str) -> list[str]:
            return [line["code"] for line in logs if line["event"] == event]

        wait_until(lambda: len(codes("kafka_unavailable")) > 1, "a repeated refusal", seconds=20)
        wait_until(lambda: codes("lag_not_measured") != [], "the lag", seconds=20)
        admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
        admin.alter_user_scram_credentials([_upsertion("late", "late-password")])
        admin.close()
        wait_until(lambda: total_offset(engine) >= N_RECORDS, "reading once it is mended")
    assert {"credentials_refused"} == set(codes("kafka_unavailable") + codes("lag_not_measured"))
    assert "late-password" not in str(logs)


def _upsertion(user: str, password: str) -> Any:
    from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

    return UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_256, password)


def test_lag_names_the_refusal_of_a_running_consumer(kafka: SecureKafka, engine: Engine) -> None:
    settings = Kafka(**section(kafka, "EXPIRED"))
    with structlog.testing.capture_logs() as logs:
        LagMeter(engine, settings, Secrets()).measure()
    assert ["broker_certificate_expired"] == [line["code"] for line in logs]
