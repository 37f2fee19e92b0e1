"""A report's context with real-looking figures: the made-up evaluation, a made-up training, drawn images."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from evaluation_factory import make_evaluation
from nevus.bundle.schema import BundleManifest, DataSummary, Fingerprints, InputSpec, RefusalLimits
from nevus.evaluation.gate import judge
from nevus.evaluation.policy import load_policy
from nevus.evaluation.results import EvaluationResults, Task
from nevus.reporting.report import Case, DataFacts, LeakageProof, ReportContext, RunRecord


def make_manifest(results: EvaluationResults, **changes: Any) -> BundleManifest:
    """The manifest of a model of those classes, at those operating points."""
    values: dict[str, Any] = {
        "name": "demo-mobilenet",
        "created_at": datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
        "task": results.task,
        "classes": results.classes,
        "malignant": results.malignant,
        "input": InputSpec(height=192, width=256),
        "temperature": 1.31,
        "operating_points": results.operating_points,
        "default_operating_point": results.default_operating_point,
        "refusal": RefusalLimits(ood_score=9.1, near_threshold=0.2),
        "backbone": "mobilenetv2_100",
        "data": DataSummary(
            datasets=("HAM10000",),
            licences=("CC BY-NC 4.0",),
            attributions=("Tschandl et al., Sci Data 5:180161, 2018",),
        ),
        "licence": "CC BY-NC 4.0",
        "fingerprints": Fingerprints(content="0" * 64, split="1" * 64, settings="2" * 64),
        "code_revision": "0.1.0+g1a2b3c4d5e6f",
        "libraries": {"torch": "2.15.0", "numpy": "2.4.6"},
    }
    return BundleManifest(**(values | changes))


def make_history(epochs: int = 12, head: int = 2, seed: int = 0) -> list[dict[str, float | int | str | None]]:
    """A training that learns the head first, then everything."""
    rng = np.random.default_rng(seed)
    entries: list[dict[str, float | int | str | None]] = []
    for epoch in range(epochs):
        t = 1 - np.exp(-(epoch + 1) / 4)
        entries.append(
            {
                "epoch": epoch,
                "phase": "head" if epoch < head else "all",
                "learning_rate": 1e-3 if epoch < head else 4e-4 * (1 - (epoch - head) / (epochs - head)),
                "train_loss": float(1.6 - 1.2 * t + rng.normal(0, 0.01)),
                "validation_nll": float(1.3 - 0.75 * t + rng.normal(0, 0.02)),
                "validation_balanced_accuracy": float(0.4 + 0.4 * t + rng.normal(0, 0.01)),
                "validation_malignant_auroc": float(0.8 + 0.14 * t + rng.normal(0, 0.003)),
            }
        )
    return entries


def make_facts(results: EvaluationResults) -> DataFacts:
    """Counts that fit the sizes of the results."""
    images = {}
    shares = {code: max(r.n_votes, 1) for code, r in results.subsets["test"].per_class.items()}
    for part, size in results.sizes.items():
        exact = {code: size.n_images * n // sum(shares.values()) for code, n in shares.items()}
        common = max(exact, key=lambda code: exact[code])
        exact[common] += size.n_images - sum(exact.values())
        images[part] = exact
    return DataFacts(
        images=images,
        groups={part: size.n_groups for part, size in results.sizes.items()},
        rejected={"truncated": 2, "blank": 1},
        duplicates_merged=18,
        leakage=LeakageProof(
            shared_groups=0,
            shared_lesions=0,
            random_test_images=1502,
            random_leaked=0.387,
            random_leaked_malignant=0.612,
        ),
    )


def draw_lesion(seed: int, size: tuple[int, int] = (192, 256)) -> tuple[np.ndarray, np.ndarray]:
    """A brown ellipse on skin, uint8 [H, W, 3], and a coarse evidence map over it [h, w]."""
    rng = np.random.default_rng(seed)
    height, width = size
    y, x = np.mgrid[0:height, 0:width]
    cx, cy, rx, ry = width * rng.uniform(0.4, 0.6), height * rng.uniform(0.4, 0.6), width * 0.2, height * 0.24
    inside = np.clip(1.4 - np.hypot((x - cx) / rx, (y - cy) / ry), 0, 1)[..., None]
    skin, mole = np.array([226, 178, 155]), np.array([96, 56, 40]) * rng.uniform(0.8, 1.3)
    noise = rng.normal(0, 5, size=(height, width, 1))
    pixels = np.clip(skin * (1 - inside) + mole * inside + noise, 0, 255).astype(np.uint8)
    rows, columns = np.mgrid[0:6, 0:8]
    evidence = np.exp(-((columns - cx / width * 8) ** 2 + (rows - cy / height * 6) ** 2) / 3).astype(np.float32)
    return pixels, evidence


def make_cases(results: EvaluationResults, n: int = 6, seed: int = 0) -> list[Case]:
    """Right and wrong cases in turn."""
    rng = np.random.default_rng(seed)
    cases = []
    for k in range(n):
        truth = results.classes[k % len(results.classes)]
        called = truth if k % 2 else results.classes[(k + 1) % len(results.classes)]
        weights = rng.dirichlet(np.ones(len(results.classes)))
        weights[results.classes.index(called)] += 1.5
        probabilities = dict(zip(results.classes, (weights / weights.sum()).tolist(), strict=True))
        pixels, evidence = draw_lesion(seed + k)
        p_malignant = sum(probabilities[code] for code in results.malignant)
        verdict = "suspicious" if p_malignant > 0.2 else "low_suspicion"
        cases.append(Case(f"IMG_{k:06d}", pixels, evidence, truth, called, probabilities, p_malignant, verdict))
    return cases


def make_context(
    *, task: Task = "diagnosis", n_lesions: int = 400, replicates: int = 60, **changes: Any
) -> ReportContext:
    """A complete context; `changes` replace its fields."""
    results = make_evaluation(task=task, n_lesions=n_lesions, replicates=replicates)
    policy = load_policy("default" if task == "diagnosis" else "malignancy")
    context = ReportContext(
        manifest=make_manifest(results),
        results=results,
        gate=judge(policy, results),
        history=make_history(),
        best_epoch=10,
        data=make_facts(results),
        cases=make_cases(results),
        case_rule="Of each class, the first right and the first wrong one in the order of their ids.",
        record=RunRecord(
            command="nevus run configs/demo.yaml --out runs/demo",
            settings="data:\n  source: synthetic\n",
            bundle_digest="3" * 64,
            machine="2 CPU cores",
            seconds={"train": 1680.0, "evaluate": 12.5},
        ),
    )
    return replace(context, **changes)
