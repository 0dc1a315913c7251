"""Confirmation of full fine-tuning by the model's name."""

from monitor.errors import ConfigurationError, WorkflowError
from retrain.recipes.recipe import Method


def require_confirmation(model: str, typed: str) -> None:
    """Refuse unless the model's name was typed.

    Raises:
        WorkflowError: It wasn't.
    """
    if typed.strip() != model:
        raise WorkflowError(
            f"full fine-tuning of {model} wasn't confirmed: its name must be typed, or given as "
            f"--confirm {model}"
        )


def require_consent(method: Method, model: str, named: str) -> None:
    """Refuse a full fine-tuning that a decision would start and config.toml doesn't name.

    Args:
        method: The recipe's.
        model: The decision's.
        named: ``retrain.full_fine_tuning_of``.

    Raises:
        ConfigurationError: It isn't named.
    """
    if method == "full" and named != model:
        raise ConfigurationError(
            f"the recipe asks for full fine-tuning of {model}, which no decision starts by itself: "
            f"set retrain.full_fine_tuning_of = {model!r}, or plan it by hand with `driftwarden "
            "retrain plan`"
        )
