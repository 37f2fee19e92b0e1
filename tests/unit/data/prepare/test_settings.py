"""Only what decides the shards' bytes is part of their identity."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from nevus.data.prepare import PrepareSettings


def test_the_number_of_threads_is_not_part_of_the_identity() -> None:
    assert PrepareSettings(workers=1).result_fingerprint() == PrepareSettings(workers=7).result_fingerprint()


@pytest.mark.parametrize("change", [{"short_side": 300}, {"quality": 90}, {"encoding": "raw"}, {"images_per_shard": 7}])
def test_every_other_setting_is(change: dict[str, object]) -> None:
    assert PrepareSettings(**change).result_fingerprint() != PrepareSettings().result_fingerprint()


def test_the_quality_means_nothing_to_raw_pixels() -> None:
    first, second = (PrepareSettings(encoding="raw", quality=q) for q in (80, 95))
    assert first.result_fingerprint() == second.result_fingerprint()


@pytest.mark.parametrize("wrong", [{"short_side": 4}, {"quality": 101}, {"encoding": "png"}, {"images_per_shard": 0}])
def test_values_outside_their_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PrepareSettings(**wrong)
