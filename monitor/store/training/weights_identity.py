"""Digests and file states of a version's weights, as ``model_versions.identity`` stores them."""

from datetime import datetime

import msgspec


class RecordedFile(msgspec.Struct, frozen=True):
    """A file that changes what is generated."""

    #: Its path in the folder.
    name: str
    #: SHA-256 of what acts in it.
    digest: str
    size: int
    inode: int
    #: Time of its last change of content or state; 0: too new to tell a later change by it.
    changed_ns: int


class RecordedFolder(msgspec.Struct, frozen=True):
    """A folder of weights."""

    path: str
    #: ``sha256:...`` of the tensors, which recognises copies.
    tensors: str
    #: ``sha256:...`` of all that acts in it.
    acting: str
    files: tuple[RecordedFile, ...]


class WeightsIdentity(msgspec.Struct, frozen=True):
    """All that acts where a version responds."""

    #: ``sha256:...`` of the folders, a base of the hub with its commit, and the chat template.
    acting: str
    #: The version's own folder, then that of its base, unless that is a model of the hub.
    folders: tuple[RecordedFolder, ...]
    #: The base, if it is a model of the hub, which its commit pins.
    hub: str
    recorded_at: datetime

    @property
    def tensors(self) -> str:
        """``sha256:...`` of the version's own tensors; empty: it is a model of the hub."""
        return self.folders[0].tensors if self.folders else ""
