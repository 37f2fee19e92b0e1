"""Labels: what people say that images show, with every change remembered."""

from nevus.store.label import RANKS, Label
from nevus.store.labels.errors import ConflictingLabelError, LabelError
from nevus.store.labels.labels import Labels
from nevus.store.labels.new_label import NewLabel

__all__ = ["RANKS", "ConflictingLabelError", "Label", "LabelError", "Labels", "NewLabel"]
