"""How old the version is that serves, and whether a newer one should be trained."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.store.training.registry import VersionRow, production_version


@dataclass(frozen=True)
class ProductionAge:
    """The version that serves, and how long ago it was made."""

    version: VersionRow
    age: timedelta

    @property
    def told(self) -> str:
        """Return it in a sentence."""
        made = f"{self.version.created_at:%Y-%m-%d}"
        return f"Version {self.version.version} serves, made on {made}, {self.age.days} days ago"

    def suggestion(self, max_age: timedelta | None) -> str:
        """Return the suggestion to refresh it; empty while it is young, or none is wanted."""
        if max_age is None or self.age < max_age:
            return ""
        return (
            f"{self.told}, longer than retrain.max_age ({_told(max_age)}): a refresh is suggested, "
            "with the gold that the experts have judged since"
        )


def production_age(connection: Connection, model: str, now: datetime) -> ProductionAge | None:
    """Return the age of the version that serves; ``None`` where none is registered as serving."""
    version = production_version(connection, model)
    return None if version is None else ProductionAge(version, now - version.created_at)


def _told(age: timedelta) -> str:
    return (
        f"{age.days} days" if age >= timedelta(days=1) else f"{age.total_seconds() / 3600:g} hours"
    )
