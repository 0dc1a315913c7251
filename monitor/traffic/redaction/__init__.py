"""Redaction of personal data before anything is stored."""

from monitor.traffic.redaction.exchanges import (
    pseudonym_of_id,
    redact_exchange,
    redact_id,
    redact_model,
)
from monitor.traffic.redaction.redactor import (
    Redactor,
    build_redactor,
    pseudonym_of,
)
from monitor.traffic.redaction.text_scan import Span

__all__ = [
    "Redactor",
    "Span",
    "build_redactor",
    "pseudonym_of",
    "pseudonym_of_id",
    "redact_exchange",
    "redact_id",
    "redact_model",
]
