import numpy as np
import pytest

from evaluation_factory import make_logits, make_predictions, objects
from nevus.evaluation.errors import EvaluationError


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"probabilities": np.ones((2, 3)) / 3}, "shape"),
        ({"labels": np.array([0])}, "labels has 1 entries for 2"),
        ({"columns": {"sex": objects(["male"])}}, "columns.sex has 1"),
        ({"ids": objects(["same", "same"])}, "same image id"),
        ({"labels": np.array([0, 2])}, "labels must lie in -1 .. 1"),
        ({"probabilities": np.array([[0.5, 0.5], [0.9, 0.9]])}, "i0001 are not a distribution"),
        ({"probabilities": np.array([[np.nan, 0.5], [0.9, 0.1]])}, "i0000 are not a distribution"),
        ({"malignant_classes": ("mel",)}, "mel is not among"),
    ],
)
def test_what_does_not_belong_together_is_named(own, said):
    with pytest.raises(EvaluationError, match=said):
        make_predictions([0.1, 0.2], [False, True], **own)


def test_malignant_probability_is_the_sum_over_the_malignant_classes():
    predictions, _, _ = make_logits(20)
    columns = [predictions.classes.index(code) for code in ("akiec", "bcc", "mel")]
    assert np.allclose(predictions.p_malignant, predictions.probabilities[:, columns].sum(axis=1))


def test_rows_are_taken_with_all_that_belongs_to_them():
    predictions, _, _ = make_logits(20)
    mask = predictions.malignant
    rows = predictions.take(mask)
    assert rows.ids.tolist() == predictions.ids[mask].tolist()
    assert rows.columns["site"].tolist() == predictions.columns["site"][mask].tolist()
    assert np.allclose(rows.p_malignant, predictions.p_malignant[mask])
