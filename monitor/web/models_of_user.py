"""The models that a user can choose: listed, and those of history or of other traffic."""

from dataclasses import dataclass

from sqlalchemy import Connection

from monitor.settings import Sections
from monitor.store.model_history import models_with_history
from monitor.store.model_sets import ModelSet


@dataclass(frozen=True)
class ModelChoice:
    """A model that a user can choose, and a note where it is not listed."""

    name: str
    note: str = ""


def list_choices(
    connection: Connection, settings: Sections, models: ModelSet
) -> tuple[ModelChoice, ...]:
    """Return the known models of a set: listed ones, then those of history or other traffic."""
    listed = settings.names.listed
    # Traffic may have no model's name.
    unlisted = sorted(models_with_history(connection) - set(listed) - {""})
    note = "not listed" if settings.monitoring.unlisted_models == "watch" else "no longer watched"
    choices = [*map(ModelChoice, listed), *(ModelChoice(name, note) for name in unlisted)]
    return tuple(choice for choice in choices if choice.name in models)


def find_choice(choices: tuple[ModelChoice, ...], settings: Sections, name: str) -> str | None:
    """Return the chosen model of a name, which may be its former one; ``None``: unknown."""
    names = {choice.name for choice in choices}
    model = settings.names.find(name, names)
    return model if model in names else None
