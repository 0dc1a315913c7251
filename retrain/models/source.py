"""Location of a system's weights: a version's, or a base model's alone."""

import msgspec

from monitor.store.training.registry import VersionRow


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a system's weights lie."""

    #: Folder or hub id of the model.
    base: str
    #: Commit of a hub model.
    revision: str = ""
    #: Folder of an adapter; empty: the model alone.
    adapter: str = ""


def source_of(version: VersionRow, base: Source) -> Source:
    """Return where a version's weights lie: full fine-tuning leaves a whole model.

    Args:
        version: The version.
        base: What its adapter belongs to, where its lineage doesn't say.
    """
    lineage = version.lineage
    if lineage.get("method") == "full":
        return Source(base=version.adapter_path)
    return Source(
        base=str(lineage.get("base") or base.base),
        # A local base has a digest in the place of a commit; then it is a folder, and has none.
        revision=str(lineage.get("base_revision") or base.revision),
        adapter=version.adapter_path,
    )
