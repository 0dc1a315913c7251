"""Tar archives."""

import tarfile
from typing import BinaryIO, cast

from monitor.privacy.file_readers.parts import Budget, Member, Metered, Parts, Text, UnreadError


def read(content: BinaryIO, budget: Budget) -> Parts:
    """Yield names and members of an archive, which is read once, without extracting it."""
    try:
        with tarfile.open(fileobj=content, mode="r|") as archive:
            for info in archive:
                budget.count_member()
                yield Text("\n".join([info.name, info.linkname, info.uname, info.gname]))
                yield Text("\n".join(map(str, info.pax_headers.values())))
                file = archive.extractfile(info) if info.isfile() else None
                if file is not None:
                    stream = Metered(cast("BinaryIO", file), budget)
                    yield Member(info.name, cast("BinaryIO", stream))
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise UnreadError(f"damaged: {error}") from error
