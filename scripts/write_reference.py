"""Generator of the reference pages: settings, commands, inventory, schema, tables, rooms.

`make docs` runs this; a test fails when a page is out of date. `--check` only reports that.
"""

import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from assessment_schema import assessment_schema
from draw_rooms import PICTURE, draw
from state_tables import causes_table, items_table, signals_table, todo_table, transitions_table

from bench.results import page as benchmarks
from monitor.alerts import incident_states
from monitor.cli.app import app
from monitor.privacy.inventory.content import build_inventory
from monitor.privacy.inventory.pages import to_markdown
from monitor.settings import Configuration, Secrets, all_sections
from monitor.store.database_roles import default_roles, grant_statements
from retrain.rollout import states as rollout_states

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
ROLES = ROOT / "deploy" / "postgresql" / "roles.sql"
RUNBOOKS = ROOT / "docs" / "runbooks" / "README.md"
INCIDENTS = ROOT / "docs" / "explanation" / "incidents.md"
SIGNALS = ROOT / "docs" / "explanation" / "signals.md"
WORKFLOW = ROOT / "docs" / "explanation" / "review-workflow.md"
MANY_MODELS = ROOT / "docs" / "how-to" / "many-models.md"
ROLL_OUT = ROOT / "docs" / "how-to" / "roll-out.md"
GENERATED = "<!-- Written by `make docs` from {source}. Change that, not this page. -->"

SETTINGS_INTRODUCTION = """\
# Settings

driftwarden reads `config.toml` in its working directory, or the file given by `--config`. Every key
has a default, so a file needs only the keys that differ. The
[config.toml of the repository](../../config.toml) lists first the keys that a site sets. Keys are
written with their section (`kafka.topic = "chat"`) or in its table (`[kafka]`, `topic = "chat"`); a
file uses one form for each section.

Environment variables override the file: `DRIFTWARDEN_SECTION__KEY`, for example
`DRIFTWARDEN_MONITORING__SAMPLE_RATE=0.1`; lists are JSON
(`DRIFTWARDEN_ROLLOUT__STAGES='[10, 100]'`).

A duration is a whole number and a unit: `ms`, `s`, `m` (minutes), `h`, `d` or `w`, such as `"48h"`
or `"90d"`. Limits begin with `max_` or `min_`.

An unknown key or a value that isn't allowed ends every command with exit status 78 and a line that
names the key, the value and the allowed values."""

SECRETS_INTRODUCTION = """\
## Secrets

Secrets come from the environment only, never from `config.toml`, and are not printed or logged.
Each is a variable `X`, or the content of the file that `X_FILE` names
([details](../how-to/secure-the-deployment.md#secrets))."""

INVENTORY_INTRODUCTION = """\
`driftwarden privacy inventory --markdown` prints this page for your settings, with your periods and
the services that you configured, and besides what each column holds and what `driftwarden forget`
does with it ([by place](../how-to/personal-data.md#erase-an-end-user)); `--json` prints it for
programs."""

COMMANDS_INTRODUCTION = """\
# Commands

[Install](../how-to/install.md) says which extra brings which command; `make setup` installs all
as `.venv/bin/driftwarden`. Every command has `--help`, with or without its extra.

Exit statuses of all commands:

| status | meaning |
| --- | --- |
| 0 | done |
| 1 | failed; standard error has the reason |
| 2 | an argument or an input file can't be used |
| 3 | `compare` and `evaluate`: drift; `retrain evaluate`: reject; `rollout watch`: reverted |
| 4 | `compare` and `evaluate`: not enough data; `retrain evaluate`: undecided; \
`subject export`: nothing stored; \
`forget`: not all could be read or searched |
| 75 | a service is unavailable or busy; the same command may work later |
| 78 | the configuration, the database schema or a model must be corrected |"""

ROLES_INTRODUCTION = """\
-- Roles of the parts of driftwarden, for psql as the owner of the tables, after each `db upgrade`.
-- Written by: driftwarden db grants. Set their passwords by \\password ROLE."""

#: An option of fewer commands is explained at each of them.
MIN_COMMANDS_OF_COMMON_OPTION = 4
COMMON_INTRODUCTION = """\
Options with the same meaning in many commands, which name them as *common options*:"""


