"""The verdict follows from quality, novelty and distance to the operating point, in this order."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.graphs import METADATA, make_tiny_manifest

from nevus.bundle import REASONS, VERDICTS
from nevus.bundle.schema import BundleManifest, RefusalLimits
from nevus.bundle.verdict import judge, log_odds

LIMITS = RefusalLimits(ood_score=10.0, near_threshold=0.5)
MANIFEST = make_tiny_manifest(threshold=0.2, refusal=LIMITS)


def verdict(
    p: float | None, ood: float | None = 1.0, manifest: BundleManifest = MANIFEST, **options: object
) -> tuple[str, tuple[str, ...]]:
    judgement = judge(manifest, p_malignant=p, ood_score=ood, **options)
    return judgement.verdict, judgement.reasons


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_far_from_the_operating_point_the_side_decides() -> None:
    assert verdict(0.9) == ("suspicious", ("above_operating_point",))
    assert verdict(0.01) == ("low_suspicion", ())


def test_the_threshold_itself_is_suspicious() -> None:
    without_band = make_tiny_manifest(threshold=0.2, refusal=RefusalLimits())
    assert verdict(0.2, manifest=without_band)[0] == "suspicious"
    assert verdict(math.nextafter(0.2, 0), manifest=without_band)[0] == "low_suspicion"


def test_the_band_is_measured_in_log_odds() -> None:
    centre = log_odds(0.2)
    for offset, expected in ((0.49, "refer"), (-0.49, "refer"), (0.51, "suspicious"), (-0.51, "low_suspicion")):
        assert verdict(sigmoid(centre + offset))[0] == expected
    assert verdict(0.2)[1] == ("near_threshold",)


def test_a_stranger_is_referred_whatever_its_probability() -> None:
    for p in (0.01, 0.99):
        assert verdict(p, ood=10.001) == ("refer", ("out_of_distribution",))
    assert verdict(0.99, ood=10.0)[0] == "suspicious"
    assert verdict(0.2, ood=11.0) == ("refer", ("out_of_distribution", "near_threshold"))


def test_a_score_that_is_no_number_is_out_of_distribution() -> None:
    assert verdict(0.99, ood=math.nan) == ("refer", ("out_of_distribution",))


def test_a_model_without_novelty_score_or_limit_refuses_nothing_for_it() -> None:
    assert verdict(0.99, ood=None)[0] == "suspicious"
    assert verdict(0.99, ood=1e9, manifest=make_tiny_manifest(threshold=0.2))[0] == "suspicious"


def test_an_unusable_image_is_judged_by_nothing_else() -> None:
    assert verdict(None, ood=99.0, quality=("blurred", "too_small")) == ("unusable", ("blurred", "too_small"))
    with pytest.raises(ValueError, match="malignant probability"):
        verdict(None)


def test_without_an_operating_point_everything_is_referred() -> None:
    bare = make_tiny_manifest(operating_points=(), default_operating_point=None)
    assert verdict(0.99, manifest=bare) == ("refer", ("no_operating_point",))


def test_missing_metadata_are_a_hint_where_the_model_uses_them() -> None:
    with_metadata = make_tiny_manifest(threshold=0.2, metadata=METADATA)
    assert verdict(0.9, manifest=with_metadata) == ("suspicious", ("above_operating_point", "metadata_missing"))
    assert verdict(0.01, manifest=with_metadata) == ("low_suspicion", ("metadata_missing",))
    assert verdict(0.01, manifest=with_metadata, metadata_known=True) == ("low_suspicion", ())


def test_the_named_default_operating_point_decides() -> None:
    strict, loose = (
        MANIFEST.operating_points[0].model_copy(update={"name": n, "threshold": t})
        for n, t in (("sensitivity_95", 0.2), ("sensitivity_90", 0.5))
    )
    for default, expected in (("sensitivity_95", "suspicious"), ("sensitivity_90", "low_suspicion")):
        manifest = make_tiny_manifest(operating_points=(loose, strict), default_operating_point=default)
        assert verdict(0.35, manifest=manifest)[0] == expected


@given(st.floats(0, 1), st.none() | st.floats(allow_nan=True), st.booleans(), st.booleans())
def test_verdicts_and_reasons_come_from_the_closed_lists(p: float, ood: float | None, known: bool, blank: bool) -> None:
    given_verdict, reasons = verdict(p, ood, quality=("blank",) if blank else (), metadata_known=known)
    assert given_verdict in VERDICTS
    assert set(reasons) <= set(REASONS)
    assert (given_verdict == "unusable") == blank


def test_the_lists_are_those_of_the_contract() -> None:
    assert set(VERDICTS) == {"low_suspicion", "suspicious", "refer", "unusable"}
    promised = {"above_operating_point", "near_threshold", "out_of_distribution", "blurred", "blank", "too_small"}
    assert set(REASONS) >= promised | {"over_exposed", "metadata_missing"}


def test_more_malignant_is_never_less_suspicious() -> None:
    order = {"low_suspicion": 0, "refer": 1, "suspicious": 2}
    ranks = [order[verdict(p / 200)[0]] for p in range(201)]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2}


def test_log_odds_stay_finite() -> None:
    for p, q in product((0.0, 1e-12), (1.0, 1 - 1e-12)):
        assert math.isfinite(log_odds(p) + log_odds(q))
    assert log_odds(0.2) == pytest.approx(math.log(0.25))
