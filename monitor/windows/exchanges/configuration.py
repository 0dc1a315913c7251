"""Settings of a comparison in Python: a file, settings, or keys that differ from the defaults."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from monitor.errors import ConfigurationError, InputError, UnknownModelError
from monitor.settings import Configuration, Settings, default_settings, load_settings
from monitor.settings.rules import check_rule

#: Settings in any form; ``None``: the defaults.
Config = Settings | Configuration | Mapping[str, Any] | str | Path | None


def resolve_settings(config: Config) -> Settings:
    """Return settings of one model.

    ``config`` is a configuration file, settings, or sections with the keys that differ from the
    defaults, such as ``{"drift": {"min_samples": 50}}``; ``None``: the defaults. Only a file that
    is named is read. Variables of the environment apply to all but settings.

    Raises:
        ConfigurationError: A key is unknown, or a value isn't allowed.
        UnknownModelError: The configuration lists several models.
        InputError: Not a configuration.
    """
    try:
        if isinstance(config, Settings):
            return config
        if isinstance(config, Configuration):
            return config.only()
        if config is None:
            return default_settings()
        if isinstance(config, str | Path):
            return load_settings(Path(config))
        if isinstance(config, Mapping):
            return _from_keys(config)
    except UnknownModelError as error:
        raise InputError(
            f"{error}; in Python: config=driftwarden.load_settings(PATH, MODEL)",
            code="unknown_model",
        ) from None
    raise InputError(
        f"config is a {type(config).__name__}; pass a path, settings, or a dict of sections",
        code="no_configuration",
    )


def _from_keys(config: Mapping[str, Any]) -> Settings:
    flat = [key for key, value in config.items() if not isinstance(value, Mapping)]
    if flat:
        raise ConfigurationError(
            f"config: {flat[0]!r} is no section; write sections with their keys, such as "
            "{'drift': {'min_samples': 50}}",
            code="no_section",
        )
    return default_settings(**{key: dict(value) for key, value in config.items()})


def with_encoder(settings: Settings, encoder: str | Path) -> Settings:
    """Return settings with another encoder: a folder, a package, or a hub id."""
    embedding = settings.embedding.model_copy(update={"model": str(encoder), "revision": ""})
    return settings.model_copy(update={"embedding": embedding})


def with_cache(settings: Settings, cache: str | Path | None) -> Settings:
    """Return settings with another cache of vectors; ``None`` leaves them."""
    if cache is None:
        return settings
    embedding = settings.embedding.model_copy(update={"cache": str(cache)})
    return settings.model_copy(update={"embedding": embedding})


def with_weekdays(settings: Settings, match_weekdays: bool | None) -> Settings:
    """Return settings that match days of the week or don't; ``None`` leaves them."""
    if match_weekdays is None:
        return settings
    drift = settings.drift.model_copy(update={"match_weekdays": match_weekdays})
    return settings.model_copy(update={"drift": drift})


def with_rules(settings: Settings, rules: Sequence[str]) -> Settings:
    """Return settings with further rules.

    Raises:
        ValueError: A rule is none.
    """
    joined = (*settings.drift.rules, *map(check_rule, rules))
    drift = settings.drift.model_copy(update={"rules": joined})
    return settings.model_copy(update={"drift": drift})


def with_seed(settings: Settings, rng: Any) -> Settings:
    """Return settings with another seed; a generator draws one.

    Raises:
        InputError: Neither a seed of 0 or more nor a generator.
    """
    if rng is None:
        return settings
    if isinstance(rng, np.random.Generator):
        seed = int(rng.integers(2**31))
    elif not isinstance(rng, bool) and isinstance(rng, Integral) and int(rng) >= 0:
        seed = int(rng)
    else:
        raise InputError(
            f"rng is {rng!r}; pass a seed of 0 or more, or a numpy.random.Generator", code="no_seed"
        )
    drift = settings.drift.model_copy(update={"seed": seed})
    return settings.model_copy(update={"drift": drift})
