"""Replace personal data by its kind, before anything is stored."""

from monitor.traffic.redaction.redactor import Redactor, Span, build_redactor, pseudonym_of

__all__ = ["Redactor", "Span", "build_redactor", "pseudonym_of"]
