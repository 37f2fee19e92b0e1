"""Drawn pictures that aren't dermoscopy: what a lesion classifier must refuse."""

from nevus.training.novelty.proxies.catalogue import FAMILIES, KINDS, draw, draw_many

__all__ = ["FAMILIES", "KINDS", "draw", "draw_many"]
