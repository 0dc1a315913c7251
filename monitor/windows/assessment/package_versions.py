"""Versions of the installed packages that figures depend on."""

from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version

#: Packages that the figures depend on.
PACKAGES = (
    *("driftwarden", "numpy", "scipy", "torch", "xxhash"),
    *("onnxruntime", "tokenizers", "sentence-transformers", "transformers", "evidently"),
    "py3langid",
)


@cache
def package_versions() -> dict[str, str]:
    """Return the versions of the installed packages that the figures depend on.

    A process goes on with what it imported, whatever is installed later.
    """
    versions = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):  # Evidently is optional
            versions[name] = version(name)
    return versions
