"""Refusal of pictures that aren't dermoscopy: a score inside the graph, and its fit."""

from nevus.training.novelty.branch import NoveltyBranch
from nevus.training.novelty.fit import Pictures, fit_novelty, measured
from nevus.training.novelty.head import fit_statistics
from nevus.training.novelty.parameters import NoveltyParameters
from nevus.training.novelty.score import NoveltyScore
from nevus.training.novelty.settings import NoveltySettings

__all__ = [
    "NoveltyBranch",
    "NoveltyParameters",
    "NoveltyScore",
    "NoveltySettings",
    "Pictures",
    "fit_novelty",
    "fit_statistics",
    "measured",
]
