"""Rows of files that are an end user's: one rule for each kind of file."""

from dataclasses import dataclass
from typing import Any

from monitor.privacy.end_users.end_user import EndUser
from monitor.privacy.proof.file_search import Terms
from monitor.privacy.proof.records import texts_of

Row = dict[str, Any]


@dataclass(frozen=True)
class RowOwner:
    """The rules. Each row counts that names the end user or has a long passage of theirs."""

    end_user: EndUser
    terms: Terms

    def of_run(self, row: Row) -> bool:
        """Return whether a row of a run or an export is theirs, or another's that quotes them."""
        return self.end_user.owns(row) or self._is_quoted(row) or self._has_passage(row)

    def of_input(self, row: Row) -> bool:
        """Return whether a row of training data or of a data set is theirs.

        A short quote may be chance, a whole prompt that nobody else wrote is none.
        """
        return (
            self.end_user.owns(row)
            or any(map(self._is_quoted, self.end_user.prompts_in(row)))
            or self._has_passage(row)
        )

    def of_bare_export(self, row: Row) -> bool:
        """Return whether a row of an export without ids of exchanges is theirs."""
        return bool(self.end_user.prompts_in(row)) or self.of_run(row)

    def of_copy(self, row: Row) -> bool:
        """Return whether a row of a file that may be a copy of any export is theirs."""
        metadata = row.get("metadata") or row.get("meta")
        names_exchange = isinstance(metadata, dict) and "exchange_id" in metadata
        return self.of_run(row) if names_exchange else self.of_bare_export(row)

    def _is_quoted(self, value: Any) -> bool:
        return self.terms.traces.in_value(value)

    def _has_passage(self, row: Row) -> bool:
        return any(True for _ in self.terms.fingerprints.find("\n".join(texts_of(row))))
