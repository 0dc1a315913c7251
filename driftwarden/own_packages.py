"""Packages of this distribution whose names others have too: ours are imported, wherever we run."""

import sys
import warnings
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def take_own_packages(*names: str) -> None:
    """Import packages from beside this one, even where others of these names come first.

    A folder ``monitor`` in the working directory of a notebook would hide ours. It is then ours
    that the process has, and a warning says so.

    Raises:
        ImportError: Another package of a name is imported already.
    """
    for name in names:
        module = sys.modules.get(name)
        if module is not None:
            place = getattr(module, "__file__", None) or next(iter(module.__path__), "")
            if not _is_ours(place, name):
                raise ImportError(
                    f"another package {name!r} is imported already: {place}; driftwarden has a "
                    "package of this name: use it in a process of its own, or rename the other",
                    name=name,
                )
            continue
        first = PathFinder.find_spec(name)
        if first is None or not first.origin or _is_ours(first.origin, name):
            continue  # also by the finder of an editable installation
        spec = PathFinder.find_spec(name, [str(ROOT)])
        if spec is None or spec.loader is None:
            raise ImportError(f"{ROOT / name} is missing; reinstall driftwarden", name=name)
        warnings.warn(
            f"driftwarden's package {name!r} takes the place of {first.origin} in this process",
            stacklevel=3,
        )
        sys.modules[name] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


def _is_ours(place: str, name: str) -> bool:
    return Path(place).resolve().is_relative_to(ROOT / name)
