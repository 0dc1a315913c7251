"""Age of the version in production, and the suggestion to refresh it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.plurals import pluralize
from monitor.store.training.registry import VersionRow, production_version


@dataclass(frozen=True)
class ProductionAge:
    """The version in production and its age."""

    version: VersionRow
    age: timedelta

    @property
    def description(self) -> str:
        """Return version and age in a sentence."""
        made = f"{self.version.created_at:%Y-%m-%d}"
        age = f"{pluralize(self.age.days, 'day')} ago" if self.age.days else "less than a day ago"
        return f"Version {self.version.version} is in production, created on {made}, {age}"

    def suggestion(self, max_age: timedelta | None) -> str:
        """Return the suggestion to refresh it; empty while younger than ``max_age``."""
        if max_age is None or self.age < max_age:
            return ""
        return (
            f"{self.description}, longer than retrain.max_age ({_format_age(max_age)}): "
            "a refresh is suggested, with the gold reviewed since"
        )


def production_age(connection: Connection, model: str, now: datetime) -> ProductionAge | None:
    """Return the age of the version in production; ``None`` where there is none."""
    version = production_version(connection, model)
    return None if version is None else ProductionAge(version, now - version.created_at)


def _format_age(age: timedelta) -> str:
    if age >= timedelta(days=1):
        return pluralize(age.days, "day")
    return f"{age.total_seconds() / 3600:g} hours"
