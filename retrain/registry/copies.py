"""Copies of known weights, recognised by their tensors."""

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.training.registry import list_versions
from monitor.store.training.weights_identity import WeightsIdentity


def require_new_weights(connection: Connection, model: str, identity: WeightsIdentity) -> None:
    """Require that no version of a model has these weights.

    Equal tensors with another configuration, template, tokenizer or base respond otherwise, and
    are no copy.

    Raises:
        WorkflowError: A version has them.
    """
    for known in list_versions(connection, model):
        is_copy = known.adapter_digest == identity.tensors
        if is_copy and (known.identity is None or known.identity.acting == identity.acting):
            raise WorkflowError(
                f"the same weights as {model} version {known.version}: {known.adapter_path}",
                code="known_weights",
            )
