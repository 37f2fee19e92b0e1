import time

import numpy as np
import pytest
from sklearn import metrics as oracle

from evaluation_factory import make_evaluation, make_logits, make_predictions, objects
from nevus.evaluation import METRICS, Bootstrap, EvaluationError, choose_operating_points, evaluate
from nevus.evaluation.scores import score

FEW = Bootstrap(replicates=50)


def test_every_score_equals_scikit_learn():
    predictions, _, _ = make_logits(400, seed=7)
    found = score(predictions, FEW)
    labels, calls, p = predictions.labels, predictions.calls, predictions.probabilities
    kw = {"average": "macro", "zero_division": 0}
    expected = {
        "balanced_accuracy": oracle.balanced_accuracy_score(labels, calls),
        "accuracy": oracle.accuracy_score(labels, calls),
        "macro_precision": oracle.precision_score(labels, calls, **kw),
        "macro_f1": oracle.f1_score(labels, calls, **kw),
        "weighted_f1": oracle.f1_score(labels, calls, average="weighted"),
        "weighted_precision": oracle.precision_score(labels, calls, average="weighted", zero_division=0),
        "macro_auroc": oracle.roc_auc_score(labels, p, multi_class="ovr"),
        "malignant_auroc": oracle.roc_auc_score(predictions.malignant, predictions.p_malignant),
        "malignant_average_precision": oracle.average_precision_score(predictions.malignant, predictions.p_malignant),
        "melanoma_recall": oracle.recall_score(labels == 4, calls == 4),
        "nll": oracle.log_loss(labels, p),
    }
    for name, value in expected.items():
        assert found.metrics[name].value == pytest.approx(value), name
    assert set(found.metrics) == set(METRICS)
    auroc = oracle.roc_auc_score(labels == 4, p[:, 4])
    assert found.per_class["mel"].auroc.value == pytest.approx(auroc)
    assert found.per_class["mel"].n_votes == (labels == 4).sum()
    assert np.array(found.confusion.counts).tolist() == oracle.confusion_matrix(labels, calls).tolist()


def test_every_estimate_lies_in_its_interval_and_in_the_range_of_its_metric():
    results = make_evaluation()
    for subset in results.subsets.values():
        for name, estimate in subset.metrics.items():
            assert estimate.low <= estimate.value <= estimate.high
            assert estimate.low >= METRICS[name].lowest
            assert METRICS[name].highest is None or estimate.high <= METRICS[name].highest


def test_subsets_are_what_their_names_say():
    results = make_evaluation()
    assert set(results.subsets) == {"test", "test_lesion", "test_histology", "test_answered", "validation"}
    test, lesions = results.subsets["test"], results.subsets["test_lesion"]
    assert (test.vote, lesions.vote) == ("image", "lesion")
    assert lesions.n_votes == lesions.n_groups == test.n_groups == 700
    assert lesions.n_images == test.n_images > 900
    assert results.subsets["test_histology"].n_malignant_groups == test.n_malignant_groups
    refused = results.refusals.overall.any.value * test.n_images
    assert results.subsets["test_answered"].n_images == pytest.approx(test.n_images - refused)


def test_operating_points_are_checked_on_each_subset_at_the_threshold_that_ships():
    results = make_evaluation()
    for subset in results.subsets.values():
        assert [p.threshold for p in subset.operating_points] == [p.threshold for p in results.operating_points]
    assert results.subsets["validation"].at("sensitivity_95").sensitivity == results.operating_points[0].sensitivity
    assert results.subsets["test"].at("nothing of the kind") is None


def test_the_order_of_images_plays_no_part():
    predictions, _, _ = make_logits(150, seed=3)
    points = choose_operating_points(predictions, (0.9,), FEW)
    turned = predictions.take(np.random.default_rng(0).permutation(len(predictions)))
    plain, other = (evaluate(rows, operating_points=points, bootstrap=FEW) for rows in (predictions, turned))
    for name, estimate in plain.subsets["test"].metrics.items():
        again = other.subsets["test"].metrics[name]
        assert (again.value, again.low, again.high) == pytest.approx((estimate.value, estimate.low, estimate.high))
    assert plain.subsets["test"].operating_points == other.subsets["test"].operating_points


def test_the_binary_task_with_unknown_diagnoses_works_throughout():
    results = make_evaluation(task="malignancy")
    assert results.primary_metric == "malignant_auroc"
    test = results.subsets["test"]
    assert test.metrics["melanoma_recall"].value is None
    assert test.metrics["malignant_auroc"].value == pytest.approx(test.per_class["malignant"].auroc.value)
    assert test.metrics["malignant_auroc"].value > 0.85
    point = test.at("sensitivity_95")
    assert point.melanomas > 30
    assert point.melanoma_sensitivity.value > 0.7


def test_rows_of_a_class_that_the_model_lacks_count_for_malignancy_only():
    predictions, _, _ = make_logits(300, seed=1)
    strange = np.arange(len(predictions)) % 10 == 0
    mixed = predictions.take(np.arange(len(predictions)))
    object.__setattr__(mixed, "labels", np.where(strange, -1, predictions.labels))
    found, known = score(mixed, FEW), score(predictions.take(~strange), FEW)
    assert found.metrics["balanced_accuracy"].value == known.metrics["balanced_accuracy"].value
    assert found.metrics["ece"].value == pytest.approx(known.metrics["ece"].value)
    assert found.metrics["malignant_auroc"].value == score(predictions, FEW).metrics["malignant_auroc"].value


def test_a_test_part_without_malignant_lesions_is_evaluated_as_far_as_it_goes():
    results = evaluate(make_predictions([0.1, 0.6, 0.3], [False] * 3), bootstrap=FEW)
    assert results.subsets["test"].metrics["malignant_auroc"].value is None
    assert results.subsets["test"].malignant_roc is None
    assert results.subsets["test"].metrics["accuracy"].value == pytest.approx(2 / 3)
    assert type(results).from_json(results.to_json()) == results


def test_nothing_to_evaluate_and_an_unknown_operating_point_are_said():
    with pytest.raises(EvaluationError, match="no images"):
        evaluate(make_predictions([], []))
    predictions, _, _ = make_logits(100)
    points = choose_operating_points(predictions, (0.9,), FEW)
    with pytest.raises(EvaluationError, match="no operating point 'x'; there are sensitivity_90"):
        evaluate(predictions, operating_points=points, default_operating_point="x")


def test_a_patient_with_many_lesions_is_resampled_as_one():
    malignant = [True, False] * 60
    scores = np.random.default_rng(0).random(120)
    alone = make_predictions(scores, malignant)
    patients = make_predictions(
        scores, malignant, groups=[f"p{i // 40}" for i in range(120)], lesions=objects([f"l{i}" for i in range(120)])
    )
    assert score(patients, FEW).n_groups == 3
    few, many = (score(p, FEW).metrics["malignant_auroc"] for p in (patients, alone))
    assert few.value == many.value
    assert (few.low, few.high) != (many.low, many.high)


def test_fifteen_hundred_images_with_a_thousand_resamples_take_seconds():
    test, _, _ = make_logits(1150, seed=0, stream=1)
    points = choose_operating_points(test, (0.9, 0.95), FEW)
    started = time.process_time()
    results = evaluate(test, validation=test.take(np.arange(0)), operating_points=points, bootstrap=Bootstrap())
    assert time.process_time() - started < 20
    assert results.subsets["test"].n_images >= 1450
