"""Loading of config.toml and the environment."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from monitor.errors import ConfigurationError
from monitor.settings.configuration import DEFAULT_MODEL, Configuration, Settings
from monitor.settings.evaluation_file import read_monitoring
from monitor.settings.models.origins import flatten
from monitor.settings.problems.explanations import (
    explain,
    problems_of_channels,
    problems_of_models,
)
from monitor.settings.secrets.database_url import add_password
from monitor.settings.secrets.debugging import apply_debugging
from monitor.settings.secrets.environment import Environment
from monitor.settings.secrets.files import read_variable

DEFAULT_FILE = Path("config.toml")


def load_configuration(path: Path | None = None, **overrides: Any) -> Configuration:
    """Load the configuration.

    Without a path it is that of ``config.toml`` in the working directory if it exists, else the
    defaults. Overrides are whole sections, for tests and the demo.

    Raises:
        ConfigurationError: A key is unknown, or a value isn't allowed. The message has one line per
            problem: the key, the value and what is allowed. Or ``DRIFTWARDEN_DEBUG`` is set and
            refused.
    """
    if path is not None and not path.is_file():
        raise ConfigurationError(f"{path}: no such configuration file")
    return _build(path or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None), overrides)


def load_settings(path: Path | None = None, model: str | None = None, **overrides: Any) -> Settings:
    """Load the settings of a model, which need not be named where there is one.

    Raises:
        ConfigurationError: As :func:`load_configuration`.
        UnknownModelError: The model isn't listed, or there are several and none is named.
    """
    return load_configuration(path, **overrides).only(model)


def default_configuration(**overrides: Any) -> Configuration:
    """Return the defaults with the overrides of the environment, without reading a file.

    Arguments are whole sections, and the models.

    Raises:
        ConfigurationError: A variable or an argument isn't allowed.
    """
    return _build(None, overrides)


def default_settings(*, model: Mapping[str, Any] | None = None, **overrides: Any) -> Settings:
    """Return the defaults of one model; see :func:`default_configuration`.

    The model has its name and keys as :class:`ModelSection` has them; overrides are whole sections.

    Raises:
        ConfigurationError: A variable or an argument isn't allowed.
    """
    if model is not None:
        table = dict(model)
        overrides["models"] = {table.pop("name", DEFAULT_MODEL): table}
    return default_configuration(**overrides).only()


def _build(file: Path | None, overrides: dict[str, Any]) -> Configuration:
    class FromFile(Configuration):
        model_config = SettingsConfigDict(toml_file=file)

    origin = str(file) if file else "configuration"
    try:
        configuration: Configuration = FromFile(**overrides)
        from_file = tomllib.loads(file.read_text(encoding="utf-8")) if file else {}
        from_environment = Environment(FromFile)()
        FromFile.sources = _sources(from_file, from_environment, file, {})
        if configuration.retrain.evaluation:
            path = configuration.retrain.evaluation
            monitoring = read_monitoring(Path(path))[0].overrides()

            class WithEvaluation(FromFile):
                _monitoring_overrides = monitoring

            configuration = WithEvaluation(**overrides)
            evaluation = {f"monitoring.{key}": path for key in monitoring}
            WithEvaluation.sources = _sources(from_file, from_environment, file, evaluation)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: not valid TOML: {error}{_toml_hint(error)}") from None
    except ValidationError as error:
        raise _configuration_error(origin, error.errors()) from None
    try:
        _ = configuration.names
    except ValueError as error:
        raise ConfigurationError(f"{origin}: models: {error}") from None
    _complete_database_url(configuration)
    apply_debugging(read_variable("DRIFTWARDEN_DEBUG"), configuration.database.url)
    problems = [
        *_variables_of_before(),
        *_variables_of_unknown_models(from_file, from_environment),
        *problems_of_models(configuration),
        *problems_of_channels(configuration.alerts),
    ]
    if problems:
        raise _configuration_error(origin, problems)
    _ = configuration.by_model  # reads the evaluation files of the models
    return configuration


def _complete_database_url(configuration: Configuration) -> None:
    """Add the database's password, where it stands apart from the address."""
    password = read_variable("DRIFTWARDEN_DATABASE_PASSWORD")
    if password:
        url = add_password(configuration.database.url, password)
        # Frozen for readers; here it is still being built.
        configuration.__dict__["database"] = configuration.database.model_copy(update={"url": url})


def _sources(
    from_file: Mapping[str, Any],
    from_environment: Mapping[str, Any],
    file: Path | None,
    evaluation: Mapping[str, str],
) -> dict[str, str]:
    """Return the source of each key that is set: environment, evaluation file, config.toml."""
    return {
        **dict.fromkeys(flatten(from_file), str(file)),
        **evaluation,
        **dict.fromkeys(flatten(from_environment), "environment"),
    }


def _variables_of_before() -> Iterator[Any]:
    """Yield the problem of the environment variables of a single model."""
    prefix = "DRIFTWARDEN_MODEL__"
    values = {
        name[len(prefix) :].lower(): value
        for name, value in os.environ.items()
        if name.upper().startswith(prefix)
    }
    if values:
        yield {"loc": ("model",), "input": values, "type": "extra_forbidden"}


def _variables_of_unknown_models(
    from_file: Mapping[str, Any], from_environment: Mapping[str, Any]
) -> Iterator[Any]:
    """Yield a problem for each model that the environment names and the file doesn't list.

    A file without models leaves them to the environment.
    """
    listed = from_file.get("models", {})
    for model in from_environment.get("models", {}):
        if listed and model not in listed:
            yield {
                "loc": ("models", model),
                "input": f"DRIFTWARDEN_MODELS__{model.upper()}__...",
                "type": "unknown_model",
                "msg": f"a variable of a model that the file doesn't list; it has "
                f"{', '.join(map(repr, listed))}. Keys of a model whose name has other characters "
                "than lower-case letters, digits and single _ are set in the file only",
            }


def _configuration_error(origin: str, problems: Sequence[Any]) -> ConfigurationError:
    return ConfigurationError("\n".join(f"{origin}: {explain(problem)}" for problem in problems))


def _toml_hint(error: tomllib.TOMLDecodeError) -> str:
    """Return what to do where a name is not quoted, or a section stands twice."""
    if re.search(r"Expected '\]'|Invalid initial character|Expected '=' after a key", str(error)):
        return (
            "; a name with other characters than letters, digits, - and _ is quoted: "
            '[models."org/contract"]'
        )
    if not re.search("Cannot declare|Cannot mutate|Cannot overwrite", str(error)):
        return ""
    return (
        "; a section is either a [table] or dotted keys such as kafka.topic = ..., not both, and "
        "no key stands twice"
    )
