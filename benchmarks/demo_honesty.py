"""Is the demo honest? What colour alone reaches, what shuffled labels reach, and what the trained model reaches.

`python benchmarks/demo_honesty.py --run runs/demo [--shuffled]` exits 1 where a bound is broken:
a model on colour means alone must stay under .6 balanced accuracy, shuffled labels must be rejected by the gate, and
the trained model must land between .75 and .95.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nevus.data.reading import read_bytes
from nevus.imaging import decode_image
from nevus.pipeline.engines import LocalEngine
from nevus.pipeline.loading import load_settings
from nevus.pipeline.main_job import MAIN_JOB
from nevus.pipeline.settings import RunSettings
from nevus.pipeline.tables import read_split_manifest

COLOUR_LIMIT, LOWEST, HIGHEST = 0.6, 0.75, 0.95


def colour_means(rows: pl.DataFrame) -> NDArray[np.float64]:
    """Mean red, green and blue of each image, [n, 3]."""
    return np.stack([decode_image(read_bytes(uri)).pixels.mean((0, 1)) for uri in rows["uri"]])


def colour_only(run: Path) -> dict[str, float]:
    """Balanced accuracy on the test part of classifiers that see nothing but the mean colour."""
    rows = read_split_manifest(str(run / "manifest.parquet"), str(run / "split.parquet"))
    features, labels = colour_means(rows), rows["diagnosis"].to_numpy()
    train, test = (rows["split"] != "test").to_numpy(), (rows["split"] == "test").to_numpy()
    models = {
        "logistic regression": make_pipeline(
            StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000)
        ),
        "nearest neighbours": make_pipeline(StandardScaler(), KNeighborsClassifier(15)),
        "random forest": RandomForestClassifier(300, class_weight="balanced", random_state=0),
    }
    found = {}
    for name, model in models.items():
        called = model.fit(features[train], labels[train]).predict(features[test])
        found[name] = float(balanced_accuracy_score(labels[test], called))
    return found


def shuffled_labels(run: Path, config: Path) -> tuple[bool, float]:
    """Train the same model on labels dealt out anew among the lesions; whether the gate passes, and its accuracy."""
    rows = pl.read_parquet(run / "manifest.parquet")
    lesions = rows.select("lesion_id", "diagnosis").unique("lesion_id", keep="first", maintain_order=True)
    dealt = lesions.with_columns(lesions["diagnosis"].shuffle(seed=0).alias("shuffled")).drop("diagnosis")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        table = rows.join(dealt, on="lesion_id", maintain_order="left")
        table.select("image_id", "uri", "lesion_id", "shuffled", "age", "sex", "site").write_csv(folder / "table.csv")
        columns = {c: c for c in ("image_id", "uri", "lesion_id", "age", "sex", "site")} | {"diagnosis": "shuffled"}
        source = {"source": "table", "root": str(folder), "table": "table.csv", "columns": columns}
        tree = load_settings(
            RunSettings,
            config,
            [
                f"data={json.dumps(source)}",
                f"store.home={folder / 'home'}",
                "tracking.enabled=false",
                "name=shuffled",
            ],
        )
        result = LocalEngine().run(MAIN_JOB, tree, str(folder / "run"))
        record = result["evaluate"].record
        assert record is not None
        return result["gate"].passed, float(record.summary["test"]["balanced_accuracy"]["value"])


def main() -> int:
    """Measure, print, and judge."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--run", type=Path, default=Path("runs/demo"))
    arguments.add_argument("--config", type=Path, default=Path("configs/demo.yaml"))
    arguments.add_argument("--shuffled", action="store_true", help="train on shuffled labels too (minutes)")
    options = arguments.parse_args()
    trained = json.loads((options.run / "metrics.json").read_text())["subsets"]["test"]["metrics"]["balanced_accuracy"]
    colour = colour_only(options.run)
    good = max(colour.values()) < COLOUR_LIMIT and LOWEST <= trained["value"] <= HIGHEST
    print("Balanced accuracy on the demo's test part")
    for name, value in colour.items():
        print(f"  mean colour alone, {name:<22} {value:.3f}   (must stay under {COLOUR_LIMIT})")
    print(f"  the trained model                         {trained['value']:.3f}   (expected {LOWEST} to {HIGHEST})")
    if options.shuffled:
        passed, accuracy = shuffled_labels(options.run, options.config)
        print(
            f"  trained on shuffled labels                {accuracy:.3f}   gate: {'PASSED' if passed else 'rejected'}"
        )
        good = good and not passed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
