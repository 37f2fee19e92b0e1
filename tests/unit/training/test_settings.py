"""The settings of network and training, and the figures that they give."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from nevus.training.settings import ModelSettings, OptimiserSettings, TrainingSettings


def test_warm_up_and_cosine_by_hand():
    options = OptimiserSettings(warmup_share=0.1, final_factor=0.1)
    # 10 of 100 steps warm up; the cosine runs from 1 to 0.1 over all steps
    cosine = [0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * step / 100)) for step in range(101)]
    assert options.factor_at(0, 100) == pytest.approx(0.1 * cosine[0])
    assert options.factor_at(4, 100) == pytest.approx(0.5 * cosine[4])
    assert options.factor_at(9, 100) == pytest.approx(cosine[9])
    assert options.factor_at(50, 100) == pytest.approx(0.55)
    assert options.factor_at(100, 100) == pytest.approx(0.1)
    assert options.factor_at(150, 100) == pytest.approx(0.1)
    falling = [options.factor_at(step, 100) for step in range(10, 101)]
    assert falling == sorted(falling, reverse=True)


def test_no_warm_up_starts_at_full_rate():
    assert OptimiserSettings(warmup_share=0.0).factor_at(0, 3) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("stages", "scales"),
    [
        ((), [1, 1, 1, 1, 1]),
        (({"until": 0.4, "scale": 0.5},), [0.5, 0.5, 1, 1, 1]),
        (({"until": 0.2, "scale": 0.5}, {"until": 0.8, "scale": 0.75}), [0.5, 0.75, 0.75, 0.75, 1]),
        (({"until": 1.0, "scale": 0.5},), [0.5] * 5),
    ],
)
def test_resolutions_count_in_shares_of_all_epochs(stages, scales):
    settings = TrainingSettings(head_epochs=1, epochs=4, resolutions=stages)
    assert [settings.scale_at(epoch) for epoch in range(5)] == scales


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mean": (0.5, 0.5, 0.5)}, "mean and std are given together"),
        ({"views": ("flip_horizontal",)}, "views holds 'identity'"),
        ({"views": ("identity", "identity")}, "names each view once"),
        ({"views": ("identity", "rotate_90")}, "rotate_90"),
        ({"frozen": 1.5}, "less than or equal to 1"),
    ],
)
def test_a_network_that_can_not_be_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        ModelSettings.model_validate(wrong)


def test_stages_of_resolution_must_rise():
    with pytest.raises(ValidationError, match="rising 'until'"):
        TrainingSettings(resolutions=({"until": 0.5, "scale": 0.5}, {"until": 0.3, "scale": 0.7}))
