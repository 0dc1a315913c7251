"""Right to decide on the sentences of a request, and to close it."""

from collections.abc import Collection

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.accounts.grants import ALL_MODELS
from monitor.store.accounts.users import UserRow
from monitor.store.model_sets import EVERY_MODEL, ModelSet
from monitor.store.privacy.model_of_row import model_of_row
from monitor.store.privacy.requests import sentences_of


def may_decide(led: ModelSet, model: str) -> bool:
    """Return whether who leads some models decides on a sentence of a model.

    A sentence of no model is for those who lead all.
    """
    return led == EVERY_MODEL if model in {"", ALL_MODELS} else model in led


def require_lead(
    connection: Connection, user: UserRow, request_id: int, numbers: Collection[int] = ()
) -> None:
    """Require that a user may decide on sentences of a request; without sentences, close it.

    Raises:
        WorkflowError: The user doesn't lead the models of all places; a request is of no model.
    """
    led = user.led_models if user.active else ModelSet(frozenset())
    models = {
        model_of_row(connection, row.table_name, row.key)
        for row in sentences_of(connection, request_id)
        if row.number in numbers
    }
    for model in sorted(models) if numbers else [""]:
        if not may_decide(led, model):
            subject = "all models" if model in {"", ALL_MODELS} else f"the model {model}"
            raise WorkflowError(
                f"{user.name} is no lead of {subject}: a lead or an admin decides on sentences "
                "and closes requests",
                code="no_lead",
            )
