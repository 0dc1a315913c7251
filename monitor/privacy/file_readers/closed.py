"""Files that hold text in a form that isn't read; each is named."""

from typing import BinaryIO

from monitor.privacy.file_readers.parts import Budget, Parts, Unread

#: First bytes, and what the file is.
MARKS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"RIFF", "an image, a sound or a film"),
    (b"ID3", "a sound"),
    (b"OggS", "a sound"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"PARE", "an encrypted Parquet file"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"\xff\x06\0\0sNaPpY", "compressed with snappy"),
    (b"\x1f\x9d", "compressed with compress"),
    (b"LZIP", "compressed with lzip"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"age-encryption.org", "encrypted with age"),
    (b"-----BEGIN PGP MESSAGE", "encrypted with PGP"),
    (b"Salted__", "encrypted with OpenSSL"),
    (b"LUKS\xba\xbe", "an encrypted volume"),
)


def reason_of(head: bytes) -> str:
    """Return what a file is that can't be read; empty: none of these."""
    return next((kind for mark, kind in MARKS if head.startswith(mark)), "")


def read(content: BinaryIO, _budget: Budget) -> Parts:
    """Yield why a file isn't read."""
    yield Unread(reason_of(content.read(64)))
