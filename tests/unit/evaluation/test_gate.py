import numpy as np
import pytest

from evaluation_factory import make_evaluation, make_logits
from nevus.evaluation import Bootstrap, Estimate, compare
from nevus.evaluation.gate import GateVerdict, judge
from nevus.evaluation.policy import Policy, load_policy


@pytest.fixture
def results():
    return make_evaluation()


def one(results, comparison=None, problem=None, **rule):
    policy = Policy.model_validate({"name": "own", "rules": [{"id": "r"} | rule]})
    verdict = judge(policy, results, comparison, comparison_problem=problem)
    assert verdict.passed == verdict.lines[0].passed
    return verdict.lines[0]


@pytest.mark.parametrize("bound", ["value", "lower", "upper"])
def test_the_end_that_the_rule_speaks_of_is_compared_and_the_limit_itself_passes(results, bound):
    estimate = results.subsets["test"].metrics["balanced_accuracy"]
    end = {"value": estimate.value, "lower": estimate.low, "upper": estimate.high}[bound]
    at = one(results, metric="balanced_accuracy", bound=bound, threshold=end)
    assert at.passed
    assert at.compared == end
    assert at.observed == estimate
    assert not one(results, metric="balanced_accuracy", bound=bound, threshold=end + 1e-6).passed


def test_lower_is_better_for_a_calibration_error(results):
    value = results.subsets["test"].metrics["ece"].value
    assert one(results, metric="ece", threshold=value + 1e-6).passed
    failed = one(results, metric="ece", threshold=value - 1e-6)
    assert not failed.passed
    assert "misses the limit" in failed.explanation
    assert failed.required.startswith("value <= ")


def test_the_subset_the_operating_point_and_the_class_are_those_of_the_rule(results):
    lesion = one(results, metric="accuracy", subset="test_lesion", threshold=0.1)
    assert lesion.observed == results.subsets["test_lesion"].metrics["accuracy"]
    point = one(results, metric="melanoma_sensitivity", operating_point="sensitivity_90", threshold=0.1)
    assert point.observed == results.subsets["test"].at("sensitivity_90").melanoma_sensitivity
    of_class = one(results, **{"metric": "recall", "class": "bcc", "threshold": 0.1})
    assert of_class.observed == results.subsets["test"].per_class["bcc"].recall


def test_the_worst_subgroup_is_the_lowest_of_those_that_are_large_enough(results):
    rule = {"metric": "malignant_sensitivity", "scope": "worst_subgroup", "threshold": 0.5}
    large = {
        (dimension, level.level): level.metrics["malignant_sensitivity"].value
        for dimension, levels in results.subgroups.items()
        for level in levels
        if level.n_malignant_groups >= 30
    }
    (dimension, level), value = min(large.items(), key=lambda item: item[1])
    found = one(results, **rule)
    assert found.observed.value == value
    assert f"{dimension} = {level}, of {len(large)} judged" in found.what
    by_sex = one(results, **rule, dimensions=["sex"])
    assert "sex = " in by_sex.what
    assert by_sex.observed.value == min(v for (d, _), v in large.items() if d == "sex")


def test_where_no_subgroup_is_large_enough_nothing_is_proven(results):
    found = one(
        results, metric="malignant_sensitivity", scope="worst_subgroup", threshold=0.1, min_malignant_groups=5000
    )
    assert not found.passed
    assert "no subgroup holds 5000 malignant" in found.explanation


def test_subgroups_judged_at_another_operating_point_do_not_answer(results):
    found = one(
        results,
        metric="malignant_sensitivity",
        scope="worst_subgroup",
        operating_point="sensitivity_90",
        threshold=0.1,
    )
    assert not found.passed
    assert "judged at the operating point 'sensitivity_95'" in found.explanation


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"metric": "accuracy", "subset": "test_lesions"}, "no subset 'test_lesions'; did you mean 'test_lesion'?"),
        ({"metric": "ppv", "operating_point": "sensitivity_99"}, "no operating point 'sensitivity_99'; did you mean"),
        ({"metric": "recall", "class": "nve"}, "no class 'nve'; did you mean 'nv'?"),
    ],
)
def test_what_the_results_do_not_hold_fails_with_the_reason(results, rule, said):
    found = one(results, **rule, threshold=0.0)
    assert not found.passed
    assert said in found.explanation
    assert found.compared is None


def test_a_figure_that_cannot_be_computed_fails():
    results = make_evaluation(task="malignancy")
    found = one(results, metric="melanoma_recall", threshold=0.0)
    assert not found.passed
    assert "has no figure" in found.explanation


def test_a_value_without_an_interval_fails_a_rule_about_its_end(results):
    scores = results.subsets["test"]
    bare = scores.model_copy(update={"metrics": scores.metrics | {"accuracy": Estimate(value=0.99)}})
    changed = results.model_copy(update={"subsets": {"test": bare}})
    assert one(changed, metric="accuracy", threshold=0.5).passed
    found = one(changed, metric="accuracy", bound="lower", threshold=0.5)
    assert not found.passed
    assert "has no interval" in found.explanation


