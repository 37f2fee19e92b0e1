import numpy as np
import pytest

from evaluation_factory import make_logits, make_predictions, objects
from nevus.evaluation.aggregate import one_vote_a_lesion
from nevus.evaluation.errors import EvaluationError


def test_a_lesion_votes_with_the_mean_of_its_images_probabilities():
    predictions = make_predictions(
        [0.9, 0.2, 0.5, 0.1],
        [True, True, False, False],
        groups=["p", "p", "q", "q"],
        lesions=objects(["a", "a", "b", None]),
    )
    lesions = one_vote_a_lesion(predictions)
    assert lesions.p_malignant.tolist() == pytest.approx([0.55, 0.5, 0.1])
    assert lesions.malignant.tolist() == [True, False, False]
    assert lesions.groups.tolist() == ["p", "q", "q"]


def test_images_without_a_lesion_stay_apart_even_where_one_is_named_like_a_lesion():
    predictions = make_predictions([0.9, 0.2, 0.4], [True] * 3, lesions=objects(["i0001", None, None]))
    assert len(one_vote_a_lesion(predictions)) == 3


def test_one_good_image_is_enough_for_an_answer():
    predictions = make_predictions(
        [0.9, 0.2, 0.4],
        [True] * 3,
        groups=["a", "a", "b"],
        unusable=np.array([True, False, True]),
    )
    assert one_vote_a_lesion(predictions).unusable.tolist() == [False, True]


def test_malignant_probability_of_a_lesion_is_the_mean_of_its_images():
    predictions, _, _ = make_logits(60)
    lesions = one_vote_a_lesion(predictions)
    assert len(lesions) == 60
    for lesion in ("LES_0_00000", "LES_0_00033"):
        images = predictions.p_malignant[predictions.lesions == lesion]
        assert lesions.p_malignant[lesions.lesions == lesion][0] == pytest.approx(images.mean())


@pytest.mark.parametrize(
    ("own", "said"),
    [({"labels": np.array([0, 1])}, "label"), ({"groups": objects(["p", "q"])}, "group")],
)
def test_a_lesion_that_contradicts_itself_is_named(own, said):
    predictions = make_predictions([0.1, 0.2], [True, True], lesions=objects(["a", "a"]), **own)
    with pytest.raises(EvaluationError, match=f"lesion a has images of different {said}"):
        one_vote_a_lesion(predictions)