def settings_page() -> str:
    """Return the page of the settings and secrets."""
    comments = dict(_comments())
    lines = [GENERATED.format(source="config.toml"), SETTINGS_INTRODUCTION]
    sections = all_sections()
    for section, annotation in sections.items():
        rows = []
        properties = annotation.model_json_schema()["properties"]
        for key in annotation.model_fields:
            if f"{section}.{key}" in sections:
                continue
            default, comment = comments[section, key]
            allowed = _allowed(properties[key])
            rows.append(f"| `{key}` | `{default}` | {allowed} | {_cell(comment)} |")
        header = "| key | default | allowed | meaning |\n| --- | --- | --- | --- |"
        lines.append(f"## `[{section}]`\n\n{inspect.getdoc(annotation)}\n\n{header}")
        lines[-1] += "\n" + "\n".join(rows)
    rows = [
        f"| `{name.upper()}` | {_cell(field.description)} |"
        for name, field in Secrets.model_fields.items()
    ]
    rows.append("| `DRIFTWARDEN_DATABASE__URL` | `database.url`, which may hold the password. |")
    rows.append(
        "| `ALERTS_NAME_SECRET` | Of `[alerts.channels.NAME]`, in capitals: the token of Slack "
        "(empty: `SLACK_BOT_TOKEN`), the address of Apprise, the integration key of PagerDuty, or "
        "the bearer token of Alertmanager (empty: none). |"
    )
    header = "| variable | meaning |\n| --- | --- |"
    lines.append(f"{SECRETS_INTRODUCTION}\n\n{header}\n" + "\n".join(rows))
    return "\n\n".join(lines) + "\n"


def commands_page() -> str:
    """Return the page of the commands."""
    commands = [entry for entry in _commands(typer.main.get_command(app)) if entry[0]]
    common = _common_options([command for _, command in commands])
    lines = [GENERATED.format(source="the command's own help"), COMMANDS_INTRODUCTION]
    lines += [COMMON_INTRODUCTION, "\n".join(common)]
    for path, command in commands:
        name = " ".join(("driftwarden", *path))
        if getattr(command, "commands", None):
            lines.append(f"## `{name} ...`\n\n{_paragraphs(command.help)}")
            continue
        lines.append(f"{'##' if len(path) == 1 else '###'} `{name}`")
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        if arguments:
            usage = " ".join([name, *(_metavar(p) for p in arguments), "[OPTIONS]"])
            lines.append(f"Usage: `{usage}`")
        lines.append(_paragraphs(command.help))
        rows = [_parameter(parameter) for parameter in command.params]
        if own := [row for row in rows if row not in common]:
            lines.append("\n".join(own))
        if shared := [common[row].partition(",")[0] for row in rows if row in common]:
            lines.append(f"Common options: {', '.join(shared)}.")
    return "\n\n".join(lines) + "\n"


def _common_options(commands: list[Any]) -> dict[str, str]:
    """Return the lines of options that many commands share, with their names.

    Of options with one name, the line that most commands have.
    """
    options = [p for command in commands for p in command.params if p.param_type_name == "option"]
    counts = Counter((_names(option), _parameter(option)) for option in options)
    common: dict[str, str] = {}
    for (names, row), count in counts.most_common():
        if count >= MIN_COMMANDS_OF_COMMON_OPTION and names not in common.values():
            common[row] = names
    return common


def inventory_page() -> str:
    """Return the page of the inventory of personal data, by the default settings.

    Without its longest section, on single columns.
    """
    source = "the registries of personal data and the default settings"
    title, rest = to_markdown(build_inventory(Configuration.model_construct())).split("\n", 1)
    sections = [part for part in rest.split("\n## ") if not part.startswith("Columns, ")]
    head = f"{title}\n\n{GENERATED.format(source=source)}\n\n{INVENTORY_INTRODUCTION}\n"
    return head + "\n## ".join(sections)


def page_with_table(page: Path, table: str) -> str:
    """Return a page with the present table."""
    begin, end = "<!-- table -->\n", "<!-- /table -->\n"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    return f"{before}{begin}{table}\n{end}{rest.split(end)[1]}"


