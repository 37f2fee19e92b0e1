"""Labels: what people say that images show, with every change remembered."""

from nevus.store.labels.label import RANKS, Label

__all__ = ["RANKS", "Label"]
