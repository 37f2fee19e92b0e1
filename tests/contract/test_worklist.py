"""What the worklist promises: the images of which a label would teach most, each once, until it is labelled."""

from __future__ import annotations

import math

import pytest

from nevus.store import worklist
from nevus.store.columns import now
from nevus.store.labels import Labels, NewLabel
from nevus.store.predictions.filters import FilterError
from nevus.store.worklist import read_worklist
from prediction_rows import add_predictions, image, numbered_id, prediction_row

SURE = {"probabilities": {"mel": 0.0, "nv": 1.0}, "p_malignant": 1e-7, "ood_score": None}


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def close(distance, **more):
    """A sure answer, so many units of log-odds from an operating point of one half."""
    return {**SURE, "p_malignant": sigmoid(distance), "threshold": 0.5, **more}


def numbers(page):
    return [int(item.prediction.prediction_id[:8], 16) for item in page.items]


def label(store, number):
    Labels(store).add(NewLabel("nv", prediction_id=numbered_id(number)), by="x")


def test_nothing_to_do_is_an_empty_page(store):
    page = read_worklist(store)
    assert (page.items, page.next_cursor) == ((), None)


def test_the_parts_of_a_score_are_those_of_the_formula(store):
    row = {"probabilities": {"mel": 0.25, "bcc": 0.0, "nv": 0.75}, "p_malignant": 0.25, "threshold": 0.1}
    add_predictions(store, prediction_row(1, **row, ood_score=9.0), prediction_row(2, **row, ood_score=2.0))
    first, second = read_worklist(store).items
    closeness = math.exp(-abs(math.log(0.25 / 0.75) - math.log(0.1 / 0.9)))
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75)) / math.log(3)
    assert closeness < entropy
    assert first.prediction.prediction_id == numbered_id(1)
    assert (first.closeness, first.entropy, first.novelty, first.score) == pytest.approx(
        (closeness, entropy, 1.0, entropy + 0.5)
    )
    assert (second.novelty, second.score) == pytest.approx((0.0, entropy))


def test_what_is_close_to_the_operating_point_comes_first_on_either_side_of_it(store):
    add_predictions(
        store,
        prediction_row(1, **close(-0.5)),
        prediction_row(2, **close(3)),
        prediction_row(3, **close(0)),
        prediction_row(4, **close(1)),
    )
    page = read_worklist(store)
    assert numbers(page) == [3, 1, 4, 2]
    assert [item.closeness for item in page.items] == pytest.approx([1, math.exp(-0.5), math.exp(-1), math.exp(-3)])


def test_a_model_that_can_not_decide_between_classes_asks_even_far_from_the_operating_point(store):
    unsure = {"probabilities": {"nv": 0.5, "bkl": 0.5, "mel": 0.0}}
    add_predictions(store, prediction_row(1, **close(-4)), prediction_row(2, **close(-4, **unsure)))
    assert numbers(read_worklist(store)) == [2, 1]


def test_without_an_operating_point_entropy_alone_counts(store):
    add_predictions(store, prediction_row(1, **close(0, threshold=None)))
    (item,) = read_worklist(store).items
    assert (item.closeness, item.entropy, item.score, item.novelty) == (None, 0.0, 0.0, None)


def test_novelty_is_compared_within_a_bundle_only(store):
    add_predictions(
        store,
        *(prediction_row(n, **close(5, ood_score=score)) for n, score in ((1, 10.0), (2, 30.0), (3, 20.0), (4, 10.0))),
        *(prediction_row(n, **close(5, ood_score=n / 1000, bundle_digest="c" * 64)) for n in (5, 6)),
    )
    novelty = {int(i.prediction.prediction_id[:8], 16): i.novelty for i in read_worklist(store).items}
    assert novelty == pytest.approx({1: 0, 4: 0, 3: 2 / 3, 2: 1, 5: 0, 6: 1})


def test_shadows_unusable_and_labelled_images_are_left_out_and_an_image_stands_there_once(store):
    add_predictions(
        store,
        prediction_row(1),
        prediction_row(2, arm="shadow"),
        prediction_row(3, verdict="unusable", p_malignant=None, probabilities=None),
        prediction_row(4, verdict="refer", reasons=["out_of_distribution"]),
        prediction_row(5),
        prediction_row(6, image_hash=image(1)),
        prediction_row(7, image_hash=image(5)),
    )
    label(store, 5)
    assert sorted(numbers(read_worklist(store))) == [4, 6], "of image 1 the newest answer"
    label(store, 1)
    assert numbers(read_worklist(store)) == [4]


def test_pages_go_on_where_they_stopped_whatever_is_labelled_or_predicted_meanwhile(store):
    add_predictions(store, *(prediction_row(n, **close(n / 4, ood_score=float(n))) for n in range(1, 8)))
    whole = numbers(read_worklist(store, limit=7))
    first = read_worklist(store, limit=3)
    assert numbers(first) == whole[:3]
    label(store, whole[0])
    label(store, whole[4])
    add_predictions(store, prediction_row(8, **close(0, ood_score=99.0), created_at=now()))
    second = read_worklist(store, limit=2, cursor=first.next_cursor)
    assert numbers(second) == [whole[3], whole[5]]
    last = read_worklist(store, limit=2, cursor=second.next_cursor)
    assert (numbers(last), last.next_cursor) == ([whole[6]], None)
    assert numbers(read_worklist(store, limit=1)) == [8]


def test_equal_scores_are_told_apart_so_that_no_page_repeats_or_skips_one(store):
    add_predictions(store, *(prediction_row(n, **close(1)) for n in range(1, 6)))
    seen, cursor = [], None
    while len(seen) < 9:
        page = read_worklist(store, limit=2, cursor=cursor)
        seen += numbers(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [5, 4, 3, 2, 1]


def test_only_so_many_of_the_newest_are_looked_at(store, monkeypatch):
    monkeypatch.setattr(worklist, "WINDOW", 2)
    add_predictions(store, *(prediction_row(n, **close(n)) for n in (1, 2, 3)))
    assert numbers(read_worklist(store)) == [2, 3]
    label(store, 3)
    assert numbers(read_worklist(store)) == [1, 2], "what is labelled makes room"


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "ü", "W10", "WzEsMiwzXQ", "bnVsbA", "WyIwMDAxLTAxLTAxVDAwOjAwKzE0OjAwIiwxLCJhIl0", "\x00", "W" * 9999],
)
def test_a_cursor_from_elsewhere_is_refused(store, cursor):
    with pytest.raises(FilterError, match=r"^cursor: "):
        read_worklist(store, cursor=cursor)


@pytest.mark.parametrize("limit", [0, 501])
def test_a_page_has_1_to_500_items(store, limit):
    with pytest.raises(FilterError, match=r"^limit: "):
        read_worklist(store, limit=limit)
