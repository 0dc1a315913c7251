"""Confirmation of full fine-tuning by the model's name."""

from monitor.errors import ConfigurationError, WorkflowError
from retrain.recipes.recipe import Method


def require_confirmation(model: str, typed: str) -> None:
    """Require the model's name as confirmation, or ``WorkflowError``."""
    if typed.strip() != model:
        raise WorkflowError(
            f"full fine-tuning of {model} is not confirmed; type the model's name, or pass "
            f"--confirm {model}",
            code="not_confirmed",
        )


def require_consent(method: Method, model: str, named: str) -> None:
    """Refuse an automatic full fine-tuning unless config.toml allows it for the model.

    ``named`` is ``retrain.full_fine_tuning_of``.

    Raises:
        ConfigurationError: config.toml doesn't allow it.
    """
    if method == "full" and named != model:
        raise ConfigurationError(
            f"the next step is full fine-tuning of {model}, which does not start automatically; "
            f"plan it on the page of the decision, or by `driftwarden retrain plan`, or set "
            f"retrain.full_fine_tuning_of = {model!r}"
        )
