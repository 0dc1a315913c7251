"""Settings of redaction."""

from typing import Annotated

from pydantic import Field

from monitor.setting_types.field_types import OwnPattern, PatternName, Section, Share


class Redaction(Section):
    """Redaction of personal data before storing."""

    enabled: bool = True
    patterns: dict[PatternName, OwnPattern] = {}  # noqa: RUF012 - pydantic copies it
    presidio: bool = False
    presidio_model: str = "en_core_web_lg"
    presidio_language: Annotated[str, Field(pattern="^[a-z]{2}$")] = "en"
    presidio_entities: tuple[str, ...] = ("PERSON", "LOCATION")
    presidio_score_threshold: Share = 0.5
