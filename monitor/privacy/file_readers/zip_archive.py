"""Zip archives, also those of office documents and of torch's checkpoints."""

import zipfile
from typing import BinaryIO, cast

from monitor.privacy.file_readers.parts import (
    Budget,
    Member,
    Metered,
    Part,
    Parts,
    Text,
    Unread,
    UnreadError,
)

ENCRYPTED = 0x1


def read(content: BinaryIO, budget: Budget) -> Parts:
    """Yield names, comments and members of an archive."""
    try:
        archive = zipfile.ZipFile(content)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadError(f"damaged: {error}") from error
    with archive:
        yield Text(archive.comment.decode("utf-8", "replace"))
        for info in archive.infolist():
            budget.count_member()
            yield Text(f"{info.filename}\n{info.comment.decode('utf-8', 'replace')}")
            if not info.is_dir():
                yield from _members(archive, info, budget)


def _members(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Parts:
    part: Part
    if info.flag_bits & ENCRYPTED:
        yield Unread(f"{info.filename}: encrypted")
        return
    try:
        file = archive.open(info)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        yield Unread(f"{info.filename}: {error}")
        return
    with file:
        part = Member(info.filename, cast("BinaryIO", Metered(cast("BinaryIO", file), budget)))
        yield part
