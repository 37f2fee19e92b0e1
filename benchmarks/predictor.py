"""Predictor against the bare ONNX Runtime session, one thread against two, and the cold start of `nevus predict`.

    python benchmarks/predictor.py --bundle DIR [--images DIR] [--json FILE]

Every ratio compares runs that alternate within this process, round by round; the rate is the median over the rounds and
the ratio the median of the rounds' ratios, so that another program that disturbs one round doesn't decide. On a machine
that is busy with other work only the processor time an image costs means something; it is printed too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from nevus.bundle import Predictor
from nevus.bundle.directory import GRAPH
from nevus.bundle.metadata import width as metadata_width
from nevus.bundle.runtimes.onnxruntime import session_options
from nevus.bundle.selftest import draw_cases
from nevus.imaging import frame, read_image

_PAUSE = 0.05
"""Seconds between two measurements: threads of ONNX Runtime's own pool spin for a while after their work."""

Work = Callable[[], object]
GOALS = {"predictor / bare session, one thread": 0.9, "predictor / bare session, all processors": 0.9}
GOALS["two threads / one thread"] = 1.7


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, help="a folder of images; default: drawn ones")
    parser.add_argument("--count", type=int, default=48, help="images in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    figures = measure(arguments.bundle, arguments.images, arguments.count, arguments.rounds)
    show(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measure(bundle: Path, folder: Path | None, count: int, rounds: int) -> dict[str, object]:
    """All figures of a bundle."""
    one, two, every = (Predictor(bundle, threads=n, verify=False) for n in (1, 2, None))
    decoded = load(folder, count, one)
    spec = one.manifest.input
    framed = [frame(p, spec.height, spec.width, spec.rule) for p in decoded]
    per_round, costs = race(
        {
            "bare session, one thread": bare(bundle, framed, one, session_options()),
            "predictor, one thread": lambda: one.predict(framed),
            "predictor, two threads": lambda: two.predict(framed),
            "predictor, all processors": lambda: every.predict(framed),
            "predictor, one thread, images to be framed": lambda: one.predict(decoded),
            "bare session, all processors": bare(bundle, framed, one, onnxruntime.SessionOptions()),
        },
        len(framed),
        rounds,
    )
    ratios = {
        "predictor / bare session, one thread": ("predictor, one thread", "bare session, one thread"),
        "predictor / bare session, all processors": ("predictor, all processors", "bare session, all processors"),
        "two threads / one thread": ("predictor, two threads", "predictor, one thread"),
    }
    return {
        "bundle": one.manifest.name,
        "input": [spec.height, spec.width],
        "processors": every.threads,
        "load_average": os.getloadavg()[0],
        "images_per_second": {name: statistics.median(values) for name, values in per_round.items()},
        "processor_milliseconds_an_image": {name: statistics.median(values) for name, values in costs.items()},
        "ratios": {
            name: statistics.median(a / b for a, b in zip(per_round[top], per_round[bottom], strict=True))
            for name, (top, bottom) in ratios.items()
        },
        "cold_start_seconds": cold_start(bundle, decoded[0]),
    }


def load(folder: Path | None, count: int, predictor: Predictor) -> list[np.ndarray]:
    """`count` decoded images, repeated where there are fewer."""
    if folder is None:
        drawn = list(draw_cases(predictor.manifest.input.height * 3 // 2, predictor.manifest.input.width * 3 // 2))
    else:
        files = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in (".jpg", ".jpeg", ".png")]
        drawn = [read_image(p).pixels for p in files[:count]]
    return [drawn[i % len(drawn)] for i in range(count)]


def bare(bundle: Path, framed: Sequence[np.ndarray], predictor: Predictor, options: onnxruntime.SessionOptions) -> Work:
    """The session alone, one image a call, on what the predictor gives it."""
    session = onnxruntime.InferenceSession(str(bundle / GRAPH), options, providers=["CPUExecutionProvider"])
    feeds: dict[str, np.ndarray] = {}
    if "metadata" in {i.name for i in session.get_inputs()}:
        feeds["metadata"] = np.zeros((1, metadata_width(predictor.manifest.metadata)), np.float32)

    def work() -> None:
        for pixels in framed:
            session.run(None, {"image": pixels[None], **feeds})

    return work


def race(works: dict[str, Work], images: int, rounds: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """By round: images a second of each, and milliseconds of processor time an image."""
    for work in works.values():
        work()
    rates: dict[str, list[float]] = {name: [] for name in works}
    costs: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            time.sleep(_PAUSE)
            start, cpu = time.perf_counter(), time.process_time()
            work()
            rates[name].append(images / (time.perf_counter() - start))
            costs[name].append((time.process_time() - cpu) * 1e3 / images)
    return rates, costs


def cold_start(bundle: Path, pixels: np.ndarray, repeats: int = 5) -> float:
    """Median seconds of `nevus predict IMAGE` as a process of its own, checksums and self-test included."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.jpg"
        Image.fromarray(pixels).save(image, quality=90)
        command = [sys.executable, "-m", "nevus", "predict", str(image), "--bundle", str(bundle)]
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def show(figures: dict[str, object]) -> None:
    """Print the figures beside the goals."""
    print(f"{figures['bundle']}, input {figures['input']}, {figures['processors']} processors, ", end="")
    print(f"load average at the end {figures['load_average']:.1f}\n")
    for name, rate in figures["images_per_second"].items():  # type: ignore[union-attr]
        cost = figures["processor_milliseconds_an_image"][name]  # type: ignore[index]
        print(f"{name:45s} {rate:8.1f} images/s   {cost:6.2f} ms of a processor")
    print()
    for name, ratio in figures["ratios"].items():  # type: ignore[union-attr]
        goal = GOALS[name]
        print(f"{name:45s} {ratio:8.3f}   goal {goal}: {'reached' if ratio >= goal else 'MISSED'}")
    start = figures["cold_start_seconds"]
    print(f"{'cold start of nevus predict, one image':45s} {start:8.2f} s goal 1.5: ", end="")
    print("reached" if start <= 1.5 else "MISSED")  # type: ignore[operator]


if __name__ == "__main__":
    sys.exit(main())
