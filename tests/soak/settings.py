"""Configuration under test: the defaults with short timeouts and small batches."""

from tests.soak.records import ID_HEADER

SAMPLE_RATE = 0.25
#: Less than the settings allow, so that a fault that waits for their end is over sooner.
SESSION_TIMEOUT_SECONDS = 3.0
MAX_POLL_INTERVAL_SECONDS = 6.0


def daemon_settings(bootstrap_servers: str, topic: str) -> dict[str, str]:
    """Return the settings of every replica as environment variables."""
    return {
        "DRIFTWARDEN_MONITORING__SAMPLE_RATE": str(SAMPLE_RATE),
        "DRIFTWARDEN_KAFKA__BOOTSTRAP_SERVERS": bootstrap_servers,
        "DRIFTWARDEN_KAFKA__TOPIC": topic,
        "DRIFTWARDEN_KAFKA__MAX_POLL_RECORDS": "300",
        "DRIFTWARDEN_TRAFFIC__ID_HEADER": ID_HEADER,
        "DRIFTWARDEN_TRAFFIC__BATCH_SIZE": "64",
        "DRIFTWARDEN_TRAFFIC__FLUSH_INTERVAL": "500ms",
    }
