"""Data set files on disk or at an address such as ``s3://bucket/key.jsonl``."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor.errors import DatasetUnavailableError, InputError
from monitor.extras import MODULES
from monitor.outgoing import resolves_to_metadata
from retrain.data.benchmarks.http_session import GuardedSession

#: Packages that fsspec needs for a protocol.
PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "az": "adlfs",
    "abfs": "adlfs",
    "hf": "huggingface_hub",
}
HTTP = frozenset({"http", "https"})
S3 = frozenset({"s3", "s3a"})
#: Protocols whose addresses name a bucket or nothing in place of a host. fsspec knows more, some of
#: which send requests that nobody watches.
OF_BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "hf", "file", "memory"})
#: Transient HTTP statuses.
_TRY_AGAIN = frozenset({408, 425, 429})
_GONE = frozenset({404, 410})
#: Errors of botocore: missing credentials, or an invalid name.
_REFUSALS = frozenset({"NoCredentialsError", "ParamValidationError"})
_QUERY = re.compile(r"\?[^\s'\"]*")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://")


def read_dataset(place: str, folder: Path) -> bytes:
    """Read a data set.

    ``place`` is a path, relative to the folder of the referring file, or an address.

    Raises:
        InputError: The data set is missing or refused, or a package is missing.
        DatasetUnavailableError: The storage service is unavailable or busy.
    """
    if _ADDRESS.match(place):
        return _read_address(place)
    path = folder / Path(place).expanduser()
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such data set", code="no_file") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}", code="not_readable") from None


def _read_address(address: str) -> bytes:
    import fsspec  # noqa: PLC0415 - slow to import

    label, protocol = _without_secrets(address), address.partition("://")[0]
    if protocol not in HTTP | OF_BUCKETS:
        known = ", ".join(f"{name}://" for name in ("s3", "gs", "https", "az", "file"))
        raise InputError(
            f"{label}: unknown protocol: {protocol}://; use {known}, ...", code="unknown_protocol"
        )
    host = "" if protocol in OF_BUCKETS else urlsplit(address).hostname or ""
    if host and resolves_to_metadata(host):
        raise InputError(
            f"{label}: the address of a cloud's metadata; name a data set", code="metadata"
        )
    if "::" in address:  # fsspec would send a request of its own to what follows
        raise InputError(
            f"{label}: two addresses, joined by `::`; name the data set alone", code="joined"
        )
    session = GuardedSession(host)
    options: dict[str, Any] = {}
    if protocol in HTTP:
        options = {"get_client": session.open}
    elif protocol in S3:
        options = {"config_kwargs": {"connector_args": {"socket_factory": session.open_socket}}}
    try:
        with fsspec.open(address, "rb", skip_instance_cache=bool(options), **options) as file:
            content: bytes = file.read()
    except ImportError as error:
        package = PACKAGES.get(protocol)
        advice = f"install the package {package}" if package else str(error)
        if package in MODULES["s3"]:
            advice = f"`pip install 'driftwarden[s3]'` brings {package}"
        raise InputError(
            f"{label}: {protocol}:// can't be read; {advice}", code="no_package"
        ) from None
    except FileNotFoundError as error:
        if session.refused:
            raise InputError(
                f"{label}: redirected to a private address: {session.refused}; name the address "
                "of the data set itself",
                code="private",
            ) from None
        # Every HTTP failure has this type; its cause has the details.
        cause = error.__cause__
        status = getattr(cause, "status", None)
        failed = status not in _GONE if status else isinstance(cause, OSError)
        if failed and isinstance(cause, Exception):
            raise _access_error(label, address, cause) from None
        raise InputError(f"{label}: no such data set", code="no_file") from None
    except ValueError as error:
        raise InputError(f"{label}: can't be read: {_message_of(error, address)}") from None
    except Exception as error:  # noqa: BLE001 - each file system has errors of its own
        raise _access_error(label, address, error) from None
    return content


def _without_secrets(address: str) -> str:
    """Return an address without user, password and query (which may contain a signature)."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _access_error(
    label: str, address: str, error: Exception
) -> InputError | DatasetUnavailableError:
    """Return the error to raise, transient or permanent."""
    message = _message_of(error, address)
    if _is_refusal(error):
        return InputError(f"{label}: access refused: {message}", code="refused")
    return DatasetUnavailableError(f"{label}: unavailable: {message}")


def _is_refusal(error: Exception) -> bool:
    """Return whether an error is permanent: no permission, or no credentials."""
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return 400 <= status < 500 and status not in _TRY_AGAIN
    return isinstance(error, PermissionError) or type(error).__name__ in _REFUSALS


def _message_of(error: Exception, address: str) -> str:
    """Return an error's message without secrets of addresses."""
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return f"HTTP {status}"
    login = urlsplit(address).netloc.rpartition("@")[0]
    text = " ".join(str(error).split())
    if login:
        text = text.replace(f"{login}@", "")
    return f"{type(error).__name__}: {_QUERY.sub('', text)}"
