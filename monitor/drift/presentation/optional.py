"""Libraries that only a presentation needs, imported where it is asked for."""

from importlib import import_module
from typing import Any


def import_optional(name: str, purpose: str, extra: str = "notebook") -> Any:
    """Import a library.

    The module is in the package of that name, which the extra brings; errors name the purpose.

    Raises:
        ImportError: It isn't installed; the message says how to install it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != name.partition(".")[0]:
            raise
        package = name.partition(".")[0]
        raise ImportError(
            f"{purpose} needs {package}, which is not installed; "
            f"`pip install 'driftwarden[{extra}]'`",
            name=package,
        ) from None
