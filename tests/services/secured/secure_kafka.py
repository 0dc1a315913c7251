"""A broker with a listener for each way to secure one, and for each fault of a certificate."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.services.kafka import KafkaServer
from bench.services.requirement import free_port
from tests.services.secured.certificates import Authority

USER, PASSWORD = "ingest", "s3cret-of-the-broker"
SCRAM_MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")
#: Listeners and their protocols. Those of TLS differ by their certificate: that of ``FOREIGN`` is
#: for localhost, and not for the address that it advertises.
LISTENERS = {
    "TLS": "SSL",
    "MUTUAL": "SSL",
    "EXPIRED": "SSL",
    "FOREIGN": "SSL",
    "SASLPLAIN": "SASL_PLAINTEXT",
    "SASLTLS": "SASL_SSL",
}
_MODULES = {
    "plain": f"org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="
    f'"{PASSWORD}";',
    "scram-sha-256": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    "scram-sha-512": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    "oauthbearer": "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
}


class SecureKafka:
    """The broker, its authority, and the address of each listener."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.second = Authority(folder, "second")
        self.client = self.authority.issue("client", password=b"key-password")
        certificates = {
            "TLS": self.authority.issue("tls"),
            "MUTUAL": self.authority.issue("mutual"),
            "EXPIRED": self.authority.issue("expired", expired=True),
            "FOREIGN": self.authority.issue("foreign", ["localhost"]),
            "SASLTLS": self.authority.issue("sasl"),
        }
        self.address = {name: f"127.0.0.1:{free_port()}" for name in LISTENERS}
        listeners = ",".join(f"{name}://{address}" for name, address in self.address.items())
        properties = {
            "listeners": listeners,
            "advertised.listeners": listeners,
            "listener.security.protocol.map": ",".join(f"{n}:{p}" for n, p in LISTENERS.items()),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.certificate),
        }
        for name, issued in certificates.items():
            prefix = f"listener.name.{name.lower()}"
            properties |= {
                f"{prefix}.ssl.keystore.type": "PEM",
                f"{prefix}.ssl.keystore.location": str(issued.both),
                f"{prefix}.ssl.client.auth": "required" if name == "MUTUAL" else "none",
            }
        for name in ("saslplain", "sasltls"):
            mechanisms = ",".join(mechanism.upper() for mechanism in _MODULES)
            properties[f"listener.name.{name}.sasl.enabled.mechanisms"] = mechanisms
            for mechanism, module in _MODULES.items():
                properties[f"listener.name.{name}.{mechanism}.sasl.jaas.config"] = module
            properties[f"listener.name.{name}.oauthbearer.sasl.server.callback.handler.class"] = (
                "org.apache.kafka.common.security.oauthbearer.internals.unsecured."
                "OAuthBearerUnsecuredValidatorCallbackHandler"
            )
        scram = [f"{m}=[name={USER},password={PASSWORD}]" for m in SCRAM_MECHANISMS]
        self.server = KafkaServer(folder, properties=properties, scram=scram)
        self.bootstrap_servers = self.server.bootstrap_servers

    @contextmanager
    def running(self) -> Iterator["SecureKafka"]:
        """Start the broker, and kill it at the end."""
        with self.server.running():
            yield self
