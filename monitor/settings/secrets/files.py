"""Values of environment variables, given in the variable or in the file that it names."""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from monitor.errors import ConfigurationError

DATABASE_URL = "DRIFTWARDEN_DATABASE__URL"
#: ``X_FILE`` names the file with the value of ``X``.
SUFFIX = "_FILE"
#: A secret is one line; a larger file is another one.
MAX_BYTES = 16_384


def read_variable(name: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the value of a variable ``X``, or the content of the file that ``X_FILE`` names.

    The line break at the end of a file is not part of the value. An empty variable counts as not
    set. The name is that of ``X``, in capitals; without ``environment`` the variables are those of
    this process.

    Raises:
        ConfigurationError: Both are set, or the file can't be used. No message holds a value.
    """
    variables = os.environ if environment is None else environment
    value, path = variables.get(name, ""), variables.get(name + SUFFIX, "")
    if not path:
        return value
    if value:
        raise ConfigurationError(
            f"{name} and {name}{SUFFIX} are both set; remove one", code="secret_set_twice"
        )
    return _read(name + SUFFIX, path)


@dataclass(frozen=True)
class SecretFile:
    """A file with a secret, and the variable that names it."""

    variable: str
    path: str

    @property
    def is_readable_by_all(self) -> bool:
        """Whether every user of the machine, or of the container, can read the file."""
        try:
            return bool(Path(self.path).stat().st_mode & stat.S_IROTH)
        except OSError:
            return False


def secret_files(
    names: Iterator[str], environment: Mapping[str, str] | None = None
) -> tuple[SecretFile, ...]:
    """Return the files that variables name, in the order of the variables."""
    variables = os.environ if environment is None else environment
    return tuple(
        SecretFile(name + SUFFIX, path) for name in names if (path := variables.get(name + SUFFIX))
    )


def _read(variable: str, path: str) -> str:
    def refuse(code: str, problem: str, remedy: str) -> NoReturn:
        # Without the cause: a decoding error holds the content.
        raise ConfigurationError(f"{variable}: {problem}: {path!r}; {remedy}", code=code) from None

    try:
        # A FIFO without a writer would block.
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                refuse("secret_not_a_file", "not a regular file", "name a file")
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        refuse("secret_file_missing", "no such file", "create it, or unset the variable")
    except IsADirectoryError:
        refuse("secret_not_a_file", "a directory", "name the file in it")
    except PermissionError:
        refuse(
            "secret_file_unreadable",
            "no permission to read",
            "let the user that runs driftwarden read it",
        )
    except (OSError, ValueError) as error:
        refuse("secret_file_unreadable", f"can't be read ({type(error).__name__})", "name a file")
    if len(content) > MAX_BYTES:
        refuse("secret_file_too_large", f"larger than {MAX_BYTES} bytes", "name another file")
    try:
        text = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        refuse("secret_file_not_text", "not UTF-8", "write the secret as text")
    if not text.strip():
        refuse("secret_file_empty", "empty", "write the secret into it, or unset the variable")
    if not text.isprintable():
        refuse(
            "secret_file_not_text",
            "several lines, or control characters",
            "write the secret as one line",
        )
    return text


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
