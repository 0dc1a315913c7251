"""Redaction of personal data before anything is stored."""

from monitor.traffic.redaction.exchanges import pseudonym_of_id, redact_exchange, redact_id
from monitor.traffic.redaction.redactor import (
    Redactor,
    build_redactor,
    pseudonym_of,
)

__all__ = [
    "Redactor",
    "build_redactor",
    "pseudonym_of",
    "pseudonym_of_id",
    "redact_exchange",
    "redact_id",
]
