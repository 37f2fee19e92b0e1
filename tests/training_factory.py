"""Drawn lesions of three diagnoses, prepared for training in a second, and jobs that train on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from nevus.bundle.schema import MetadataSpec
from nevus.data.manifest import conform
from nevus.data.prepare import PrepareSettings, prepare
from nevus.training.settings import ModelSettings, TrainingSettings
from nevus.training.worker import TrainingJob

CLASSES = ("bkl", "mel", "nv")
MALIGNANT = ("mel",)
HEIGHT, WIDTH = 48, 64
BACKBONE = "test_resnet"
"""One of the models that timm keeps for its own tests: a real ResNet of 0.4 million weights."""
METADATA = MetadataSpec(age_mean=50.0, age_std=15.0, sexes=("female", "male"), sites=("back", "face"))


def draw_lesion(diagnosis: str, seed: int, height: int = 60, width: int = 80) -> np.ndarray:
    """A blot on skin: melanoma dark and off its centre, nevus round and brown, keratosis striped."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    skin = np.array([205, 160, 140]) + rng.normal(0, 10, 3)
    image = skin + rng.normal(0, 6, (height, width, 3))
    at_x, at_y = width / 2 + rng.normal(0, 3), height / 2 + rng.normal(0, 3)
    stretch = 1.7 if diagnosis == "mel" else 1.0
    inside = ((x - at_x) / stretch) ** 2 + (y - at_y) ** 2 < (height * rng.uniform(0.22, 0.32)) ** 2
    colour = {"mel": (60, 40, 45), "nv": (130, 85, 60), "bkl": (150, 110, 80)}[diagnosis]
    image[inside] = np.array(colour) + rng.normal(0, 12, (inside.sum(), 3))
    if diagnosis == "bkl":
        image[inside & (x // 4 % 2 == 0)] -= 35
    return np.clip(image, 0, 255).astype(np.uint8)


def drawn_rows(folder: Path, groups: int = 30, seed: int = 0) -> pl.DataFrame:
    """Two images of each lesion as files below `folder`, and the manifest's rows with `split`: train and validation.

    A third of the lesions are melanomas, half nevi, the rest keratoses; every fourth lesion of each is for validation.
    """
    kinds = [("nv", "mel", "nv", "bkl", "mel", "nv")[g % 6] for g in range(groups)]
    turn = [kinds[:g].count(kind) for g, kind in enumerate(kinds)]
    rows: list[dict[str, Any]] = []
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for group, kind in enumerate(kinds):
        for view in range(2):
            number = 2 * group + view
            path = folder / "images" / f"{number:04d}.png"
            Image.fromarray(draw_lesion(kind, seed * 10_000 + number)).save(path)
            rows.append(
                {
                    "image_id": f"i{number:04d}",
                    "dataset": "drawn",
                    "lesion_id": f"l{group:03d}",
                    "group_id": f"l{group:03d}",
                    "diagnosis": kind,
                    "malignant": kind in MALIGNANT,
                    "age": None if group % 5 == 0 else 30.0 + group % 7 * 8,
                    "sex": None if group % 7 == 0 else ("female", "male")[group % 2],
                    "site": ("back", "face")[group % 2],
                    "uri": str(path),
                    "split": "validation" if turn[group] % 4 == 3 else "train",
                }
            )
    table = pl.DataFrame(rows, infer_schema_length=None)
    return conform(table).with_columns(table["split"])


def drawn_job(folder: Path, *, groups: int = 30, model: dict[str, Any] | None = None, **training: Any) -> TrainingJob:
    """A job in `folder`: images drawn and prepared, output in `folder / "out"`; `training` are its settings."""
    rows = drawn_rows(folder, groups)
    rows.write_parquet(folder / "rows.parquet")
    prepare(rows, PrepareSettings(short_side=HEIGHT + 8, encoding="raw", workers=1), folder / "prepared")
    options: dict[str, Any] = {"backbone": BACKBONE, "weights": "none", "height": HEIGHT, "width": WIDTH}
    options |= {"metadata": True, **(model or {})}
    settings = ModelSettings.model_validate(options)
    plain: dict[str, Any] = {"head_epochs": 0, "epochs": 2, "batch_size": 8, "workers": 0, "threads": 1, **training}
    return TrainingJob(
        manifest=folder / "rows.parquet",
        prepared=str(folder / "prepared"),
        output=folder / "out",
        task="diagnosis",
        classes=CLASSES,
        malignant=MALIGNANT,
        metadata=METADATA if settings.metadata else None,
        model=settings,
        training=TrainingSettings.model_validate(plain),
    )
