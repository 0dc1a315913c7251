"""Keys of earlier releases, which are refused with what to write instead."""

#: Present names by the old ones, both dotted, such as ``review.lease``.
RENAMED_KEYS: dict[str, str] = {}

#: Keys that have no successor, with the reason.
REMOVED_KEYS: dict[str, str] = {}
