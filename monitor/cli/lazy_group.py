"""Command group that imports a command only when it runs.

Importing all commands, and inspecting their parameters, takes longer than showing the root's help.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperGroup

from monitor.cli.shared.typed_text import redact_parameters
from monitor.errors import InputError
from monitor.extras import require_extras, using_extras


class Entry(NamedTuple):
    """A command or group: where it is defined, and its line in the root's help."""

    #: ``module:attribute``; the attribute is a function, or a Typer for a group.
    target: str
    summary: str
    #: What it needs besides the distribution's own dependencies.
    extras: tuple[str, ...] = ()


class LazyCommands(MutableMapping[str, Any]):
    """The commands by name, each imported when it is first looked up."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = entries
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._entries[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries


class LazyGroup(TyperGroup):
    """The root group; a subclass names its commands in ``entries``."""

    entries: ClassVar[Mapping[str, Entry]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = LazyCommands(self.entries)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        """Return the names in their order."""
        return list(self.entries)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the commands with their summaries, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.entries.items()])


def _load(name: str, entry: Entry) -> Any:
    module, _, attribute = entry.target.partition(":")
    with using_extras(f"driftwarden {name}", *entry.extras):
        loaded = getattr(import_module(module), attribute)
    holder = typer.Typer(add_completion=False, rich_markup_mode=None)
    holder.callback()(lambda: None)
    if isinstance(loaded, typer.Typer):
        holder.add_typer(loaded, name=name)
    else:
        holder.command(name)(loaded)
    command = typer.main.get_command(holder).commands[name]  # type: ignore[attr-defined]  # a group
    for path, leaf in _leaves(command, f"driftwarden {name}"):
        leaf.invoke = _checked(leaf.invoke, path, entry.extras)
        leaf.parse_args = _explained(leaf.parse_args)
    return command


def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(command, TyperGroup):
        yield path, command
        return
    for name, below in command.commands.items():
        yield from _leaves(below, f"{path} {name}")


def _checked(
    invoke: Callable[[Any], Any], path: str, extras: tuple[str, ...]
) -> Callable[[Any], Any]:
    """Return the command, which begins with a check of its extras and redacts its texts.

    Its help needs no extra.
    """

    def checked(context: Any) -> Any:
        require_extras(path, *extras)
        with using_extras(path, *extras):
            redact_parameters(context)
            return invoke(context)

    return checked


def _explained(parse: Callable[[Any, list[str]], Any]) -> Callable[[Any, list[str]], Any]:
    """Return the parser of arguments, whose error on too many files says what the shell did."""

    def explained(context: Any, arguments: list[str]) -> Any:
        n_files = sum(Path(argument).is_file() for argument in arguments)
        try:
            return parse(context, arguments)
        except Exception as error:  # a class of click that Typer does not export
            if n_files > 1 and "unexpected extra argument" in getattr(error, "message", ""):
                raise InputError(
                    f"{n_files} files, more than this command takes; put a pattern in quotes "
                    "('logs/*.jsonl'), so that the shell does not expand it, or join files: A+B",
                    code="too_many_files",
                ) from None
            raise

    return explained
