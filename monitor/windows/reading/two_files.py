"""Two files of exchanges, read and checked; nothing that compares them is imported."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.input_files import InputSource, open_source, open_two
from monitor.settings import Settings
from monitor.traffic.files.reading import FileContent
from monitor.traffic.files.shapes.column_rows import check_same_columns
from monitor.traffic.same_prompt import check_prompts
from monitor.windows.reading.files import read_file
from monitor.windows.reference_file.saved_reference import SavedReference, read_saved_reference


@dataclass(frozen=True)
class TwoFiles:
    """The reference file and the current file."""

    sources: Sequence[InputSource]
    contents: Sequence[FileContent]
    #: The reference file, where it is one of ``--save-reference``.
    saved: SavedReference | None


def read_two_files(
    reference: Path | InputSource, current: Path | InputSource, settings: Settings
) -> TwoFiles:
    """Read two files of exchanges.

    Raises:
        InputError: A file cannot be read or has no exchange; the message lists its bad lines. Or
            the columns of the two differ, or most prompts of one are one text.
    """
    saved = read_saved_reference(reference, current)
    sources: list[InputSource]
    if saved is None:
        sources = list(open_two(reference, current))
        contents = [read_file(source, settings) for source in sources]
    else:
        sources = [saved.source, open_source(current)]
        contents = [saved.content, read_file(sources[1], settings)]
    check_same_columns(
        [content.shape for content in contents], [source.label for source in sources]
    )
    for source, content in zip(sources, contents, strict=True):
        check_prompts(source.label, content.exchanges, settings.drift.max_same_prompt_share)
    return TwoFiles(sources, contents, saved)
