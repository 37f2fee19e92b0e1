"""Why a label isn't taken."""

from __future__ import annotations

from nevus.errors import InputError


class LabelError(InputError):
    """A label says something that can't be; `field` names it."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(f"{field}: {said}")
        self.field = field


class ConflictingLabelError(InputError):
    """Another label of the same weight says otherwise; `label_id` is that label's."""

    def __init__(self, said: str, label_id: str | None) -> None:
        super().__init__(said)
        self.label_id = label_id
