"""Explanations of what is wrong in a configuration."""

import difflib
import json
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, get_args

from pydantic import ValidationError

from monitor.setting_types.field_types import Section
from monitor.settings.alerts import SHORT_FORM, Alerts
from monitor.settings.configuration import DEFAULT_MODEL, Configuration
from monitor.settings.models.table import SHARED, ModelTable, inherit, refused_key
from monitor.statistics.alarm_levels import BUDGET_RANGE


def problems_of_models(configuration: Configuration) -> Iterator[Any]:
    """Yield the problems of the models and of the keys that they override, as pydantic's."""
    most = configuration.false_alarms_of_each
    if most is not None and most < BUDGET_RANGE[0]:
        n = len(configuration.models)
        yield {
            "loc": ("monitoring", "false_alarms_a_year"),
            "input": configuration.monitoring.false_alarms_a_year,
            "type": "too_small",
            "msg": f"leaves less than {BUDGET_RANGE[0]} for each of {n} models; allow at least "
            f"{BUDGET_RANGE[0] * n:g}",
        }
    for model, table in configuration.models.items():
        for section, overrides in table.overrides().items():
            location = ("models", model, section)
            for key in overrides:
                if reason := refused_key(section, key):
                    yield {"loc": (*location, key), "input": overrides[key], "type": "refused"} | {
                        "msg": f"not of one model: {reason}"
                    }
            try:
                inherit(getattr(configuration, section), overrides)
            except ValidationError as error:
                for problem in error.errors():
                    yield problem | {"loc": (*location, *problem["loc"])}


def problems_of_channels(alerts: Alerts) -> Iterator[Any]:
    """Yield the problems of the channels of alerts that routes and fallback name."""

    def problem(key: str, value: Any, message: str) -> Any:
        return {"loc": ("alerts", key), "input": value, "type": "channel", "msg": message}

    known = alerts.all_channels
    if alerts.channel and SHORT_FORM in alerts.channels:
        both = f"alerts.channel and [alerts.channels.{SHORT_FORM}] are one channel; remove one"
        yield problem("channel", alerts.channel, both)
    named = [("routes", name) for route in alerts.routes for name in route.channels]
    named += [("fallback", alerts.fallback)] if alerts.fallback else []
    for key, name in named:
        if name not in known:
            listed = ", ".join(known) or "none"
            unknown = f"no channel; list [alerts.channels.{name}], or name one of: {listed}"
            yield problem(key, name, unknown)
    for (first, channel), (second, same) in combinations(known.items(), 2):
        # Of the rest the secret says where messages go.
        if channel == same and channel.kind in {"slack", "alertmanager"}:
            yield problem("channels", second, f"the same channel as {first}; remove one")
    if alerts.fallback and list(known) == [alerts.fallback]:
        yield problem("fallback", alerts.fallback, "the only channel; list another beside it")


def explain(problem: Mapping[str, Any]) -> str:
    """Return one line about a problem: the key, its value, and what is allowed."""
    location = [str(part) for part in problem["loc"] if part != "[key]"]
    key, value = ".".join(map(_quote, location)), problem["input"]
    if problem["type"] in {"tuple_type", "list_type"}:
        example = json.dumps([value], ensure_ascii=False, default=str)
        return f"{key} = {value!r}: not a list; write {_quote(location[-1])} = {example}"
    if problem["type"] != "extra_forbidden":
        return f"{key} = {value!r}: {problem['msg'].removeprefix('Value error, ')}"
    if location[0] == "models" and len(location) == 3 and location[2] in SHARED:
        return f"{key}: not of one model: {SHARED[location[2]]}; set [{location[2]}]"
    if location[0] == "models" and len(location) == 3 and isinstance(value, Mapping):
        name = ".".join(location[1:])
        return f"{key}: a name with a dot is quoted; write [models.{json.dumps(name)}]"
    known = _known_keys(location[:-1])
    close = difflib.get_close_matches(location[-1], known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"{key} = {value!r}: unknown key{hint} Known here: {', '.join(known)}"


def all_sections() -> dict[str, type[Section]]:
    """Return the sections of config.toml by name: ``traffic``, ``traffic.join``."""
    sections: dict[str, type[Section]] = {}

    def add(name: str, annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, Section):
            sections[name] = annotation
            for key, field in annotation.model_fields.items():
                add(f"{name}.{key}", field.annotation)

    for name, field in Configuration.model_fields.items():
        add(name, field.annotation)
        if name == "models":
            sections[f"models.{DEFAULT_MODEL}"] = ModelTable
    return sections


def _quote(key: str) -> str:
    """Return a key as TOML has it."""
    is_bare = key.replace("-", "").replace("_", "").isalnum() and key.isascii()
    return key if is_bare else json.dumps(key, ensure_ascii=False)


def _known_keys(section: list[str]) -> list[str]:
    fields = Configuration.model_fields
    if section[:1] == ["models"] and len(section) > 1:
        fields, section = ModelTable.model_fields, section[2:]
        if section:
            fields = Configuration.model_fields
    for name in section:
        if name not in fields:
            break
        annotation = fields[name].annotation
        candidates = [annotation, *get_args(annotation)]
        inner = next(
            (c for c in candidates if isinstance(c, type) and issubclass(c, Section)), None
        )
        if inner is None:
            break
        fields = inner.model_fields
    return sorted(fields)
