"""A difference of a version's files from their record, as ``model_versions.weights_change``."""

from datetime import datetime

import msgspec


class FileState(msgspec.Struct, frozen=True):
    """The state of a file, by which a later change of it shows."""

    path: str
    size: int
    inode: int
    changed_ns: int


class WeightsChange(msgspec.Struct, frozen=True):
    """The result of the newest comparison, where it is a difference or there was none."""

    #: ``changed``: files differ, came or went. ``missing``, ``unreadable``: the folder, so that
    #: nothing was compared. ``not_recorded``: there is no record.
    kind: str
    #: What differs and what to do, without the version's name.
    text: str
    found_at: datetime
    #: Of the files then; empty: too new to tell a later change by them.
    states: tuple[FileState, ...] = ()

    @property
    def is_mismatch(self) -> bool:
        """Whether other files act than those recorded; else nothing could be compared."""
        return self.kind == "changed"
