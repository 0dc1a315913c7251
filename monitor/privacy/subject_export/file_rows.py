"""Parts of an export from the files of retraining, exports and imports."""

import json
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from monitor.input_files import open_source
from monitor.privacy.erasure.end_user_files import Files
from monitor.privacy.erasure.traces import Traces
from monitor.privacy.proof.findings import stored_name
from monitor.privacy.retention.period_text import READERS
from monitor.privacy.run_files import RUN_FILES
from monitor.privacy.subject_export.document import DocumentColumn, DocumentEntry, DocumentPart
from monitor.privacy.subject_export.ownership import Ownership
from monitor.privacy.subject_export.third_parties import ThirdParties, map_strings
from monitor.privacy.subject_export.values import strings_of, without_instructions
from monitor.table_types.contents import Content

NO_PERIOD = "no period: until an operator deletes the file"


class FileRows:
    """Reads the files in which an end user was found.

    The files are those with rows of the end user, or words about them. ``third_parties`` masks what
    staff wrote.
    """

    def __init__(
        self, files: Files, ownership: Ownership, traces: Traces, third_parties: ThirdParties
    ) -> None:
        self._files = files
        self._ownership = ownership
        self._traces = traces
        self._third_parties = third_parties

    def parts(self) -> Iterator[DocumentPart]:
        """Yield a part for each file that holds something of the end user."""
        roots = [run.folder.root for run in self._files.runs]
        for path in sorted(self._files.rows):
            entries = list(self._rows(path))
            if entries:
                yield _part(path, roots, Content.END_USER_TEXT, entries)
        for path in self._files.named:
            entries = list(self._words(path))
            if entries:
                yield _part(path, roots, Content.STAFF_WORDS, entries)

    def _rows(self, path: Path) -> Iterator[DocumentEntry]:
        owns = self._files.owns(path)
        for number, raw in open_source(path).values():
            row = _object(raw)
            if row is None or not owns(row):  # as an erasure decides
                continue
            if self._ownership.owns_line(row):
                values = map_strings(without_instructions(row), self._without_third_parties)
                yield DocumentEntry({"row": number + 1}, values=values)
            else:
                parts = self._passages(row) or [raw.decode("utf-8", "replace")]
                yield DocumentEntry({"row": number + 1}, passages={"row": parts})

    def _words(self, path: Path) -> Iterator[DocumentEntry]:
        text = path.read_text(encoding="utf-8", errors="replace")
        if parts := self._passages(text):
            yield DocumentEntry({}, passages={"text": parts})

    def _without_third_parties(self, text: str) -> str:
        # Names, codes and times have no blanks; what they look like is not redacted.
        return str(self._third_parties.mask_words(text)) if " " in text else text

    def _passages(self, value: Any) -> list[str]:
        return list(
            dict.fromkeys(
                text[first:last]
                for text in strings_of(value)
                for first, last in self._traces.spans(text)
            )
        )


def _part(
    path: Path, roots: list[Path], content: Content, entries: list[DocumentEntry]
) -> DocumentPart:
    return DocumentPart(
        place="file",
        name=stored_name(str(path)),
        purpose=_purpose(path, roots),
        period=NO_PERIOD,
        readers=READERS["operator"],
        columns=(DocumentColumn("row", content.value),),
        entries=entries,
    )


def _purpose(path: Path, roots: list[Path]) -> str:
    for root in roots:
        if path.is_relative_to(root):
            name = path.relative_to(root).as_posix()
            for kind in RUN_FILES:
                if fnmatch(name, kind.pattern):
                    return kind.purpose
    return "train and evaluate models"


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
