"""Conditions on the models and task types of review items."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, false, or_, select

from monitor.store.model_sets import Models, Portion, of_models
from monitor.store.tables import ReviewBatch, ReviewItem

#: Sets of portions whose statements are kept, as making one takes longer than sending it.
N_PORTIONS = 100


def items_of_models(models: Models) -> list[ColumnElement[bool]]:
    """Return the condition, or none, under which a review item is of some models."""
    conditions = of_models(ReviewBatch.model, models)
    if not conditions:
        return []
    return [ReviewItem.batch_id.in_(select(ReviewBatch.id).where(*conditions))]


def items_of_portions(portions: Sequence[Portion]) -> list[ColumnElement[bool]]:
    """Return the condition, or none, under which a review item is in one of some portions."""
    every = [[*items_of_models(portion.models), *_of_types(portion)] for portion in portions]
    if not all(every):
        return []
    return [or_(false(), *(and_(*conditions) for conditions in every))]


def _of_types(portion: Portion) -> list[ColumnElement[bool]]:
    types = sorted(portion.task_types)
    return [ReviewItem.task_type.in_(types)] if types else []
