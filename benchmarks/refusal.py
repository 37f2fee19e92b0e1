"""What a shipped bundle refuses: its own test lesions, other dermoscopy, photographs, and pictures of other kinds.

    python benchmarks/refusal.py --run runs/ham10000 [--dermoscopy DIR] [--photographs DIR] [--drawn 25] [--json FILE]

Refused is a picture that the bundle calls out of distribution, or unusable (blank, say); the two are counted apart, and
the score is the graph's, from its pixels alone. Everything is judged twice: the files as they are, and after all have
been brought to one size and JPEG quality, so that no difference of files can give a kind away. A lesion counts as
refused when any of its images is. The drawn kinds are those that the score was fitted against, drawn anew with other
seeds; the photographs that come with scikit-learn and matplotlib, where installed, and their crops, it has never seen.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from nevus.bundle import Predictor
from nevus.bundle.predictor import Failure
from nevus.taxonomy import MALIGNANT
from nevus.training.novelty.proxies import KINDS, draw_many

Pixels = NDArray[np.uint8]
Picture = Path | Pixels
SIZE, QUALITY = (300, 225), 78
"""Of the re-encoding: that of the shared photographs and lesions alike."""
SEED = 20_000
"""Far from the seeds of the fit."""
ENDINGS = {".jpg", ".jpeg", ".png"}
SHIPPED = (
    ("sklearn", "datasets/images/china.jpg"),
    ("sklearn", "datasets/images/flower.jpg"),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
)


@dataclass(frozen=True)
class Refused:
    """Which of some pictures are refused, and how: bool [N] each."""

    strange: NDArray[np.bool_]
    unusable: NDArray[np.bool_]

    @property
    def any(self) -> NDArray[np.bool_]:
        """Refused one way or the other."""
        return self.strange | self.unusable


def main() -> None:
    """Judge every set and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="output folder of a run: its bundle and test part")
    parser.add_argument("--dermoscopy", type=Path, help="folder of other dermoscopic images, such as ISIC 2020's")
    parser.add_argument("--photographs", type=Path, help="folder of photographs that aren't dermoscopy")
    parser.add_argument("--drawn", type=int, default=25, help="drawn pictures of each kind")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    asked = parser.parse_args()
    predictor = Predictor(asked.run / "bundle")
    figures: dict[str, Any] = {"bundle": predictor.digest}
    for name, prepare in (("files as they are", as_is), ("all at one size and quality", re_encoded)):
        figures[name] = study(predictor, asked, prepare)
        show(name, figures[name])
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")


def study(predictor: Predictor, asked: argparse.Namespace, prepare: Callable[[Picture], Any]) -> dict[str, Any]:
    """Set -> shares and counts."""
    test = test_part(asked.run)
    found = judged(predictor, [Path(uri) for uri in test["uri"]], prepare, "test part")
    malignant = test["diagnosis"].is_in(sorted(MALIGNANT)).to_numpy()
    groups = test["group_id"].to_numpy()
    sets: dict[str, Any] = {
        "test lesions": by_group(found, groups),
        "test lesions, malignant": by_group(
            Refused(found.strange[malignant], found.unusable[malignant]), groups[malignant]
        ),
    }
    for name, folder in (("other dermoscopy", asked.dermoscopy), ("photographs", asked.photographs)):
        if folder:
            pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
            sets[name] = counted(judged(predictor, pictures, prepare, name))
    sets["photographs of libraries"] = counted(judged(predictor, list(shipped()), prepare, "photographs of libraries"))
    kinds = {kind: judged(predictor, list(draw_many(kind, asked.drawn, SEED)), prepare, kind) for kind in KINDS}
    sets["drawn, all kinds"] = counted(
        Refused(*(np.concatenate([getattr(r, field) for r in kinds.values()]) for field in ("strange", "unusable")))
    )
    for kind, refused in kinds.items():
        if not refused.any.all():
            sets[f"drawn, {kind}"] = counted(refused)
    return sets


def test_part(run: Path) -> pl.DataFrame:
    """The rows of the run's test part."""
    split = pl.read_parquet(run / "split.parquet").filter(pl.col("split") == "test")
    return pl.read_parquet(run / "manifest.parquet").join(split.select("image_id"), on="image_id").sort("image_id")


def as_is(picture: Picture) -> Any:
    """The file, or the drawn pixels."""
    return picture


def re_encoded(picture: Picture) -> bytes:
    """JPEG bytes at one size and quality."""
    image = Image.open(picture).convert("RGB") if isinstance(picture, Path) else Image.fromarray(picture)
    encoded = io.BytesIO()
    image.resize(SIZE, Image.Resampling.BICUBIC).save(encoded, "JPEG", quality=QUALITY)
    return encoded.getvalue()


def shipped() -> Iterator[Pixels]:
    """Photographs that come with libraries: whole, and six crops of each."""
    for package, name in SHIPPED:
        if find_spec(package) is None:
            continue
        image = Image.open(io.BytesIO(files(package).joinpath(name).read_bytes())).convert("RGB")
        yield np.asarray(image)
        width, height = image.width // 2, image.height // 3
        for x in (0, width):
            for y in (0, height, 2 * height):
                yield np.asarray(image.crop((x, y, x + width, y + height)))


def judged(predictor: Predictor, pictures: Sequence[Picture], prepare: Callable[[Picture], Any], what: str) -> Refused:
    """What the predictor refuses of them."""
    strange, unusable = [], []
    sources: Iterable[Any] = (prepare(picture) for picture in pictures)
    answers = predictor.predict_each(sources, raw=True)
    for answer in track(answers, what, len(pictures), console=Console(stderr=True), transient=True):
        if isinstance(answer, Failure):
            raise SystemExit(f"{what}: {answer}")
        strange.append("out_of_distribution" in answer.reasons)
        unusable.append(answer.verdict == "unusable")
    return Refused(np.array(strange, bool), np.array(unusable, bool))


def counted(refused: Refused) -> dict[str, Any]:
    """Counts and shares of pictures."""
    total = len(refused.strange)
    return {
        "of": total,
        "refused": int(refused.any.sum()),
        "share": float(refused.any.mean()) if total else None,
        "out_of_distribution": int(refused.strange.sum()),
        "unusable": int(refused.unusable.sum()),
    }


def by_group(refused: Refused, groups: NDArray[Any]) -> dict[str, Any]:
    """Counts and shares of groups, each refused when any of its images is."""
    _, index = np.unique(groups, return_inverse=True)
    worst = [np.bincount(index, weights=flags) > 0 for flags in (refused.strange, refused.unusable)]
    return counted(Refused(*worst))


def show(name: str, sets: dict[str, Any]) -> None:
    """Print a table."""
    table = Table(title=name)
    for column in ("set", "of", "refused", "out of distribution", "unusable"):
        table.add_column(column, justify="left" if column == "set" else "right")
    for which, counts in sets.items():
        share = "-" if counts["share"] is None else f"{counts['share']:.1%}"
        table.add_row(which, str(counts["of"]), share, str(counts["out_of_distribution"]), str(counts["unusable"]))
    Console().print(table)


if __name__ == "__main__":
    main()