def messages_page() -> str:
    """Return the messages of incidents that the tests hold to their limits."""
    sys.path.append(str(ROOT))
    text: str = import_module("tests.support.alerts.messages_page").page()
    return text


def pages() -> dict[Path, str]:
    """Return the text of each page as it should be."""
    return {
        REFERENCE / "settings.md": settings_page(),
        REFERENCE / "commands.md": commands_page(),
        REFERENCE / "assessment.schema.json": assessment_schema(),
        REFERENCE / "personal-data.md": inventory_page(),
        REFERENCE / "messages.md": messages_page(),
        ROLES: f"{ROLES_INTRODUCTION}\n\n{grant_statements(default_roles())}",
        RUNBOOKS: page_with_table(RUNBOOKS, causes_table()),
        SIGNALS: page_with_table(SIGNALS, signals_table()),
        WORKFLOW: page_with_table(WORKFLOW, items_table()),
        INCIDENTS: page_with_table(INCIDENTS, transitions_table(incident_states.TRANSITIONS)),
        PICTURE: draw(),
        MANY_MODELS: page_with_table(MANY_MODELS, todo_table()),
        ROLL_OUT: page_with_table(ROLL_OUT, transitions_table(rollout_states.TRANSITIONS)),
        benchmarks.PAGE: benchmarks.page_text(),
    }


def main() -> int:
    """Write the pages; with --check return 1 if one is out of date."""
    outdated = {
        path: text
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    names = ", ".join(path.name for path in outdated)
    if "--check" in sys.argv[1:]:
        if outdated:
            sys.stderr.write(f"docs: {names} outdated; run `make docs`\n")
        return 1 if outdated else 0
    for path, text in outdated.items():
        path.write_text(text, encoding="utf-8")
    # Its libraries take seconds to import: a test of its own compares its tables.
    from capacity_tables import write_capacity_page  # noqa: PLC0415

    write_capacity_page()
    sys.stdout.write(f"docs: {names or 'nothing'} rewritten\n")
    return 0


def _comments() -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield ((section, key), (default as written, comment)) of config.toml."""
    line = re.compile(r'([\w.]+)\.(\w+) = ("[^"]*"|\[[^\]]*\]|[^#\s]+)\s*#\s*(.*)')
    for text in (ROOT / "config.toml").read_text(encoding="utf-8").splitlines():
        if match := line.match(text):
            yield (match[1], match[2]), (match[3], match[4])


_LIMITS = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}


def _allowed(schema: dict[str, Any]) -> str:
    """Return the values that a JSON schema allows, in words."""
    if "$ref" in schema:
        return "tables"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kinds = {"percent": "whole percent", "duration": "duration"}
    kinds |= {"string": "text", "integer": "whole number", "number": "number"}
    kinds |= {"boolean": "`true`, `false`", "array": "list", "object": "table"}
    kind = kinds[schema.get("format", schema["type"])]
    if schema["type"] == "array":
        kind += f" of {_allowed(schema['items'])}"
    limits = {sign: schema.get(name, "") for name, sign in _LIMITS.items()}
    bounds = {sign: _bound(limit) for sign, limit in limits.items() if limit != ""}
    if {">=", "<="} == {*bounds}:
        return f"{kind}, {bounds['>=']} to {bounds['<=']}"
    both = " and ".join(f"{sign} {value}" for sign, value in bounds.items())
    return f"{kind}, {both}" if both else kind


def _bound(value: float | str) -> str:
    return f"`{value}`" if isinstance(value, str) else f"{value:g}"


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield from _commands(below, (*path, name))


def _metavar(parameter: Any) -> str:
    name = parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"- `{_metavar(parameter)}`: {_cell(parameter.help)}"
    names = _names(parameter)
    default = parameter.default
    # No default for flags that are off, nor for computed defaults.
    has_default = default not in (None, False, "", ()) and not callable(default)
    if has_default and getattr(parameter, "show_default", True):
        value = getattr(default, "value", default)
        return f"- {names}: {_cell(parameter.help)} (default: `{value}`)"
    return f"- {names}: {_cell(parameter.help)}"


def _names(option: Any) -> str:
    return ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))


def _paragraphs(text: str | None) -> str:
    return inspect.cleandoc(text or "").replace("\b\n", "")


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
