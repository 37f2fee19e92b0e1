"""Refusal of pictures that aren't dermoscopy: a score inside the graph, its fit, and its limit."""

from nevus.training.novelty.branch import NoveltyBranch
from nevus.training.novelty.fit import fit_novelty, fit_statistics, measured
from nevus.training.novelty.limit import choose_limit
from nevus.training.novelty.parameters import NoveltyParameters
from nevus.training.novelty.score import NoveltyScore
from nevus.training.novelty.settings import NoveltySettings

__all__ = [
    "NoveltyBranch",
    "NoveltyParameters",
    "NoveltyScore",
    "NoveltySettings",
    "choose_limit",
    "fit_novelty",
    "fit_statistics",
    "measured",
]
