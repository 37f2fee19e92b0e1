"""Using a model needs neither what trains it nor what tracks it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "timm", "lightning", "polars", "pandas", "mlflow", "onnx", "openvino", "cv2", "scipy")


@pytest.mark.parametrize(
    "code",
    ["import nevus.bundle, nevus.cli.predict", "import nevus.imaging", "import nevus.cli.bundle", "import nevus.cli"],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    program = f"{code}\nimport sys, json\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_help_imports_not_even_what_predicts() -> None:
    program = (
        "import sys, json\nfrom typer.testing import CliRunner\nfrom nevus.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "print(json.dumps([m for m in ('numpy', 'onnxruntime', 'pydantic', 'PIL') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
