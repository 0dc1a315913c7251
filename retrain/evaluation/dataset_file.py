"""The bytes of a data set, from a path or from an address such as ``s3://bucket/key.jsonl``."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from monitor.errors import InputError

#: What fsspec needs for a protocol, where it isn't a part of it.
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
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://")


def read_dataset(place: str, folder: Path) -> bytes:
    """Read a data set.

    Args:
        place: A path, relative to ``folder``, or an address that fsspec knows.
        folder: Where the file lies that names it.

    Raises:
        InputError: It isn't there, can't be read, or a package is missing; the message says which.
    """
    if _ADDRESS.match(place):
        return _read_address(place)
    path = folder / Path(place).expanduser()
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such data set") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None


def _read_address(address: str) -> bytes:
    import fsspec  # noqa: PLC0415 - slow to import

    shown, protocol = _without_secrets(address), address.partition("://")[0]
    try:
        with fsspec.open(address, "rb") as file:
            content: bytes = file.read()
    except ImportError as error:
        package = PACKAGES.get(protocol)
        advice = f"install the package {package}" if package else str(error)
        raise InputError(f"{shown}: {protocol}:// can't be read yet: {advice}") from None
    except FileNotFoundError:
        raise InputError(f"{shown}: no such data set") from None
    except ValueError as error:
        if "Protocol not known" not in str(error):
            raise InputError(f"{shown}: can't be read: {error}") from error
        known = ", ".join(f"{name}://" for name in ("s3", "gs", "https", "az", "file"))
        raise InputError(
            f"{shown}: {protocol}:// is no protocol known here ({known}, ...)"
        ) from None
    except Exception as error:  # each file system has errors of its own
        raise InputError(f"{shown}: can't be read: {type(error).__name__}: {error}") from error
    return content


def _without_secrets(address: str) -> str:
    """Return an address without user, password and query, which may hold a signature."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
