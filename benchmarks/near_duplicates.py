"""Near-duplicates on HAM10000: fit the rule of confirmation, then search once without the published list.

    python benchmarks/near_duplicates.py --root data/HAM10000 --out DIR [--random 120000] [--skip-fit] [--json FILE]

The fit sets pairs of images within a lesion against random pairs across lesions (lesions of the published list are left
out of both). The shipped rule is fitted on all of them; a second one, on half the lesions, shows on the other half what
such a rule is worth. The search then knows lesions but not the list, and is held against it: how many of its 18 pairs
are found, and how many other pairs are reported. DIR receives the pairs and a contact sheet, which shows patients'
images: keep it where the images are.

Nobody has labelled the other pairs. How often their two diagnoses agree tells something about them: two random lesions
of HAM10000 agree in about one case of two.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from sklearn.linear_model import LogisticRegression

from nevus.data.duplicates import NearDuplicateSettings, find_near, image_pairs, published_pairs, write_contact_sheet
from nevus.data.duplicates.appearance import compare_aligned
from nevus.data.duplicates.collection import Collection, collect_keypoints
from nevus.data.duplicates.confirmation import ENOUGH, PRIOR, WORTH_COMPARING, best_alignment
from nevus.data.duplicates.keypoints import one_opencv_thread, to_working_size
from nevus.data.ingest import ingest
from nevus.data.parallel import usable_cpus
from nevus.data.settings import DataSettings
from nevus.imaging import decode_image

ALIKE = 10
"""Random pairs with so many independent inliers are duplicates that nobody listed; the fit leaves them out."""
SETTINGS = NearDuplicateSettings()
Pair = tuple[int, int]


def ham10000(root: Path) -> pl.DataFrame:
    """The manifest's rows, a lesion each group."""
    with TemporaryDirectory() as cache:
        table = ingest(DataSettings(source="ham10000", root=str(root)), Path(cache))
    return table.sort("image_id").with_columns(group_id=pl.col("lesion_id"))


def pixels_of(table: pl.DataFrame) -> Callable[[int], NDArray[np.uint8]]:
    """Row -> pixels at the working size."""
    uris = table["uri"].to_list()
    return lambda row: to_working_size(decode_image(Path(uris[row]).read_bytes()).pixels, SETTINGS.short_side)


