"""The bundle that the service is measured with: MobileNetV2 at 224 x 224, one view, with a novelty branch.

    python benchmarks/reference_bundle.py --like runs/ham10000/bundle --weights backbone.safetensors OUT

Manifest and limits are another bundle's; the weights are ImageNet's and the head is random: only time is measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from nevus.bundle import read_bundle_manifest, write_bundle
from nevus.bundle.metadata import width
from nevus.bundle.schema import InputSpec, RefusalLimits
from nevus.training.export import export_graph
from nevus.training.graph import BundleGraph
from nevus.training.network import LesionNetwork
from nevus.training.novelty.branch import NoveltyBranch
from nevus.training.novelty.fit import fit_novelty
from nevus.training.novelty.score import NoveltyScore
from nevus.training.novelty.settings import NoveltySettings
from nevus.training.settings import ModelSettings

SIDE = 224


class Noise:
    """Pictures to fit a novelty score on; their looks don't matter for its time."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int, /) -> np.ndarray:
        return np.random.default_rng(index).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)


def main() -> int:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--like", type=Path, required=True)
    parser.add_argument("--weights", default="none")
    asked = parser.parse_args()
    like = read_bundle_manifest(asked.like)
    torch.manual_seed(0)
    model = ModelSettings(backbone="mobilenetv2_100", weights=asked.weights, height=SIDE, width=SIDE)
    network = LesionNetwork(model, len(like.classes), width(like.metadata)).eval()
    mean, std = (network.get_buffer(name).flatten().tolist() for name in ("mean", "std"))
    branch = NoveltyBranch(network.backbone, mean, std)
    novelty = NoveltyScore(branch, fit_novelty(branch, Noise(), NoveltySettings(images=40, drawn=1, made=2)))
    malignant = np.array([code in like.malignant for code in like.classes])
    graph = BundleGraph(network, malignant, temperature=like.temperature, novelty=novelty)
    manifest = like.model_copy(
        update={
            "name": "reference",
            "input": InputSpec(height=SIDE, width=SIDE),
            "views": ("identity",),
            "refusal": RefusalLimits(ood_score=1e9),
        }
    )
    metadata = width(like.metadata)
    write_bundle(asked.out, manifest, export_graph(graph, height=SIDE, width=SIDE, metadata_width=metadata))
    print(asked.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
