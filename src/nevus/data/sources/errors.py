"""What can be wrong with a dataset as a whole. Faults of single rows are the check's business, not errors."""

from __future__ import annotations

from nevus.errors import InputError


class SourceError(InputError):
    """A dataset isn't where, or as, the settings say."""


class MissingDatasetError(SourceError, FileNotFoundError):
    """A folder or file of the dataset isn't there, or holds nothing."""


class MissingColumnError(SourceError, KeyError):
    """A dataset's table lacks a column that it must have."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would print the quoted representation
