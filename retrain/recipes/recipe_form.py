"""A recipe as a form and as TOML, both of which a lead may edit."""

import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from monitor.errors import ConfigurationError
from retrain.recipes.recipe import Recipe
from retrain.recipes.recipe_file import RecipeFile, parse_recipe_file

#: Name of the recipe in errors.
NAME = "recipe"
#: Fields of the form with their labels; the rest is edited as TOML.
FIELDS = {
    "method": "Method",
    "replay_share": "Replay share",
    "max_length": "Maximum length",
    "epochs": "Epochs",
    "learning_rate": "Learning rate",
    "rank": "Rank",
    "alpha": "Alpha",
    "batch_size": "Batch size",
    "micro_batch_size": "Micro batch size",
}
#: Fields with a fraction; the other numbers are whole.
_FRACTIONS = frozenset({"replay_share", "epochs", "learning_rate"})
#: The largest number that a field takes.
_MAX_NUMBER = 10**9
#: Keys that name files, models or services of the server, which its operator chooses.
OF_THE_OPERATOR = ("base", "chat_template", "report_to")


class FieldsError(ConfigurationError):
    """Raised when fields of the form can't be used; the message names each."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("\n".join(problems.values()), code="fields")
        #: Field -> what is wrong, with its label.
        self.problems = dict(problems)


@dataclass(frozen=True)
class Difference:
    """A setting of a recipe that is another in the configured one."""

    name: str
    value: str
    configured: str


def recipe_toml(recipe: RecipeFile) -> str:
    """Return a recipe as TOML, without what the operator chooses."""
    return _toml(msgspec.to_builtins(recipe))


def form_values(recipe: RecipeFile) -> dict[str, str]:
    """Return the fields of the form as texts; an empty method is the first of the order."""
    return {name: _text(getattr(recipe, name)) for name in FIELDS}


def merge_form(
    original: str, typed: str, fields: Mapping[str, str], configured: RecipeFile
) -> RecipeFile:
    """Return the recipe of a form: its TOML, with the fields that were changed.

    ``original`` is the TOML as the form was sent, so that a change in a field and one in the TOML
    are both kept. The result is read as a recipe file is.

    Raises:
        FieldsError: A field isn't valid, or was changed in the TOML too, to another value.
        ConfigurationError: The TOML isn't valid, or names a base, template or tracker that the
            configured recipe doesn't.
    """
    before = form_values(parse_recipe_file(original, NAME))
    _require_permitted(typed, configured)
    recipe = _with_operators(parse_recipe_file(typed, NAME, OF_THE_OPERATOR), configured)
    changes: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, value in form_values(recipe).items():
        field = fields.get(name, before[name]).strip()
        if field in (before[name], value):
            continue
        if value != before[name]:
            problems[name] = (
                f"{FIELDS[name]} is {field} in its field and {value} in the TOML; keep one of them"
            )
            continue
        try:
            changes[name] = _value(name, field)
        except ValueError as error:
            problems[name] = f"{FIELDS[name]}, {field!r}: {error}"
    try:
        recipe = msgspec.structs.replace(recipe, **changes)
    except ConfigurationError as error:
        broken = _broken_rules(error)
        if not broken.keys() <= FIELDS.keys():
            raise
        problems |= {name: f"{FIELDS[name]}, {rest}" for name, rest in broken.items()}
    if problems:
        raise FieldsError({name: problems[name] for name in FIELDS if name in problems})
    return recipe


def _broken_rules(error: ConfigurationError) -> dict[str, str]:
    """Return the settings that break a recipe's rules, each with its value and the rule."""
    lines = (line.removeprefix("recipe.").partition(" = ") for line in str(error).splitlines())
    return {name: rest for name, _, rest in lines}


def differences(recipe: RecipeFile, configured: RecipeFile) -> list[Difference]:
    """Return the settings of a recipe that differ from the configured one."""
    other = _settings(msgspec.to_builtins(configured))
    return [
        Difference(FIELDS.get(name, name), setting_text(value), setting_text(other[name]))
        for name, value in _settings(msgspec.to_builtins(recipe)).items()
        if value != other[name] and name not in OF_THE_OPERATOR
    ]


