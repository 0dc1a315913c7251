"""`driftwarden init`: a configuration to start from."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

FILE = "config.toml"
ADVANCED = "# ---- Advanced"


def init(
    folder: Annotated[
        Path, typer.Argument(help="Folder to write config.toml to; it is made if it is missing.")
    ] = Path(),
) -> None:
    """Write a config.toml to start from.

    It has the keys that every site sets, and all others with their defaults as comments. A file
    that exists is never overwritten.

    Exit status: 0 written, 2 the file exists or can't be written.
    """
    path = folder / FILE
    write_new(path, starting_configuration())
    typer.echo(f"{path}: written; set the keys of its first section, then:")
    for purpose, command, extra in _next_steps(folder):
        typer.echo(f"  {purpose}: {command}{_how_to_install(extra)}")


def starting_configuration() -> str:
    """Return config.toml with the advanced keys as comments: defaults are not written down."""
    from monitor.packaged_files import packaged_file

    text = packaged_file(FILE).read_text(encoding="utf-8")
    head, heading, advanced = text.partition(ADVANCED)
    head = head.replace(
        "every key with its default. Your file needs only the keys that differ.",
        "the keys that every site sets; the others, with their defaults, are comments.",
    )
    title, *lines = advanced.splitlines()
    keys = [f"#{line}" if line and not line.startswith("#") else line for line in lines]
    return head + heading + "\n".join([title, *keys]) + "\n"


def write_new(path: Path, text: str) -> None:
    """Write a new file, whole or not at all, and the folder that it is in.

    Raises:
        InputError: It exists, or can't be written. Its code is ``file_exists`` or ``not_writable``.
    """
    from monitor.errors import InputError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("x", encoding="utf-8")
    except FileExistsError:
        if not path.parent.is_dir():
            raise InputError(
                f"{path.parent}: a file, not a folder; name a folder", code="not_writable"
            ) from None
        raise InputError(
            f"file exists: {path}; edit it, or name another folder", code="file_exists"
        ) from None
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; name a folder that you can write to", code="not_writable"
        ) from None
    try:
        with file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise InputError(f"{path}: {error.strerror}", code="not_writable") from None


def _next_steps(folder: Path) -> tuple[tuple[str, str, str], ...]:
    there = "" if folder == Path() else f"cd {quote(str(folder))} && "
    return (
        ("compare two files", "driftwarden compare last-month.jsonl this-week.jsonl", "text"),
        ("create the database", f"{there}driftwarden db upgrade", "daemon"),
        ("write the labeling guidelines", f"{there}driftwarden taxonomy init", "daemon"),
        ("see what is ready and what is missing", f"{there}driftwarden check", "daemon"),
        ("run", f"{there}driftwarden run", "daemon"),
    )


def _how_to_install(extra: str) -> str:
    from monitor.extras import missing_distributions

    return f"  (needs `pip install 'driftwarden[{extra}]'`)" if missing_distributions(extra) else ""
