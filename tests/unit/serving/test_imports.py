"""What a server loads: neither what trains nor what tracks."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["nevus.serving.run", "nevus.client"])
def test_serving_and_asking_load_nothing_of_training(module):
    code = f"import {module}, sys; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert module in loaded
    assert not {"torch", "mlflow", "polars", "pandas", "matplotlib", "lightning"} & set(loaded)
