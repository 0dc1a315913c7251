"""Redaction of personal data before anything is stored."""

from monitor.traffic.redaction.redactor import (
    Redactor,
    build_redactor,
    pseudonym_of,
    redact_exchange,
)
from monitor.traffic.redaction.text_scan import Span

__all__ = ["Redactor", "Span", "build_redactor", "pseudonym_of", "redact_exchange"]
