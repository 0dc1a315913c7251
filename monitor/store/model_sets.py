"""Sets of models, for queries: those named, or all except those named."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute


@dataclass(frozen=True)
class ModelSet:
    """The models of a set of names; inverted, all others."""

    names: frozenset[str]
    inverted: bool = False

    def __contains__(self, model: str) -> bool:
        return (model in self.names) != self.inverted

    def __bool__(self) -> bool:
        """Return whether the set may have a model."""
        return self.inverted or bool(self.names)

    def narrow(self, model: str) -> "ModelSet":
        """Return the set of a model, if this one has it, else an empty set."""
        return ModelSet(frozenset({model} if model in self else ()))

    def exclude(self, models: Iterable[str]) -> "ModelSet":
        """Return the set without some models."""
        names = self.names.union(models) if self.inverted else self.names.difference(models)
        return ModelSet(names, self.inverted)


EVERY_MODEL = ModelSet(frozenset(), inverted=True)

#: A model, some models, or ``None``: all.
Models = str | ModelSet | None


def of_models(column: InstrumentedAttribute[str], models: Models) -> list[ColumnElement[bool]]:
    """Return the conditions, none or one, under which a column's model is among some."""
    if isinstance(models, str):
        return [column == models]
    if models is None or models == EVERY_MODEL:
        return []
    named = sorted(models.names)
    return [column.not_in(named) if models.inverted else column.in_(named)]


@dataclass(frozen=True)
class Portion:
    """Models, and the task types of their items that a user works on; none means all."""

    models: ModelSet
    task_types: frozenset[str]