def setting_texts(recipe: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of a stored recipe as texts, without those that are not set."""
    return {
        name: f"{len(value)} characters" if name == "chat_template" else setting_text(value)
        for name, value in _settings(recipe).items()
        if value not in ("", [], None)
    }


def _settings(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a recipe by their names in TOML."""
    serving = recipe.get("serving", {})
    own = {name: value for name, value in recipe.items() if name != "serving"}
    return own | {f"serving.{name}": value for name, value in serving.items()}


def setting_text(value: Any) -> str:
    """Return a setting as the form shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return _text(value)


def recipe_of_run(recipe: Recipe, configured: RecipeFile) -> RecipeFile:
    """Return the recipe file that gives a run's values, on the bases that are configured."""
    values: dict[str, Any] = {
        name: getattr(recipe, name)
        for name in RecipeFile.__struct_fields__
        if name not in OF_THE_OPERATOR
    }
    return msgspec.structs.replace(configured, **values)


def _with_operators(recipe: RecipeFile, configured: RecipeFile) -> RecipeFile:
    chosen = {name: getattr(configured, name) for name in OF_THE_OPERATOR}
    return msgspec.structs.replace(recipe, **chosen)


def _require_permitted(typed: str, configured: RecipeFile) -> None:
    """Refuse names of the server's files before one is read."""
    try:
        content = tomllib.loads(typed)
    except (tomllib.TOMLDecodeError, RecursionError):
        return  # the recipe's reader says where
    known = msgspec.to_builtins(configured)
    for key in OF_THE_OPERATOR:
        wanted, allowed = (
            list(values) if isinstance(values, list | tuple) else [values]
            for values in (content.get(key, known[key]), known[key])
        )
        refused = [value for value in wanted if value not in [*allowed, ""]]
        if refused:
            raise ConfigurationError(
                f"{NAME}: {key} = {refused[0]!r}: not in the configured recipe; keep "
                f"{', '.join(map(repr, allowed)) or 'none'}, or let an operator change the file "
                "of retrain.recipe",
                code="not_permitted",
            )


def _toml(values: Mapping[str, Any]) -> str:
    lines = [
        f"{key} = {_literal(value)}"
        for key, value in values.items()
        if key not in {"serving", *OF_THE_OPERATOR} and value is not None
    ]
    lines += ["", "[serving]"]
    lines += [f"{key} = {_literal(value)}" for key, value in values["serving"].items()]
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    """Return a value in TOML, whose texts, numbers and lists are those of JSON."""
    return json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _value(name: str, text: str) -> Any:
    """Return the value of a field; ``ValueError`` says how to write it."""
    if name == "method":
        if text not in ("", "qlora", "lora", "full"):
            raise ValueError("choose one of the list")
        return text or None
    is_whole = name not in _FRACTIONS
    number = _number(text)
    if number is None or (is_whole and not number.is_integer()):
        kind = "a whole number" if is_whole else "a number with a point"
        meant = _meant(text, is_whole=is_whole)
        raise ValueError(f"write {kind}, such as {meant or ('16' if is_whole else '0.3')}")
    if abs(number) > _MAX_NUMBER:
        raise ValueError(f"must be at most {_MAX_NUMBER:,}")
    return int(number) if is_whole else number


def _number(text: str) -> float | None:
    """Return the finite number that a text is; ``None``: it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _meant(text: str, *, is_whole: bool) -> str:
    """Return the number that a text with a comma or a per cent sign means; empty: none."""
    if is_whole:
        digits = text.replace(",", "").replace(" ", "")
        return digits if re.fullmatch(r"[0-9]{1,3}([, ][0-9]{3})+", text) else ""
    number = _number(text.removesuffix("%").strip().replace(",", "."))
    if number is None:
        return ""
    return f"{number / 100 if text.endswith('%') else number:g}"
