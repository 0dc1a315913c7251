"""A side of a comparison, saved as a reference file and read back in its place."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from monitor.descriptors import are_withheld
from monitor.errors import InputError
from monitor.extras import using_extras
from monitor.input_files import InputSource
from monitor.traffic.files.reading import FileContent
from monitor.windows.reading.files import FileSide, SavedVectors
from monitor.windows.reference_file.detection import is_reference_file
from monitor.windows.reference_file.stored_rows import (
    read_rows,
    rows_with_texts,
    rows_without_texts,
)


@dataclass(frozen=True)
class SavedSource(InputSource):
    """The original file of a reference file, by its name and digest."""

    saved_digest: str = ""

    def digest(self) -> str:
        """Return the digest of the original file."""
        return self.saved_digest


@dataclass(frozen=True)
class SavedReference:
    """The content of a reference file."""

    source: SavedSource
    content: FileContent
    vectors: SavedVectors
    #: Whether prompts and responses are in the file.
    has_texts: bool


def save_reference(side: FileSide, *, with_texts: bool = True) -> bytes:
    """Return the reference file of an embedded side.

    Raises:
        InputError: The side is read from a file without texts.
        MissingExtraError: pyarrow is missing.
    """
    with using_extras("a reference file", "parquet"):
        from monitor.windows.reference_file.container import (  # noqa: PLC0415 - needs pyarrow
            VERSION,
            Content,
            Header,
            encode_content,
        )

    window, exchanges = side.window, side.content.exchanges
    if are_withheld(window.prompts):
        raise InputError(
            f"{side.name}: a reference file without texts; copy it", code="reference_without_texts"
        )
    rows = rows_with_texts(exchanges) if with_texts else rows_without_texts(exchanges)
    header = Header(
        version=VERSION,
        encoder=window.encoder,
        dimension=window.prompt_vectors.shape[1],
        name=side.name,
        digest=side.source.digest(),
        n_exchanges=len(rows),
        n_withheld=side.content.n_withheld,
        has_texts=with_texts,
        written_by=version("driftwarden"),
    )
    return encode_content(Content(header, rows, window.prompt_vectors, window.response_vectors))


def read_saved_reference(
    reference: Path | InputSource, current: Path | InputSource
) -> SavedReference | None:
    """Read the reference where it is a reference file; else return ``None``.

    Raises:
        InputError: The current side is one, or the reference is one that can't be used.
    """
    if isinstance(current, Path) and is_reference_file(current):
        raise InputError(
            f"{current}: a reference file; give it first, and the current exchanges second",
            code="reference_second",
        )
    if isinstance(reference, Path) and is_reference_file(reference):
        return read_reference(reference)
    return None


def read_reference(path: Path) -> SavedReference:
    """Read a reference file.

    Raises:
        InputError: It is damaged, of another version, or unpacks to far more than its size.
    """
    from monitor.windows.reference_file.container import (  # noqa: PLC0415 - needs pyarrow
        intact,
        read_content,
    )

    stored = read_content(path)
    header = stored.header
    with intact(str(path)):
        exchanges = read_rows(stored.rows)
    return SavedReference(
        SavedSource(Path(header.name), (), saved_digest=header.digest),
        FileContent(exchanges, [], header.n_withheld),
        SavedVectors(header.encoder, stored.prompt_vectors, stored.response_vectors),
        header.has_texts,
    )


def remarks_on_saved(saved: SavedReference | None) -> tuple[str, ...]:
    """Return a remark on what the absence of the reference's texts costs."""
    if saved is None or saved.has_texts:
        return ()
    remark = (
        f"The reference file of {saved.source.name} has no texts: none is quoted, output formats "
        "are not compared, topics are named without the baseline's words, equal prompts or copies "
        "of both sides are not seen, and no common text or form is found that explains a change."
    )
    return (remark,)
