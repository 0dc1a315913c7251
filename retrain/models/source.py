"""Location of a system's weights, and its chat template."""

import msgspec

from monitor.store.training.registry import VersionRow


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A system: a base model with an optional adapter, and a chat template."""

    #: Folder or hub id of the model.
    base: str
    #: Commit of a hub model.
    revision: str = ""
    #: Folder of an adapter; empty: the model alone.
    adapter: str = ""
    #: Text of the template that replaces the model's; empty: the model's own.
    chat_template: str = ""


def source_of(version: VersionRow, base: Source) -> Source:
    """Return the location of a version's weights; full fine-tuning leaves a whole model.

    ``base`` is that of the adapter if the lineage names none.
    """
    lineage = version.lineage
    trained_on = Source(
        base=str(lineage.get("base") or base.base),
        # The lineage of a local base holds a digest instead of a commit; a folder has no commit.
        revision=str(lineage.get("base_revision") or base.revision),
        chat_template=template_of(version),
    )
    return source_of_weights(version.adapter_path, str(lineage.get("method")), trained_on)


def source_of_weights(folder: str, method: str, base: Source) -> Source:
    """Return the location of weights that a method trained on a base."""
    if method == "full":
        return Source(base=folder, chat_template=base.chat_template)
    return msgspec.structs.replace(base, adapter=folder)


def template_of(version: VersionRow) -> str:
    """Return the text of the template that a version was trained with instead of its base's."""
    return str(version.lineage.get("chat_template") or "")
