"""Origins of the settings of a model: which file, variable or default gave each value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.settings.configuration import Configuration
from monitor.settings.models.table import OVERRIDABLE


@dataclass(frozen=True)
class Origin:
    """A setting of a model, with its value and where it comes from."""

    #: Dotted, such as ``drift.min_samples``.
    key: str
    #: As JSON has it.
    value: Any
    #: ``default``, ``models.NAME``, or a source of the configuration.
    source: str


def origins_of(configuration: Configuration, model: str) -> Iterator[Origin]:
    """Yield the settings of a model that it may have of its own."""
    settings = configuration.settings_of(model)
    table = configuration.models[model]
    own = set(flatten(table.overrides()))
    for key, value in flatten(settings.model.model_dump(mode="json")).items():
        is_set = key == "name" or key in table.model_fields_set
        yield Origin(f"model.{key}", value, f"models.{model}" if is_set else "default")
    for section in OVERRIDABLE:
        values = flatten({section: getattr(settings, section).model_dump(mode="json")})
        inherited = flatten({section: getattr(configuration, section).model_dump(mode="json")})
        for key, value in values.items():
            if key in own:
                where = configuration.sources.get(f"models.{model}.{key}")
                source = "environment" if where == "environment" else f"models.{model}"
            elif value != inherited[key]:
                source = _source_of_difference(key)
            else:
                source = configuration.sources.get(key, "default")
            yield Origin(key, value, source)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested tables as dotted keys; lists stay whole."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _source_of_difference(key: str) -> str:
    """Return what changes an inherited key of a model besides its own table."""
    if key == "drift.false_alarms_a_year":
        return "monitoring.false_alarms_a_year"
    return "the evaluation file of the model"
