"""Which of two labels of one image counts."""

from __future__ import annotations

from nevus.store.label import RANKS, Label
from nevus.store.labels.errors import ConflictingLabelError
from nevus.store.labels.new_label import NewLabel


def supersedes(new: NewLabel, current: Label | None) -> bool:
    """Whether a later label counts instead of the one that counts now.

    The better confirmed one counts, and of equally confirmed ones that agree the later. A correction, which names the
    label that it replaces, counts however it is confirmed: else a histology that was typed in wrongly would stay.

    Raises:
        ConflictingLabelError: equally confirmed ones disagree, or a correction names a label that doesn't count now.
    """
    if new.replaces is not None:
        return _corrects(new.replaces, current)
    if current is None:
        return True
    rank = RANKS[new.confirmed_by]
    if new.diagnosis != current.diagnosis and rank == current.rank:
        how = current.confirmed_by or "nobody's confirmation"
        raise ConflictingLabelError(
            f"the label {current.label_id} says {current.diagnosis} by {how}, and this one {new.diagnosis} by the "
            f"same. To correct it, send this one with replaces={current.label_id}.",
            current.label_id,
        )
    return rank >= current.rank


def _corrects(replaces: str, current: Label | None) -> bool:
    if current is None:
        raise ConflictingLabelError("replaces: this image has no label to correct; send this one without.", None)
    if replaces != current.label_id:
        raise ConflictingLabelError(
            f"replaces: {replaces[:40]!r} is not the label that counts for this image now; that is {current.label_id}, "
            f"which says {current.diagnosis}.",
            current.label_id,
        )
    return True
