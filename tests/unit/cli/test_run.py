"""`nevus run` where it goes wrong: people hear of it, whatever it failed by, and nothing hides the reason."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from nevus.cli import app


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump({"name": "tiny", "data": {"source": "synthetic", "synthetic": {"lesions": 20}}}))
    return path


def run(config: Path, *arguments: str) -> Result:
    folder = config.parent
    given = ["step", "ingest", "--config", str(config), "--out", str(folder / "out"), *arguments]
    return CliRunner(env={"NEVUS_HOME": str(folder / "home"), "COLUMNS": "200"}).invoke(app, given)


@pytest.mark.parametrize("error", [RuntimeError("kernel image is broken"), MemoryError("4 GiB"), OSError(5, "I/O")])
def test_people_are_told_of_a_run_that_failed_by_whatever(config, monkeypatch, caplog, error):
    def ingest(*_: object) -> None:
        raise error

    monkeypatch.setattr("nevus.pipeline.steps.ingest.ingest", ingest)
    with caplog.at_level(logging.INFO, "nevus.notices"):
        result = run(config)
    assert result.exception is error
    assert [record.getMessage() for record in caplog.records if record.name == "nevus.notices"] == [
        f"run_failed: nevus: run tiny failed in ingest: {type(error).__name__}: {error}"
    ]


def test_an_address_for_notices_that_cannot_be_used_is_refused_before_anything_is_written(config):
    result = run(config, "--set", "notices.urls=[nowhere]")
    assert result.exit_code == 2
    assert "notices.urls[0]" in result.stderr
    assert not (config.parent / "out").exists()


def test_a_name_that_cannot_be_registered_is_refused_before_anything_is_written(config):
    result = run(config, "--set", "name=champion")
    assert result.exit_code == 2
    assert "'champion' can't name a model" in " ".join(result.stderr.split())
    assert not (config.parent / "out").exists()


def test_a_dataset_that_is_not_there_is_refused_and_people_are_told(config, caplog):
    with caplog.at_level(logging.INFO, "nevus.notices"):
        result = run(config, "--set", "data.source=folder", "--set", f"data.root={config.parent}/gone")
    assert result.exit_code == 2
    assert "there is no folder" in caplog.text
    assert "failed in ingest" in caplog.text
