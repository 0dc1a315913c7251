"""Settings and database of the commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from monitor.settings import Configuration, Sections, Settings

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Configuration file. Default: ./config.toml if it exists, else the defaults.",
        show_default=False,
    ),
]


ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Name or alias of a model. Needed only where the configuration lists several.",
        show_default=False,
    ),
]


ModelFilter = Annotated[
    str | None,
    typer.Option("--model", help="Only what is of this model.", show_default=False),
]


def read_configuration(config: Path | None, **overrides: Any) -> "Configuration":
    """Load the configuration of a command, and log warnings and errors to stderr.

    Standard output is for results, which may be JSON. A broken evaluation file is a warning: only
    evaluations need it.
    """
    import logging

    from monitor.settings import load_configuration
    from monitor.settings.evaluation_file import read_monitoring
    from monitor.telemetry import configure_logging, get_logger

    configure_logging(level=logging.WARNING)
    configuration = load_configuration(config, **overrides)
    for file in dict.fromkeys(of_model.retrain.evaluation for of_model in configuration.by_model):
        monitoring, problem = read_monitoring(Path(file)) if file else (None, "")
        if monitoring is not None and problem:
            get_logger(__name__).warning(
                "evaluation_file_broken", problem=problem, stopped="evaluations and training data",
                monitoring=monitoring.overrides() or "as config.toml has it",
            )  # fmt: skip
    return configuration


def read_settings(config: Path | None, model: str | None) -> "Settings":
    """Load the settings of one model for a command.

    Raises:
        UnknownModelError: The model isn't listed, or there are several and none is named.
    """
    return read_configuration(config).only(model)


def find_model(connection: "Connection", settings: "Sections", name: str) -> str:
    """Return the model of a name: listed, with history, or of an alias.

    Raises:
        UnknownModelError: No such model is known.
    """
    from monitor.errors import UnknownModelError

    model = known_model(connection, settings, name)
    if model is None:
        raise UnknownModelError(name, settings.names.listed)
    return model


def known_model(connection: "Connection", settings: "Sections", name: str) -> str | None:
    """Return the model of a name as :func:`find_model` does; ``None``: it is unknown."""
    from monitor.store.model_history import models_with_history

    return settings.names.find(name, {*settings.names.listed, *models_with_history(connection)})


@contextmanager
def transaction_of_model(
    config: Path | None, model: str | None
) -> Iterator[tuple["Connection", "Settings"]]:
    """Open the database and one transaction on it; yield it with the settings of the model.

    The model need not be listed. Where none is named it is the only listed one.

    Raises:
        UnknownModelError: The model is unknown, or none is named and several are listed.
    """
    configuration = read_configuration(config)
    if model is None:
        configuration.only()
    with database_transaction(configuration) as connection:
        name = model_named(connection, configuration, model)
        yield connection, configuration.settings_of(name)


def model_named(connection: "Connection", configuration: "Configuration", model: str | None) -> str:
    """Return the model of a command: the named one, or else the only one that is listed.

    Raises:
        UnknownModelError: The model is unknown, or none is named and several are listed.
    """
    if model is None:
        return configuration.only().model.name
    return find_model(connection, configuration, model)


def settings_of_run(configuration: "Configuration", engine: "Engine", run: int) -> "Settings":
    """Return the settings of the model that a run trains."""
    from monitor.store.engine import transaction
    from monitor.store.training.runs import run_by_id

    with transaction(engine) as connection:
        return configuration.settings_of(run_by_id(connection, run).model)


def open_database(settings: "Sections") -> "Engine":
    """Open the database and check the revision of its schema."""
    from monitor.store.engine import make_engine
    from monitor.store.migrations import require_current

    engine = make_engine(settings.database.url)
    require_current(engine)
    return engine


@contextmanager
def database_transaction(settings: "Sections") -> Iterator["Connection"]:
    """Open the database, and one transaction on it."""
    from monitor.store.engine import transaction

    with transaction(open_database(settings)) as connection:
        yield connection