def pairs_to_fit(table: pl.DataFrame, count: int, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Pairs within lesions, and random ones across; none of a published lesion."""
    listed = {image for pair in published_pairs("ham10000") for image in pair}
    lesions = table["lesion_id"].to_list()
    known = set(table.filter(pl.col("image_id").is_in(sorted(listed)))["lesion_id"])
    members: dict[str, list[int]] = {}
    for row, lesion in enumerate(lesions):
        if lesion not in known:
            members.setdefault(lesion, []).append(row)
    within = [pair for rows in members.values() for pair in combinations(rows, 2)]
    rows = np.array(sorted(row for rows in members.values() for row in rows))
    drawn = np.random.default_rng(seed).choice(rows, size=(count, 2))
    across = [(int(min(a, b)), int(max(a, b))) for a, b in drawn if lesions[a] != lesions[b]]
    return within, across


def measure(pairs: Sequence[Pair], collection: Collection, read: Callable[[int], NDArray[np.uint8]]) -> NDArray[Any]:
    """Independent inliers and correlation of each pair, [P, 2]; too few inliers to be compared are (0, 0)."""

    def one(pair: Pair) -> tuple[float, float]:
        alignment = best_alignment(collection[pair[0]], collection[pair[1]], False)
        if alignment is None or alignment.independent < WORTH_COMPARING:
            return 0.0, 0.0
        agreement = compare_aligned(read(pair[0]), read(pair[1]), alignment.matrix)
        return float(alignment.independent), agreement.correlation

    with ThreadPoolExecutor(usable_cpus()) as pool:
        return np.array(list(pool.map(one, pairs)))


def fit(within: NDArray[Any], across: NDArray[Any]) -> dict[str, float]:
    """Unregularised logistic regression; each kind of pair weighs the same, those not worth comparing are settled."""
    kinds = [(within, 1), (across[across[:, 0] < ALIKE], 0)]
    x = np.concatenate([np.minimum(v[v[:, 0] > 0], [ENOUGH, 1]) for v, _ in kinds])
    y = np.concatenate([np.full((v[:, 0] > 0).sum(), label) for v, label in kinds])
    weight = np.concatenate([np.full((v[:, 0] > 0).sum(), 1000 / len(v)) for v, _ in kinds])
    model = LogisticRegression(C=1e4, max_iter=1000).fit(x, y, sample_weight=weight)
    return {
        "intercept": float(model.intercept_[0]),
        "independent": float(model.coef_[0, 0]),
        "correlation": float(model.coef_[0, 1]),
    }


def confirmed_share(rule: dict[str, float], measured: NDArray[Any]) -> float:
    """The share of pairs that a rule confirms at the shipped prior and limit."""
    odds = (
        rule["intercept"]
        + rule["independent"] * np.minimum(measured[:, 0], ENOUGH)
        + rule["correlation"] * measured[:, 1]
    )
    limit = np.log(SETTINGS.min_probability / (1 - SETTINGS.min_probability)) - PRIOR
    return float(np.mean((measured[:, 0] >= WORTH_COMPARING) & (odds >= limit)))


def study_rule(table: pl.DataFrame, count: int) -> dict[str, Any]:
    """Fit on all pairs, which gives the shipped rule, and on one half, to see what that confirms on the other."""
    read = pixels_of(table)
    with TemporaryDirectory() as scratch, one_opencv_thread(), Progress(console=Console(stderr=True)) as shown:
        task = shown.add_task("keypoints", total=table.height)
        collection = Collection(table.height, SETTINGS.keypoints, Path(scratch))
        collect_keypoints(read, collection, workers=usable_cpus(), done=lambda n: shown.update(task, completed=n))
        within, across = (np.array(pairs) for pairs in pairs_to_fit(table, count, SETTINGS.seed))
        shown.add_task("pairs", total=None)
        even = table["lesion_id"].rank("dense").to_numpy() % 2 == 0
        measured = measure([tuple(p) for p in within], collection, read)
        others = measure([tuple(p) for p in across], collection, read)
    half = len(others) // 2
    rule = fit(measured[even[within[:, 0]]], others[:half])
    held_out, unseen = measured[~even[within[:, 0]]], others[half:]
    return {
        "pairs": {"within": len(within), "random": len(across)},
        "fitted_on_all": fit(measured, others),
        "fitted_on_half": rule,
        "other_half": {
            "within": len(held_out),
            "within_confirmed": confirmed_share(rule, held_out),
            "random": len(unseen),
            "random_confirmed": round(confirmed_share(rule, unseen) * len(unseen)),
        },
    }


def search(table: pl.DataFrame, out: Path) -> dict[str, Any]:
    """The search as the check step makes it, without the list."""
    started = time.perf_counter()
    with Progress(console=Console(stderr=True)) as shown:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done)

        found = find_near(table, pixels_of(table), SETTINGS, progress=tell)
    took = time.perf_counter() - started
    names = {tuple(sorted(pair)) for pair in image_pairs(found)}
    listed = {tuple(sorted(pair)) for pair in published_pairs("ham10000")}
    out.mkdir(parents=True, exist_ok=True)
    found.write_parquet(out / "near.parquet")
    write_contact_sheet(found, table, pixels_of(table), out, short_side=SETTINGS.short_side)
    lesion = dict(table.select("image_id", "lesion_id").iter_rows())
    diagnosis = dict(table.select("image_id", "diagnosis").iter_rows())
    other_lesions = {tuple(sorted((lesion[a], lesion[b]))) for a, b in names - listed} - {
        tuple(sorted((lesion[a], lesion[b]))) for a, b in listed
    }
    others = [pair for pair in names if tuple(sorted((lesion[pair[0]], lesion[pair[1]]))) in other_lesions]
    return {
        "seconds": round(took, 1),
        "published_found": len(names & listed),
        "published": len(listed),
        "other_pairs": len(names - listed),
        "other_pairs_of_lesions": len(other_lesions),
        "same_diagnosis": sum(diagnosis[a] == diagnosis[b] for a, b in others),
        "of": len(others),
        "missed": sorted(map(list, listed - names)),
    }


def main() -> None:
    """Run both and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="HAM10000's folder")
    parser.add_argument("--out", type=Path, required=True, help="receives pairs and contact sheet")
    parser.add_argument("--random", type=int, default=120_000, help="random pairs of the fit")
    parser.add_argument("--skip-fit", action="store_true", help="only search")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    table = ham10000(asked.root)
    result = {} if asked.skip_fit else {"rule": study_rule(table, asked.random)}
    result["search"] = search(table, asked.out)
    text = json.dumps(result, indent=2)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
