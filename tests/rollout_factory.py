"""Registered versions for tests of the rollout."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nevus.bundle.directory import bundle_digest, read_bundle_manifest
from nevus.store import ModelVersion, NewVersion, Registry, Store
from serving_factory import tiny_bundle

MODEL = "tiny"


def register(store: Store, bundle: Path | str, *, digest: str | None = None, passed: bool = True) -> ModelVersion:
    """The bundle as a candidate, or as rejected; an address needs its digest, and is taken for a tiny bundle."""
    folder = bundle if isinstance(bundle, Path) else None
    manifest = read_bundle_manifest(folder) if folder else None
    point = manifest.operating_points[0] if manifest else None
    new = NewVersion(
        model=MODEL,
        bundle_uri=str(bundle),
        bundle_digest=digest or bundle_digest(Path(bundle)),
        task="diagnosis",
        classes=manifest.classes if manifest else ("mel", "nv", "bcc"),
        malignant=manifest.malignant if manifest else ("mel", "bcc"),
        operating_threshold=point.threshold if point else None,
        gate={"passed": passed},
        gate_passed=passed,
        reasons=() if passed else ("floor: too low",),
        licence="CC0",
        commercial_use=True,
    )
    return Registry(store).register(new, by="test").version


def approved(store: Store, bundle: Path | str, **more: Any) -> ModelVersion:
    """The bundle as an approved version."""
    version = register(store, bundle, **more)
    return Registry(store).approve(version.ref, by="Dr. Test", note="seen").version


def bundles(folder: Path, count: int = 2) -> list[Path]:
    """Bundles that differ."""
    return [tiny_bundle(folder / f"bundle-{i}", gain=4.0 - 0.5 * i) for i in range(count)]


def wait_until(condition: Callable[[], bool], *, seconds: float = 20.0) -> float:
    """Wait for it; returns how long it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it never came"
        time.sleep(0.02)
    return time.monotonic() - started
