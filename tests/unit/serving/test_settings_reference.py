from __future__ import annotations

from pathlib import Path

from nevus.serving import ServingSettings, settings_reference
from nevus.serving.metrics import Metrics

PAGE = Path(__file__).parents[3] / "docs" / "service-settings.md"


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == settings_reference.render(), "run `make docs`"


def test_the_page_has_a_line_for_every_setting() -> None:
    keys = {line.split("`")[1] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")}
    assert keys == {f"serving.{name}" for name in ServingSettings.model_fields}


def test_the_page_on_the_service_lists_every_metric() -> None:
    text = (PAGE.parent / "service.md").read_text("utf-8")
    told = {line.split("`")[1].removesuffix("_total") for line in text.splitlines() if line.startswith("| `nevus_")}
    assert told == {metric.name for metric in Metrics().registry.collect()}
