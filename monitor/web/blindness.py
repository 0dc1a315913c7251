"""Findings that are withheld from reviewers while they review, as they would anchor verdicts.

Topics of drift and the error rate of a batch suggest to a reviewer what to expect of the next item.
While items of a model wait for review, its reviewers see that a window drifted, but neither its
topics nor its error rate. Leads of the model see both.
"""

from collections.abc import Iterable

from litestar.exceptions import PermissionDeniedException
from sqlalchemy import Connection

from monitor.store.accounts.users import UserRow
from monitor.store.review.items import has_open_items

WITHHELD = "hidden until the reviews of this model are done, as it would influence them"


def is_blind(connection: Connection, user: UserRow, model: str) -> bool:
    """Return whether the findings about a model are withheld from a user."""
    return not user.is_lead_of(model) and has_open_items(connection, model)


def blind_models(connection: Connection, user: UserRow, models: Iterable[str]) -> set[str]:
    """Return the models of which the findings are withheld from a user."""
    return {model for model in set(models) if is_blind(connection, user, model)}


def refuse_blind(connection: Connection, user: UserRow, model: str) -> None:
    """Raise ``PermissionDeniedException`` where the findings about a model are withheld."""
    if is_blind(connection, user, model):
        raise PermissionDeniedException(WITHHELD)
