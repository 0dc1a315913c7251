"""Settings of Kafka."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from monitor.settings.durations import AnyDuration, Within
from monitor.settings.field_types import Section


class Kafka(Section):
    """The Kafka topic of production traffic."""

    bootstrap_servers: str = "localhost:9092"
    topic: str = "llm-traffic"
    group_id: str = "driftwarden"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI"] = "PLAIN"
    ssl_cafile: str = ""
    auto_offset_reset: Literal["earliest", "latest"] = "earliest"
    session_timeout: Annotated[AnyDuration, Within("6s")] = timedelta(seconds=45)
    max_poll_interval: Annotated[AnyDuration, Within("10s")] = timedelta(minutes=5)
    max_poll_records: Annotated[int, Field(ge=1)] = 2000
