"""Commands that documents, messages and deployment files name: they exist, with their options."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.cli.test_help import ROOT, find

SUFFIXES = {".md", ".py", ".yaml", ".service", ".html", ".txt", ".toml", ".sql", ".example"}
FOLDERS = ("docs", "deploy", "docker", "monitor", "retrain")
#: The command at the start of a line of code, in backquotes, or as the argument of another program.
CALL = re.compile(
    r"(?:^\s*|[`$|&]\s*|-- |bin/)driftwarden ((?:[a-z][\w-]*|--)[^`\n]*)", re.MULTILINE
)
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
IN_BACKQUOTES = re.compile(r"``?[^`]+``?")
#: Two parts of one text in Python.
JOINT = re.compile(r'"\s*\n\s*f?"')
CONTINUED = re.compile(r"\\\n\s*")
END = re.compile(r"[|;>#)<]|&&|\.\.\.|…")


def texts() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file that may name a command.

    Files that are no prose are fenced as a whole.
    """
    paths = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    paths += [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    for path in sorted(paths):
        if path.is_file() and path.suffix in SUFFIXES:
            text = path.read_text(encoding="utf-8")
            is_prose = path.suffix in {".md", ".py", ".html", ".toml"}
            yield str(path.relative_to(ROOT)), text if is_prose else f"```\n{text}\n```\n"


def code_of(text: str) -> str:
    """Return what stands in fences and in backquotes, each on lines of its own."""
    prose = FENCE.sub("", text)
    inline = (" ".join(code.split()) for code in IN_BACKQUOTES.findall(prose))
    return "\n".join([*FENCE.findall(text), *inline])


def calls(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of a text, up to a pipe, a comment or an ellipsis."""
    whole = CONTINUED.sub(" ", JOINT.sub("", text))
    code = re.sub(r"\{\w+\}", "", code_of(whole))  # placeholders of f-strings
    for match in CALL.finditer(code):
        line = END.split(match[1])[0].strip().rstrip(",.:'\"")
        try:
            yield shlex.split(line)
        except ValueError:  # a quote that the ellipsis cut
            yield line.split()


def problem_of(words: list[str]) -> str:
    """Return what the command line does not know of these words; empty: nothing."""
    command, path = find(()), []
    while words and hasattr(command, "commands"):
        if words[0].startswith("-"):
            break
        if words[0] not in command.commands:
            return f"no command {' '.join([*path, words[0]])!r}"
        path.append(words.pop(0))
        command = command.commands[path[-1]]
    known = {name for parameter in command.params for name in options_of(parameter)}
    known |= {"--help", "--version"}
    named = {re.split(r"[=\s]", word)[0] for word in words if re.match(r"--?[a-z]", word)}
    unknown = sorted(name for name in named if name not in known and len(name) > 1)
    return f"{' '.join(path) or 'driftwarden'}: no option {', '.join(unknown)}" if unknown else ""


def missing_in(words: list[str]) -> list[str]:
    """Return the required options that a command line lacks; one without any word names it only."""
    command = find(())
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words[0]]
        words = words[1:]
    needed = [parameter for parameter in command.params if parameter.required and words]
    options = [options_of(parameter) for parameter in needed if parameter.opts[0].startswith("-")]
    return [names[0] for names in options if not {*names} & {*words}]


def options_of(parameter: Any) -> list[str]:
    return [*parameter.opts, *parameter.secondary_opts]


@pytest.mark.slow
def test_commands_and_options_of_all_texts_exist() -> None:
    problems, n = [], 0
    for name, text in texts():
        for words in calls(text):
            n += 1
            if problem := problem_of(list(words)):
                problems.append(f"{name}: {problem} ({' '.join(words)})")
    assert not problems, "\n".join(problems)
    assert n > 300


def test_commands_of_runbooks_have_what_they_require() -> None:
    """At three in the morning they are copied from the page."""
    problems = [
        f"{name}: {' '.join(words)} lacks {', '.join(missing)}"
        for name, text in texts()
        if name.startswith(("docs/runbooks/", "monitor/alerts/", "deploy/prometheus/"))
        for words in calls(text)
        if (missing := missing_in(words))
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`driftwarden review confirm 3`", ["--as"]),
        ("`driftwarden review confirm 3 --as ada`", []),
        ("`driftwarden incidents resolve 3`", ["--as", "--reason"]),
        ("`driftwarden review confirm`", []),
    ],
)
def test_a_command_without_a_required_option_is_noticed(text: str, missing: list[str]) -> None:
    (words,) = calls(text)
    assert sorted(missing_in(words)) == missing


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("`driftwarden forgets --subject a`", "no command 'forgets'"),
        ("```\n  driftwarden db upgrades\n```", "no command 'db upgrades'"),
        ("```\ndriftwarden forget \\\n  --subjct a\n```", "forget: no option --subjct"),
        ("`kubectl exec -it x -- driftwarden run --onyl ingest`", "run: no option --onyl"),
        ("`cat a | driftwarden compare - b --jsn | jq`", "compare: no option --jsn"),
    ],
)
def test_a_wrong_command_is_noticed(text: str, problem: str) -> None:
    (words,) = calls(text)
    assert problem_of(words) == problem


def test_pages_of_the_folder_are_read() -> None:
    names = {name for name, _ in texts()}
    assert {"README.md", "docs/tutorial.md", "docs/adr/README.md"} <= names
    assert "deploy/compose/compose.yaml" in names
