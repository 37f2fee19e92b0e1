"""What the processor time of a served prediction is made of, stage by stage, in the thread that judges it.

    python benchmarks/stages.py --bundle reference --images FOLDER

Each stage is timed twice on every image: hot, over all images one after the other, and cold, right after a run of the
graph, which drives what the stage needs out of the processor's caches. The service, which judges waiting images in
groups, lies between the two. Not here: the event loop, HTTP, sockets, and writing the row to the database. At the end,
the graph on one, two and four images at once, hot.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

from jpegs import read_jpegs
from nevus.bundle import Metadata, Prediction, Predictor
from nevus.bundle.answer import compose_prediction
from nevus.bundle.source import decode_source, framed_input
from nevus.imaging.jpeg_metadata import cut_metadata
from nevus.imaging.quality import mean_colours, measure_quality
from nevus.serving.answers import prediction_answer
from nevus.serving.judging import Subject, prediction_row
from nevus.serving.lineup import LoadedModel
from nevus.store.blobs import open_blobs

ROUNDS = 5
AT_ONCE = (1, 2, 4)
Stage = Callable[[int], object]


def milliseconds(stage: Stage, count: int, before: Callable[[], object] | None = None) -> float:
    """Processor time of one call: the median of rounds over all images. before: what runs, untimed, before each."""
    rounds = []
    for _ in range(ROUNDS):
        spent = 0.0
        for number in range(count):
            if before is not None:
                before()
            started = time.thread_time()
            stage(number)
            spent += time.thread_time() - started
        rounds.append(spent / count * 1e3)
    return float(np.median(rounds))


def stages(predictor: Predictor, images: list[bytes], folder: Path) -> dict[str, Stage]:
    """Name -> what is done to the image of that number; the pictures go to `folder`."""
    spec, limits, blobs = predictor.manifest.input, predictor.limits, open_blobs(None, folder)
    seen = [decode_source(image, limits, spec) for image in images]
    frames = [framed_input(one.pixels, spec) for one in seen]
    qualities = [measure_quality(one) for one in frames]
    outputs = [{name: value[0] for name, value in predictor.run_arrays(one[None]).items()} for one in frames]
    hashes = [hashlib.sha256(image).hexdigest() for image in images]
    model = LoadedModel(predictor, "reference", 1)
    latency = {"decode": 1.0, "frame": 1.0, "infer": 1.0}

    def compose(i: int) -> Prediction:
        return compose_prediction(
            predictor.manifest,
            seen[i],
            qualities[i],
            outputs[i],
            path=None,
            metadata=None,
            latency=dict(latency),
            colours=mean_colours(frames[i]),
        )

    answers = [compose(i) for i in range(len(images))]

    def row(i: int) -> dict[str, Any]:
        found = prediction_row(
            model, answers[i], Subject(Metadata()), request_id="request", key_id="key", arm="champion"
        )
        return found | {"image_hash": hashes[i], "image_key": hashes[i], "image_type": "image/jpeg", "orientation": 1}

    rows = [row(i) for i in range(len(images))]

    def write(i: int) -> None:
        blobs.put(f"images/{hashes[i][:2]}/{hashes[i]}-{time.monotonic_ns()}", images[i])

    return {
        "decode, in full": lambda i: simplejpeg.decode_jpeg(images[i]),
        "decode, as far as needed": lambda i: decode_source(images[i], limits, spec),
        "frame": lambda i: framed_input(seen[i].pixels, spec),
        "quality": lambda i: measure_quality(frames[i]),
        "colours": lambda i: mean_colours(frames[i]),
        "graph": lambda i: predictor.run_arrays(frames[i][None]),
        "answer composed": compose,
        "hash": lambda i: hashlib.sha256(images[i]).hexdigest(),
        "metadata cut": lambda i: cut_metadata(images[i]),
        "picture written": write,
        "row": row,
        "answer as JSON": lambda i: json.dumps(prediction_answer(rows[i])),
    }


def graph_of_several(predictor: Predictor, images: list[bytes]) -> dict[int, float]:
    """How many images the graph is given at once -> milliseconds of processor an image."""
    spec = predictor.manifest.input
    frames = np.stack([framed_input(decode_source(one, predictor.limits, spec).pixels, spec) for one in images])
    known = predictor._encoded(None)
    found = {}
    for count in AT_ONCE:
        groups = [frames[at : at + count] for at in range(0, len(frames) - count + 1, count)]
        rows = None if known is None else np.repeat(known, count, axis=0)
        run = partial(_run, predictor, groups, rows)
        run(0)
        found[count] = milliseconds(run, len(groups)) / count
    return found


def _run(predictor: Predictor, groups: list[Any], rows: Any, number: int) -> object:
    return predictor._runtime.run(groups[number], rows)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="folder of JPEGs")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    images = read_jpegs(asked.images, at_least=max(AT_ONCE))
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="nevus-bench-") as folder, Predictor(asked.bundle, threads=1) as predictor:
        todo = stages(predictor, images, Path(folder))
        for stage in todo.values():
            stage(0)
        print(f"{len(images)} images of {np.mean([len(i) for i in images]) / 1e3:.0f} kB; ms of processor an image")
        print(f"{'stage':26}{'hot':>8}{'after a run of the graph':>26}")
        for name, stage in todo.items():
            hot = milliseconds(stage, len(images))
            cold = milliseconds(stage, len(images), lambda: todo["graph"](0))
            found[name] = {"hot_ms": hot, "cold_ms": cold}
            print(f"{name:26}{hot:8.3f}{cold:26.3f}", flush=True)
        for count, ms in graph_of_several(predictor, images).items():
            found[f"graph, {count} at once"] = {"hot_ms": ms}
            print(f"graph, {count} at once: {ms:.3f}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())
