"""Location of a system's weights."""

import msgspec

from monitor.store.training.registry import VersionRow


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The location of a system's weights: a base model with an optional adapter."""

    #: Folder or hub id of the model.
    base: str
    #: Commit of a hub model.
    revision: str = ""
    #: Folder of an adapter; empty: the model alone.
    adapter: str = ""


def source_of(version: VersionRow, base: Source) -> Source:
    """Return the location of a version's weights; full fine-tuning leaves a whole model.

    Args:
        version: The version.
        base: Base of the adapter if the lineage names none.
    """
    lineage = version.lineage
    if lineage.get("method") == "full":
        return Source(base=version.adapter_path)
    return Source(
        base=str(lineage.get("base") or base.base),
        # The lineage of a local base holds a digest instead of a commit; a folder has no commit.
        revision=str(lineage.get("base_revision") or base.revision),
        adapter=version.adapter_path,
    )
