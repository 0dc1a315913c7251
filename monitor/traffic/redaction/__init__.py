"""Redaction of personal data before anything is stored."""

from monitor.traffic.redaction.build import build_redactor
from monitor.traffic.redaction.redactor import Redactor, pseudonym_of
from monitor.traffic.redaction.span import Span

__all__ = ["Redactor", "Span", "build_redactor", "pseudonym_of"]
