"""Record of all that acts where a version responds, taken when it is trained or registered."""

from datetime import datetime
from pathlib import Path

import msgspec

from monitor.errors import ModelError
from monitor.store.training.weights_identity import WeightsIdentity
from retrain.identity.digests import digest_values, read_folder, settle
from retrain.models.source import Source


def take_identity(source: Source, now: datetime) -> WeightsIdentity:
    """Digest the folders of a version's weights and of its base.

    A base of the hub is named with its commit, which pins its contents.

    Raises:
        ModelError: A file of weights is damaged, missing or unreadable.
    """
    is_hub = not (Path(source.base).is_absolute() or Path(source.base).is_dir())
    hub = f"{source.base}@{source.revision}" if is_hub else ""
    places = [source.adapter, "" if is_hub else source.base]
    try:
        read = [read_folder(Path(place), source.base) for place in places if place]
    except OSError as error:
        raise ModelError(
            f"{error.filename}: can't be read: {error.strerror}", code="no_weights"
        ) from None
    folders = tuple(
        msgspec.structs.replace(folder, files=tuple(settle(file, now) for file in folder.files))
        for folder in read
    )
    return WeightsIdentity(
        acting=digest_values([[folder.acting for folder in folders], hub, source.chat_template]),
        hub=source.base if is_hub else "",
        folders=folders,
        recorded_at=now,
    )
