"""Addresses of files on other machines, which are not read."""

import re

from monitor.errors import InputError

#: Scheme -> the command that writes the file to standard output.
_READERS = {
    "s3": "aws s3 cp {} -",
    "gs": "gcloud storage cat {}",
    "http": "curl -fsSL {}",
    "https": "curl -fsSL {}",
}
#: A path has one slash where an address has two.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9]+):/+(.+)")


def refuse_address(place: str) -> None:
    """Refuse an address, such as ``s3://bucket/key``, with what to do instead.

    Raises:
        InputError: The place begins with a scheme.
    """
    match = _ADDRESS.match(place)
    if match is None:
        return
    scheme, rest = match[1].lower(), match[2]
    if scheme == "file":
        raise InputError(
            f"file:///{rest}: an address, not a file; give the path: /{rest}", code="remote_file"
        )
    address = f"{scheme}://{rest}"
    reader = _READERS.get(scheme)
    advice = "download it, and give the file"
    if scheme == "hf":
        repository = rest.removeprefix("datasets/")
        advice = f"download it (`hf download --repo-type dataset {repository}`), and give the file"
    elif reader is not None:
        advice += f"; or pipe it (`{reader.format(address)} | driftwarden ...`) and give - for it"
    raise InputError(
        f"{address}: an address, not a file; {advice}",
        code="remote_file",
    )
