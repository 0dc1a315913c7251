"""The error of a release that can't be made."""


class ReleaseError(Exception):
    """Raised when something must be mended before the release."""
