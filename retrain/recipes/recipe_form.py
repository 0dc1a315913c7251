"""A recipe as a form and as TOML, both of which a lead may edit."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from monitor.errors import ConfigurationError
from retrain.recipes.recipe import Recipe
from retrain.recipes.recipe_file import RecipeFile, parse_recipe_file

#: Name of the recipe in errors.
NAME = "recipe"
#: Fields of the form; the rest is edited as TOML.
FIELDS = (
    "method",
    "replay_share",
    "max_length",
    "epochs",
    "learning_rate",
    "rank",
    "alpha",
    "batch_size",
    "micro_batch_size",
)
#: Keys that name files, models or services of the server, which its operator chooses.
OF_THE_OPERATOR = ("base", "chat_template", "report_to")


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
        ConfigurationError: It isn't valid; a key was changed in both, to different values; or it
            names a base, template or tracker that the configured recipe doesn't.
    """
    before = form_values(parse_recipe_file(original, NAME))
    _require_permitted(typed, configured)
    recipe = _with_operators(parse_recipe_file(typed, NAME), configured)
    changes: dict[str, str] = {}
    for name, value in form_values(recipe).items():
        field = fields.get(name, before[name]).strip()
        if field in (before[name], value):
            continue
        if value != before[name]:
            raise ConfigurationError(
                f"{NAME}: {name} = {field} in its field and {value} in the TOML; keep one of them",
                code="two_values",
            )
        changes[name] = field
    if not changes:
        return recipe
    values: dict[str, Any] = msgspec.to_builtins(recipe)
    values |= {name: _value(name, text) for name, text in changes.items()}
    return _with_operators(parse_recipe_file(_toml(values), NAME), configured)


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
    """Return a field as TOML has it; the reader refuses a text where a number is wanted."""
    if name == "method":
        return text or None
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
