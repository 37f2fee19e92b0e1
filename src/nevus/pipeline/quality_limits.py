"""Where a picture's technical quality makes it unusable: below all on which the model's thresholds were fixed."""

from __future__ import annotations

import polars as pl

from nevus.bundle.schema import QualityLimits

MARGIN = 0.8
"""Of the poorest validation image. Somewhat below it, since a new image may be the poorest yet; of HAM10000's images
blurred by 3 pixels most still fall below."""
WIDE_MARGIN = 0.5
ENOUGH = 200
"""Validation images; of fewer, the poorest says less about those to come."""
BURNT_OUT = 0.5
"""Share of over-exposed pixels that is always allowed: a white ruler or a gel's reflection hides no lesion."""


def choose_quality_limits(validation: pl.DataFrame, given: QualityLimits) -> QualityLimits:
    """Limits that every validation image keeps.

    What is blank, blurred or burnt out beyond anything that the model was proven on gets no answer from it.

    Args:
        validation: `q_sharpness, q_contrast, q_over_exposed` of each image, as measured on the graph's input.
        given: the limits of what isn't measured there.
    """
    margin = MARGIN if validation.height >= ENOUGH else WIDE_MARGIN
    sharpness, contrast, over_exposed = validation.select(
        pl.col("q_sharpness").min(), pl.col("q_contrast").min(), pl.col("q_over_exposed").max()
    ).row(0)
    burnt_out = max(BURNT_OUT, over_exposed / margin)
    return given.model_copy(
        update={
            "min_sharpness": margin * sharpness,
            "min_contrast": margin * contrast,
            "max_over_exposed": burnt_out if burnt_out < 1 else None,
        }
    )
