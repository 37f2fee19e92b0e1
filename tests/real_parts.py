"""Small parts of the real datasets: a table of chosen rows, whose images stay where they are; and a short training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import yaml

TABLES = {"ham10000": "HAM10000_metadata.csv", "isic2020": "ISIC_2020_Training_GroundTruth.csv"}


def write_part(shared: Path, name: str, choose: Callable[[pl.DataFrame], pl.DataFrame], folder: Path) -> dict[str, str]:
    """Write the chosen rows of a dataset's table into `folder`; gives the section `data` that reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pl.read_csv(shared / "data" / name / TABLES[name], infer_schema=False)
    choose(table).write_csv(folder / TABLES[name])
    return {"source": name, "root": str(folder), "images": str(shared / "data" / name / "images")}


def write_config(path: Path, weights: Path, **sections: object) -> Path:
    """A short training of a real network on small frames of real images."""
    model = {"backbone": "mobilenetv2_100", "backbone_options": {"pad_type": "same"}, "weights": str(weights)}
    model |= {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "frozen": 0.37}
    content = {
        "model": model | {"height": 96, "width": 128},
        "prepare": {"short_side": 112},
        "duplicates": {"near": False},
        "training": {"head_epochs": 1, "epochs": 2, "batch_size": 16, "workers": 0, "threads": 1},
        "novelty": {"images": 100, "drawn": 2, "made": 10},
        "evaluation": {"replicates": 50},
    } | sections
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
