"""Whether a variant of a bundle gives the answers of the bundle that it was made from, image by image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from nevus.bundle.schema import Share
from nevus.errors import InputError
from nevus.evaluation.estimate import Estimate
from nevus.evaluation.gate import GateLine, GateVerdict
from nevus.settings import Section


class ParityError(InputError):
    """The two tables of predictions aren't of the same images."""


class Parity(Section):
    """How far a bundle's answers are from those of its run's own bundle, on validation and test."""

    images: int
    same_diagnosis: Share
    same_verdict: Share
    largest_difference: float
    """Of any class's probability on any image, 0..1."""
    least_agreement: Share | None = None
    """What either share must reach; null where the bundle is another model and nothing is asked."""


def measure_parity(
    own: pl.DataFrame, other: pl.DataFrame, classes: Sequence[str], least_agreement: float | None = None
) -> Parity:
    """Compare two tables of predictions.

    Args:
        own: the variant's predictions, as `score_images` gives them.
        other: those of the run's own bundle.
        classes: the classes of both.
        least_agreement: what is asked for.

    Raises:
        ParityError: the tables hold different images.
    """
    own, other = own.sort("image_id"), other.sort("image_id")
    if own["image_id"].to_list() != other["image_id"].to_list() or own.is_empty():
        raise ParityError("the run's own predictions are of other images than its split names; run `nevus run` again.")
    columns = [f"p_{code}" for code in classes]
    a, b = own.select(columns).to_numpy(), other.select(columns).to_numpy()
    return Parity(
        images=own.height,
        same_diagnosis=float((a.argmax(1) == b.argmax(1)).mean()),
        same_verdict=float(np.mean(own["verdict"].to_numpy() == other["verdict"].to_numpy())),
        largest_difference=float(np.abs(a - b).max()),
        least_agreement=least_agreement,
    )


def with_parity(verdict: GateVerdict, parity: Parity) -> GateVerdict:
    """The gate's verdict with a line for each share that parity asks for."""
    lines = (*verdict.lines, *_lines(parity))
    return verdict.model_copy(update={"lines": lines, "passed": all(line.passed for line in lines)})


def _lines(parity: Parity) -> Iterator[GateLine]:
    limit = parity.least_agreement
    if limit is None:
        return
    for what, share in (("diagnosis", parity.same_diagnosis), ("verdict", parity.same_verdict)):
        passed = share >= limit
        yield GateLine(
            rule=f"parity-{what}",
            description="A variant of a model answers as the model does.",
            metric=f"same_{what}",
            what=f"Images with the same {what} as the original, validation and test",
            required=f"value >= {limit:g}",
            observed=Estimate(value=share),
            compared=share,
            limit=limit,
            passed=passed,
            explanation=(
                f"{share:.4f} of {parity.images} images have the same {what} as by the original; "
                f"{'keeps' if passed else 'misses'} the limit"
            ),
        )