@pytest.fixture(scope="module")
def comparison():
    better, worse = (make_logits(300, seed=1, skill=skill)[0] for skill in (2.6, 1.5))
    few = Bootstrap(replicates=100)
    return compare(better, worse, bootstrap=few), compare(worse, better, bootstrap=few)


def test_the_champion_may_be_missed_by_the_margin_and_no_more(results, comparison):
    ahead, behind = comparison
    rule = {"metric": "balanced_accuracy", "bound": "lower"}
    assert one(results, ahead, **rule, champion_margin=0.0).passed
    difference = behind.metrics["balanced_accuracy"].difference
    found = one(results, behind, **rule, champion_margin=0.02)
    assert not found.passed
    assert found.compared == difference.low < -0.02
    assert found.required == "difference to the champion, lower end >= -0.02"
    assert one(results, behind, **rule, champion_margin=-difference.low + 1e-9).passed


def test_a_lower_is_better_metric_may_exceed_the_champion_by_the_margin(results, comparison):
    _, behind = comparison
    excess = behind.metrics["brier"].difference.high
    assert excess > 0
    assert one(results, behind, metric="brier", bound="upper", champion_margin=excess + 1e-9).passed
    assert not one(results, behind, metric="brier", bound="upper", champion_margin=excess - 1e-6).passed


def test_without_a_champion_there_is_nothing_to_be_worse_than(results):
    found = one(results, metric="balanced_accuracy", champion_margin=0.02)
    assert found.passed
    assert found.explanation == "no champion to compare with"


def test_a_champion_that_could_not_be_compared_fails_its_rules(results):
    found = one(results, problem="it knows other classes", metric="balanced_accuracy", champion_margin=0.02)
    assert not found.passed
    assert "it knows other classes" in found.explanation


def test_a_comparison_of_another_subset_or_without_the_metric_does_not_answer(results, comparison):
    ahead, _ = comparison
    other = ahead.model_copy(update={"subset": "validation"})
    assert not one(results, other, metric="balanced_accuracy", champion_margin=0.02).passed
    few = ahead.model_copy(update={"metrics": {}})
    assert not one(results, few, metric="balanced_accuracy", champion_margin=0.02).passed


def test_too_few_shared_groups_or_a_class_without_any_prove_nothing(results):
    """On one shared image two models hardly ever differ: 0 (0 to 0) keeps every margin."""
    model = make_logits(300, seed=1)[0]
    few = Bootstrap(replicates=100)
    alone = compare(model.take([0]), model.take([0]), bootstrap=few)
    difference = alone.metrics["balanced_accuracy"].difference
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    rule = {"metric": "balanced_accuracy", "bound": "lower", "champion_margin": 0.02}
    found = one(results, alone, **rule)
    assert not found.passed
    assert "only 1 patients or lesions are in the test part of both, and the rule asks for 30" in found.explanation
    groups = len(set(model.groups))
    whole = compare(model, model, bootstrap=few)
    assert one(results, whole, **rule, min_shared_groups=groups).passed
    assert not one(results, whole, **rule, min_shared_groups=groups + 1).passed
    common = model.take(np.flatnonzero(model.labels != model.classes.index("df")))
    without = compare(common, common, bootstrap=few)
    found = one(results, without, **rule)
    assert not found.passed
    assert "no image of df is in the test part of both" in found.explanation
    assert one(results, without, **(rule | {"metric": "malignant_auroc"})).passed


def test_the_champion_is_named_even_where_it_could_not_be_compared(results):
    policy = Policy.model_validate({"name": "own", "rules": [{"id": "r", "metric": "ece", "threshold": 1}]})
    assert judge(policy, results, comparison_problem="gone", champion="lesions/4").champion == "lesions/4"


def test_one_failing_rule_fails_the_candidate_and_the_verdict_survives_json(comparison):
    results = make_evaluation(n_lesions=1100)
    verdict = judge(load_policy("accuracy-85"), results, comparison[0])
    assert [line.passed for line in verdict.lines] == [False, True]
    assert not verdict.passed
    assert [line.rule for line in verdict.failures] == ["accuracy"]
    assert verdict.champion == "champion"
    assert GateVerdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_a_skilled_model_passes_the_default_policy_and_one_of_shuffled_labels_misses_it_everywhere_it_matters():
    skilled = judge(load_policy("default"), make_evaluation(n_lesions=1100, skill=4.5, seed=1))
    assert skilled.passed, [line.explanation for line in skilled.failures]
    blind = judge(load_policy("default"), make_evaluation(n_lesions=1100, skill=0.0, seed=1))
    assert not blind.passed
    assert "balanced-accuracy" in {line.rule for line in blind.failures}


def test_the_binary_policy_judges_the_binary_task():
    verdict = judge(load_policy("malignancy"), make_evaluation(task="malignancy", n_lesions=1100, skill=4.5))
    assert verdict.passed, [line.explanation for line in verdict.failures]
