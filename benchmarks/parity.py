"""Do the trained torch network and its bundle say the same, on real images, as they ship?

    python benchmarks/parity.py --run runs/ham10000 [--config configs/ham10000.yaml] [--count 200] [--json FILE]

Takes that many test images of the run at even distances, puts the same framed pixels into the torch network with the
best epoch's weights and into the bundle, and compares: the largest difference of a probability, the images whose class
differs, and the largest difference of the evidence from Grad-CAM of the malignant log-odds (made by autograd, times the
number of positions, which is the bundle's convention), relative to the largest evidence of all, and of the image itself
where that reaches a tenth of it: a map that is cut off at zero nearly everywhere has no maximum to speak of. Exits 1
where probabilities or evidence differ by more than 1e-4, or any class does.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from safetensors.torch import load_file

from nevus.bundle import Predictor, metadata
from nevus.imaging import frame, read_image
from nevus.pipeline.loading import load_settings
from nevus.pipeline.settings import RunSettings
from nevus.pipeline.tables import read_split_manifest
from nevus.training.examples import encoded
from nevus.training.network import VIEWS, LesionNetwork

LIMIT = 1e-4
CLEAR = 0.1
BATCH = 10


def trained_network(run: Path, config: Path, predictor: Predictor) -> LesionNetwork:
    """The network of the run's best epoch."""
    shipped = predictor.manifest
    model = load_settings(RunSettings, config, []).model.model_copy(update={"weights": "none"})
    network = LesionNetwork(model, len(shipped.classes), metadata.width(shipped.metadata))
    network.load_state_dict(load_file(run / "training" / "weights.safetensors"))
    return network.eval()


def by_torch(
    network: LesionNetwork, predictor: Predictor, pixels: NDArray[np.uint8], known: NDArray[np.float32]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Probabilities [N, C], and Grad-CAM of the malignant log-odds times the number of positions [N, h, w]."""
    shipped = predictor.manifest
    image = network.normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    with torch.no_grad():
        maps = torch.stack([VIEWS[view](network.backbone(VIEWS[view](image))) for view in shipped.views]).mean(0)
    maps.requires_grad_(True)
    logits = network.head(maps.mean((2, 3)), torch.from_numpy(known)) / shipped.temperature
    malignant = torch.tensor([code in shipped.malignant for code in shipped.classes])
    odds = torch.logsumexp(logits[:, malignant], 1) - torch.logsumexp(logits[:, ~malignant], 1)
    (slope,) = torch.autograd.grad(odds.sum(), maps)
    positions = maps.shape[2] * maps.shape[3]
    evidence = torch.relu((slope.mean((2, 3), keepdim=True) * maps).sum(1)) * positions
    return torch.softmax(logits, 1).detach().numpy(), evidence.detach().numpy()


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="output folder of a run")
    parser.add_argument("--config", type=Path, default=Path("configs/ham10000.yaml"), help="what it was run with")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    asked = parser.parse_args()
    predictor = Predictor(asked.run / "bundle")
    network = trained_network(asked.run, asked.config, predictor)
    rows = read_split_manifest(str(asked.run / "manifest.parquet"), str(asked.run / "split.parquet"))
    test = rows.filter(pl.col("split") == "test").sort("image_id")
    chosen = test[np.linspace(0, test.height - 1, min(asked.count, test.height)).astype(int).tolist()]
    spec = predictor.manifest.input
    known = encoded(chosen, predictor.manifest.metadata)
    worst, classes, apart, most = [], 0, [], []
    starts = range(0, chosen.height, BATCH)
    for start in track(starts, "images", console=Console(stderr=True), transient=True):
        part = slice(start, start + BATCH)
        pixels = np.stack(
            [frame(read_image(uri).pixels, spec.height, spec.width, spec.rule) for uri in chosen["uri"][part]]
        )
        p, evidence = by_torch(network, predictor, pixels, known[part])
        shipped = predictor.run_arrays(pixels, known[part])
        worst.append(np.abs(shipped["probabilities"] - p).max())
        classes += int((shipped["probabilities"].argmax(1) != p.argmax(1)).sum())
        apart.append(np.abs(shipped["evidence"] - evidence).max((1, 2)))
        most.append(evidence.max((1, 2)))
    off, top = np.concatenate(apart), np.concatenate(most)
    clear = top >= CLEAR * top.max()
    heat = float(max(off.max() / top.max(), (off[clear] / top[clear]).max()))
    figures = {
        "images": chosen.height,
        "probabilities_differ_by": float(max(worst)),
        "classes_that_differ": classes,
        "evidence_differs_by_share_of_its_maximum": heat,
        "images_with_clear_evidence": int(clear.sum()),
    }
    print(json.dumps(figures, indent=2))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")
    return int(max(worst) > LIMIT or classes > 0 or heat > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
