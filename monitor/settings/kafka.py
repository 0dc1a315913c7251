"""Settings of Kafka."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from monitor.setting_types.durations import AnyDuration, Within
from monitor.setting_types.field_types import Section


class Kafka(Section):
    """The Kafka topic of production traffic."""

    bootstrap_servers: str = "localhost:9092"
    topic: str = "llm-traffic"
    group_id: str = "driftwarden"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI"] = (
        "PLAIN"
    )
    ssl_cafile: str = ""
    ssl_certfile: str = ""
    ssl_keyfile: str = ""
    auto_offset_reset: Literal["earliest", "latest"] = "earliest"
    session_timeout: Annotated[AnyDuration, Within("6s")] = timedelta(seconds=45)
    max_poll_interval: Annotated[AnyDuration, Within("10s")] = timedelta(minutes=5)
    max_poll_records: Annotated[int, Field(ge=1)] = 2000

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security_protocol.endswith("SSL")

    @property
    def uses_sasl(self) -> bool:
        """Whether brokers ask for a user name and password, a token or a ticket."""
        return self.security_protocol.startswith("SASL")

    @model_validator(mode="after")
    def _files_fit_the_protocol(self) -> "Kafka":
        files = [
            name for name in ("ssl_cafile", "ssl_certfile", "ssl_keyfile") if getattr(self, name)
        ]
        if files and not self.uses_tls:
            raise ValueError(
                f'{files[0]} needs security_protocol = "SSL" or "SASL_SSL"; with '
                f"{self.security_protocol!r} nothing is encrypted"
            )
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ValueError("ssl_keyfile needs ssl_certfile, the client's certificate")
        return self
