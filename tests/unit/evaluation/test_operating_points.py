import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_factory import make_predictions, objects
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.operating_points import (
    choose_operating_points,
    choose_threshold,
    evaluate_operating_point,
    operating_point_name,
)
from nevus.evaluation.results import Bootstrap, OperatingPoint


def sensitivity(predictions, threshold):
    return (predictions.p_malignant[predictions.malignant] >= threshold).mean()


def test_names_say_the_target():
    assert operating_point_name(0.95) == "sensitivity_95"
    assert operating_point_name(0.975) == "sensitivity_97.5"


def test_threshold_by_hand():
    # 39 malignant at .02 .. .40 and benign ones between: .95 x 40 = 38 must be found, so the second lowest, .04 -> ...
    scores = [*(np.arange(1, 40) / 50), 0.03]
    validation = make_predictions(scores, [True] * 39 + [False])
    # the second lowest malignant score is .04; the next lower score of any image is the benign .03
    assert choose_threshold(validation, 0.95) == pytest.approx(0.035)


def test_a_missed_lesion_of_many_images_weighs_by_images_and_many_single_ones_by_groups():
    # 12 images of one lesion score low; by groups it is one of 41, by images 12 of 52.
    scores, groups = [0.2] * 12 + [0.8] * 40, ["big"] * 12 + [f"g{i}" for i in range(40)]
    by_images = make_predictions([*scores, 0.1], [True] * 52 + [False], groups=[*groups, "benign"])
    assert choose_threshold(by_images, 0.95) == pytest.approx(0.15)
    # 12 single lesions score low; by images they are 12 of 412, by groups 12 of 52.
    scores = [0.2] * 12 + [0.8] * 400
    groups = [f"low{i}" for i in range(12)] + [f"g{i % 40}" for i in range(400)]
    by_groups = make_predictions([*scores, 0.1], [True] * 412 + [False], groups=[*groups, "benign"])
    assert choose_threshold(by_groups, 0.95) == pytest.approx(0.15)


def test_ties_are_called_together():
    validation = make_predictions([0.5] * 30 + [0.2] * 5, [True] * 30 + [False] * 5)
    assert choose_threshold(validation, 0.9) == pytest.approx(0.35)
    assert sensitivity(validation, choose_threshold(validation, 0.9)) == 1


def test_no_malignant_image_is_said():
    with pytest.raises(EvaluationError, match="no malignant image"):
        choose_threshold(make_predictions([0.1, 0.2], [False, False]), 0.95)


def test_new_lesions_are_found_as_often_as_promised_on_average():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(400):
        malignant = rng.random(160) < 0.5
        scores = 1 / (1 + np.exp(-(rng.normal(size=160) + 2 * malignant)))
        validation = make_predictions(scores[:80], malignant[:80])
        fresh = make_predictions(scores[80:], malignant[80:])
        found.append(sensitivity(fresh, choose_threshold(validation, 0.9)))
    assert 0.895 <= np.mean(found) <= 0.935


def test_result_by_hand_counts_melanomas_by_diagnosis_in_the_binary_task_too():
    test = make_predictions(
        [0.9, 0.7, 0.2, 0.6, 0.1, 0.5],
        [True, True, True, False, False, False],
        diagnoses=objects(["mel", "unknown", "mel", "nv", "unknown", "unknown"]),
    )
    point = OperatingPoint(
        name="p", threshold=0.5, target_sensitivity=0.9, sensitivity={"value": 1}, specificity={"value": 1}
    )
    found = evaluate_operating_point(test, point, Bootstrap(replicates=50))
    assert (found.true_positives, found.false_negatives, found.false_positives, found.true_negatives) == (2, 1, 2, 1)
    assert (found.melanomas, found.melanomas_missed) == (2, 1)
    assert found.sensitivity.value == pytest.approx(2 / 3)
    assert found.specificity.value == pytest.approx(1 / 3)
    assert found.ppv.value == pytest.approx(0.5)
    assert found.npv.value == pytest.approx(0.5)
    assert found.melanoma_sensitivity.value == pytest.approx(0.5)


def test_points_carry_what_they_reach_on_validation():
    rng = np.random.default_rng(0)
    malignant = rng.random(300) < 0.4
    validation = make_predictions(np.clip(0.3 * malignant + 0.7 * rng.random(300), 0, 1), malignant)
    first, second = choose_operating_points(validation, (0.95, 0.8), Bootstrap(replicates=100))
    assert first.threshold < second.threshold
    assert first.sensitivity.value == sensitivity(validation, first.threshold) >= 0.95
    assert second.sensitivity.value >= 0.8
    assert first.specificity.low < first.specificity.value < first.specificity.high
    assert (first.name, first.measured_on) == ("sensitivity_95", "validation")


images = st.lists(st.tuples(st.integers(0, 50), st.booleans(), st.sampled_from("abcdefgh")), min_size=3, max_size=40)


@given(images, st.floats(0.05, 0.99), st.floats(0.05, 0.99))
@settings(max_examples=60, deadline=None)
def test_a_higher_target_never_raises_the_threshold_and_row_order_plays_no_part(rows, one, other):
    rows = [(50, True, "z"), *rows]
    scores, malignant, groups = ([row[i] for row in rows] for i in range(3))
    validation = make_predictions(np.array(scores) / 50, malignant, groups=groups)
    turned = make_predictions(np.array(scores[::-1]) / 50, malignant[::-1], groups=groups[::-1])
    low, high = sorted((one, other))
    assert choose_threshold(validation, high) <= choose_threshold(validation, low)
    assert choose_threshold(turned, high) == choose_threshold(validation, high)
