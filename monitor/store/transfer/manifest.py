"""Manifest of a backup: what it holds, with the digest of each part."""

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

from monitor.errors import ConfigurationError, DatabaseDamagedError
from monitor.store.transfer.stored_rows import TableDigest

#: Raised when a reader of an earlier form would misread the archive.
FORMAT = 1
DATABASE = "database.db"
MANIFEST = "manifest.json"
#: What proves the manifest, the last file of the archive: an HMAC-SHA-256 where there is a key,
#: else a SHA-256, which shows damage but which anybody can compute again.
SEAL = "manifest.sha256"


class ArchivedFile(msgspec.Struct, frozen=True):
    """A file of the archive."""

    name: str
    size: int
    #: SHA-256.
    digest: str
    #: Permissions.
    mode: int


class Root(msgspec.Struct, frozen=True):
    """A folder or file that was archived, under its number."""

    number: int
    #: As the configuration or the registry names it.
    path: str
    is_folder: bool


class Manifest(msgspec.Struct, frozen=True):
    """The content of a backup."""

    format: int
    #: Version of driftwarden.
    version: str
    #: Revision of the schema.
    revision: str
    #: The state of the database is of this time, RFC 3339.
    created_at: str
    #: ``sqlite`` or ``postgresql``; the archive has a SQLite file of either.
    kind: str
    tables: tuple[TableDigest, ...]
    roots: tuple[Root, ...]
    files: tuple[ArchivedFile, ...]
    #: What is under a root and was not archived, with the reason.
    left_out: tuple[str, ...]


def encode_manifest(manifest: Manifest, key: str) -> tuple[bytes, bytes]:
    """Return a manifest as JSON, and its seal; without a ``key`` the seal is a plain digest."""
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    return content, _seal(content, key)


def decode_manifest(content: bytes, seal: bytes, key: str) -> Manifest:
    """Return the manifest of JSON and seal.

    Raises:
        DatabaseDamagedError: It does not match its seal, or is of another form.
        ConfigurationError: There is a ``key`` and the seal is without one, or the reverse.
    """
    was_keyed = seal.startswith(b"hmac-")
    if was_keyed and not key:
        raise ConfigurationError(
            "archive sealed with a key: set DRIFTWARDEN_BACKUP_KEY to the key of that time"
        )
    if key and not was_keyed:
        raise ConfigurationError(
            "archive sealed without a key: anybody may have altered it; if it is of a time before "
            "DRIFTWARDEN_BACKUP_KEY was set, unset the variable for this command"
        )
    if not hmac.compare_digest(_seal(content, key), seal):
        raise DatabaseDamagedError(
            "altered archive, or another DRIFTWARDEN_BACKUP_KEY: its manifest does not match its "
            "seal; use the key of that time, or another backup"
            if key
            else "altered archive: its manifest does not match its seal; use another backup",
            code="damaged_archive",
        )
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise DatabaseDamagedError(
            f"unknown form of archive: {error}; restore it with the version that made it",
            code="unknown_archive",
        ) from None
    if manifest.format != FORMAT:
        raise DatabaseDamagedError(
            f"unknown form of archive: {manifest.format}, this version reads {FORMAT}; restore it "
            f"with driftwarden {manifest.version}",
            code="unknown_archive",
        )
    for name in _unsafe_names(manifest):
        raise DatabaseDamagedError(
            f"unsafe name in the archive: {name!r}; use another backup", code="damaged_archive"
        )
    return manifest


def _seal(content: bytes, key: str) -> bytes:
    if key:
        return f"hmac-sha256 {hmac.new(key.encode(), content, 'sha256').hexdigest()}\n".encode()
    return f"{hashlib.sha256(content).hexdigest()}\n".encode()


def _unsafe_names(manifest: Manifest) -> Iterator[str]:
    numbers = {str(root.number) for root in manifest.roots}
    for file in manifest.files:
        path = PurePosixPath(file.name)
        inside = path.parts[:1] == ("files",) and path.parts[1:2] and path.parts[1] in numbers
        if file.name != DATABASE and (not inside or ".." in path.parts or path.is_absolute()):
            yield file.name
