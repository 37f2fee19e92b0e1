import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from evaluation_factory import make_evaluation, make_predictions, objects
from nevus.evaluation.results import Bootstrap, OperatingPoint
from nevus.evaluation.subgroups import age_bands, evaluate_subgroups, subgroup_columns

POINT = OperatingPoint(
    name="sensitivity_95", threshold=0.5, target_sensitivity=0.95, sensitivity={"value": 1}, specificity={"value": 1}
)


def test_age_bands_meet_at_their_lower_ends():
    ages = objects([0, 29.9, 30, 44, 45, 59.5, 60, 74, 75, 99, None, float("nan")])
    assert age_bands(ages).tolist() == [
        "<30", "<30", "30-44", "30-44", "45-59", "45-59", "60-74", "60-74", "75+", "75+", "unknown", "unknown",
    ]  # fmt: skip


def test_a_dimension_of_which_nothing_is_known_is_left_out():
    columns = {"age": objects([None, 50.0]), "site": objects([None, None]), "sex": objects(["male", None])}
    found = {name: levels.tolist() for name, levels in subgroup_columns(columns).items()}
    assert found == {"age_band": ["unknown", "45-59"], "sex": ["male", "unknown"]}


def split_by_sex(malignant_women, benign_women):
    rng = np.random.default_rng(0)
    women, men = malignant_women + benign_women, 100
    malignant = np.array([True] * malignant_women + [False] * benign_women + [True] * 50 + [False] * 50)
    scores = np.clip(0.4 * malignant + 0.6 * rng.random(women + men), 0, 1)
    return make_predictions(scores, malignant, columns={"sex": objects(["female"] * women + ["male"] * men)})


def test_a_large_level_has_the_figures_of_its_own_rows():
    predictions = split_by_sex(40, 30)
    found = evaluate_subgroups(predictions, POINT, Bootstrap(replicates=50))["sex"]
    assert [level.level for level in found] == ["female", "male"]
    female = found[0]
    rows = predictions.take(np.arange(70))
    assert (female.status, female.reason) == ("ok", None)
    assert (female.n_images, female.n_malignant_groups, female.n_benign_groups) == (70, 40, 30)
    assert female.metrics["malignant_auroc"].value == pytest.approx(roc_auc_score(rows.malignant, rows.p_malignant))
    assert female.metrics["malignant_sensitivity"].value == (rows.p_malignant[:40] >= 0.5).mean()
    assert female.metrics["malignant_specificity"].value == (rows.p_malignant[40:] < 0.5).mean()


def test_too_few_malignant_lesions_judge_no_sensitivity_and_say_so():
    female = evaluate_subgroups(split_by_sex(29, 30), POINT, Bootstrap(replicates=50))["sex"][0]
    assert female.status == "too_small"
    assert female.reason == "29 malignant groups of the 30 needed"
    assert set(female.metrics) == {"balanced_accuracy", "malignant_specificity"}


def test_too_few_benign_lesions_judge_no_specificity():
    female = evaluate_subgroups(split_by_sex(40, 9), POINT, Bootstrap(replicates=50))["sex"][0]
    assert female.status == "too_small"
    assert set(female.metrics) == {"balanced_accuracy", "malignant_sensitivity"}


def test_many_images_of_few_lesions_are_still_few():
    malignant = [True] * 60 + [False] * 20
    groups = [f"m{i % 20}" for i in range(60)] + [f"b{i}" for i in range(20)]
    predictions = make_predictions([0.7] * 80, malignant, groups=groups, columns={"sex": objects(["male"] * 80)})
    male = evaluate_subgroups(predictions, POINT, Bootstrap(replicates=50))["sex"][0]
    assert (male.status, male.n_malignant_groups) == ("too_small", 20)


def test_levels_stand_in_the_order_of_age_with_unknown_last():
    levels = [level.level for level in make_evaluation().subgroups["age_band"]]
    assert levels == ["<30", "30-44", "45-59", "60-74", "75+", "unknown"]
