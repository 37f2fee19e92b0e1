"""What a command that trains nothing needn't wait for."""

from __future__ import annotations

import subprocess
import sys


def test_the_pipeline_is_known_without_loading_what_only_training_needs() -> None:
    """`nevus data check`, one step of nine, or a run of which all is done: none of them should wait for torch."""
    code = "import sys, nevus.pipeline.main_job; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "nevus.pipeline.steps.train" in loaded
    assert loaded & {"torch", "torchvision", "lightning", "timm", "onnx", "optuna", "mlflow"} == set()
