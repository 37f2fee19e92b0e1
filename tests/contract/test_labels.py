"""What labels promise: the best confirmed one counts, disagreement is said, and none is ever lost."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nevus.errors import InputError
from nevus.store import entries, verify
from nevus.store.columns import now
from nevus.store.label import RANKS
from nevus.store.labels import ConflictingLabelError, LabelError, Labels, NewLabel
from nevus.store.predictions import UnknownPredictionError, find_prediction
from nevus.taxonomy import DIAGNOSES
from prediction_rows import add_predictions, image, numbered_id, prediction_row


@pytest.fixture
def labels(store):
    """The labels of a store with predictions 1 and 2 of different images, and 3 of the same image as 1."""
    add_predictions(
        store,
        prediction_row(1, patient_hash="1" * 64, lesion_hash="2" * 64),
        prediction_row(2),
        prediction_row(3, image_hash=image(1), patient_hash="3" * 64, lesion_hash=None),
    )
    return Labels(store)


@pytest.fixture
def say(labels):
    """A function that labels prediction 1."""

    def add(diagnosis, confirmed_by=None, **more):
        return labels.add(
            NewLabel(diagnosis, prediction_id=numbered_id(1), confirmed_by=confirmed_by, **more), by="Zoë", key_id="k1"
        )

    return add


def test_a_label_comes_back_with_all_that_was_said_and_by_whom(store, labels, say):
    before = now()
    made = say("mel", "histology", confirmed_on=date(2026, 11, 1), note="pT1a\nmargin free")
    assert labels.current(image(1)) == made == find_prediction(store, numbered_id(1)).label
    assert (made.image_hash, made.prediction_id) == (image(1), numbered_id(1))
    assert (made.diagnosis, made.malignant, made.confirmed_by, made.confirmed_on) == (
        "mel",
        True,
        "histology",
        date(2026, 11, 1),
    )
    assert (made.labelled_by, made.key_id, made.note, made.counts) == ("Zoë", "k1", "pT1a\nmargin free", True)
    assert (made.patient_hash, made.lesion_hash) == ("1" * 64, "2" * 64)
    assert before <= made.created_at <= now()


def test_a_label_belongs_to_the_image_whichever_prediction_was_looked_at(store, labels, say):
    made = say("nv")
    assert find_prediction(store, numbered_id(3)).label == made
    assert find_prediction(store, numbered_id(2)).label is None
    by_hash = labels.add(NewLabel("nv", image_hash=image(1)), by="x")
    assert (by_hash.prediction_id, by_hash.patient_hash) == (None, "3" * 64), "the newest prediction knows the patient"
    assert labels.add(NewLabel("nv", image_hash=image(1), prediction_id=numbered_id(3)), by="x").counts


@pytest.mark.parametrize("code", [code for code in DIAGNOSES if code != "unknown"])
def test_malignancy_follows_from_the_diagnosis(say, code):
    assert say(code).malignant == (code in {"mel", "bcc", "akiec", "scc"})


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        (("nv", None), ("nv", None), "second"),
        (("nv", "consensus"), ("nv", "follow_up"), "second"),
        (("nv", "histology"), ("nv", "confocal"), "first"),
        (("nv", "follow_up"), ("mel", "confocal"), "second"),
        (("nv", "confocal"), ("mel", "histology"), "second"),
        (("nv", "consensus"), ("mel", None), "first"),
        (("nv", "histology"), ("mel", "confocal"), "first"),
    ],
)
def test_the_better_confirmed_label_counts_and_the_later_one_of_equals_that_agree(labels, say, first, second, counts):
    older, newer = say(*first), say(*second)
    one, other = (older, newer) if counts == "first" else (newer, older)
    assert labels.current(image(1)).label_id == one.label_id
    assert newer.counts == (counts == "second")
    history = {label.label_id: label for label in labels.history(image(1))}
    assert list(history) == [newer.label_id, older.label_id]
    assert history[other.label_id].superseded_by == one.label_id


@pytest.mark.parametrize("how", RANKS)
def test_equally_confirmed_labels_that_disagree_are_a_conflict_until_one_corrects_the_other(labels, say, how):
    wrong = say("nv", how)
    with pytest.raises(ConflictingLabelError, match=f"{wrong.label_id} says nv .*replaces={wrong.label_id}") as refused:
        say("mel", how)
    assert refused.value.label_id == wrong.label_id
    assert labels.history(image(1)) == [wrong], "a refused label leaves nothing"
    right = say("mel", how, replaces=wrong.label_id)
    assert labels.current(image(1)) == right
    assert [label.superseded_by for label in labels.history(image(1))] == [None, right.label_id]


def test_a_correction_counts_even_against_a_better_confirmation_that_was_typed_in_wrongly(labels, say):
    wrong = say("mel", "histology")
    right = say("nv", "consensus", replaces=wrong.label_id)
    assert labels.current(image(1)) == right


def test_a_correction_of_a_label_that_does_not_count_is_a_conflict(labels, say):
    with pytest.raises(ConflictingLabelError, match="no label to correct"):
        say("mel", replaces="nothing")
    first = say("nv")
    second = say("mel", replaces=first.label_id)
    for gone in (first.label_id, "nothing", "a\x00"):
        with pytest.raises(
            ConflictingLabelError, match=rf"^replaces: .*now; that is {second.label_id}, which says mel"
        ):
            say("bcc", replaces=gone)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"diagnosis": "unknown"}, "diagnosis"),
        ({"diagnosis": "Melanoma"}, "diagnosis"),
        ({"diagnosis": ""}, "diagnosis"),
        ({"confirmed_by": "none"}, "confirmed_by"),
        ({"confirmed_by": "guess"}, "confirmed_by"),
        ({"confirmed_on": date(2026, 1, 1)}, "confirmed_on"),
        ({"confirmed_by": "histology", "confirmed_on": date.max}, "confirmed_on"),
        ({"note": "x" * 2001}, "note"),
        ({"note": "a\x00b"}, "note"),
        ({"prediction_id": None}, "prediction_id"),
        ({"image_hash": "XYZ"}, "image_hash"),
        ({"image_hash": image(2)}, "image_hash"),
    ],
)
def test_what_can_not_be_is_refused_by_its_field(store, labels, changes, field):
    new = NewLabel(**{"diagnosis": "mel", "prediction_id": numbered_id(1), **changes})
    with pytest.raises(LabelError, match=f"^{field}: ") as refused:
        labels.add(new, by="x")
    assert refused.value.field == field
    assert entries(store) == []


def test_a_confirmation_of_today_is_not_in_the_future_wherever_today_is(say):
    say("mel", "histology", confirmed_on=(now() + timedelta(hours=13, minutes=59)).date())
    with pytest.raises(LabelError, match="in the future"):
        say("mel", "histology", confirmed_on=(now() + timedelta(days=2)).date())


@pytest.mark.parametrize(
    "who",
    [{"prediction_id": numbered_id(9)}, {"image_hash": image(9)}, {"prediction_id": "a\x00b"}, {"prediction_id": ""}],
)
def test_a_label_for_a_prediction_that_never_was_is_refused(store, labels, who):
    with pytest.raises(UnknownPredictionError, match="there is no prediction"):
        labels.add(NewLabel("mel", **who), by="x")
    assert labels.history(image(9)) == []


def test_every_row_of_many_has_its_label_or_its_own_error(store, labels):
    rows = [
        NewLabel("mel", prediction_id=numbered_id(1)),
        NewLabel("unknown", prediction_id=numbered_id(1)),
        NewLabel("nv", prediction_id=numbered_id(9)),
        NewLabel("nv", prediction_id=numbered_id(3)),
        NewLabel("nv", image_hash=image(2)),
    ]
    found = labels.add_many(rows, by="Zoë")
    kinds = ["Label", "LabelError", "UnknownPredictionError", "ConflictingLabelError", "Label"]
    assert [type(one).__name__ for one in found] == kinds
    assert found[3].label_id == found[0].label_id, "the rows above are there already"
    assert [labels.current(image(n)) for n in (1, 2)] == [found[0], found[4]]
    assert [entry.subject for entry in entries(store)] == [f"label/{found[n].label_id}" for n in (0, 4)]


def test_the_audit_tells_who_said_what_but_not_of_whom(store, labels, say):
    first = say("nv", "consensus", note="Mrs Smith")
    say("mel", "histology")
    said = entries(store)
    assert [(e.actor, e.action, e.details["diagnosis"], e.details["supersedes"]) for e in said] == [
        ("Zoë", "label.added", "nv", None),
        ("Zoë", "label.added", "mel", first.label_id),
    ]
    text = str(said)
    assert not any(secret in text for secret in ("Smith", image(1), "1" * 64, "2" * 64, numbered_id(1)))
    assert verify(store).intact


_images = iter(range(1000, 10**6))
_said = st.lists(
    st.tuples(st.sampled_from(["mel", "nv", "bcc"]), st.sampled_from(list(RANKS)), st.booleans()), max_size=8
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=_said)
def test_whatever_is_said_one_label_counts_and_all_others_lead_to_it(store, said):
    number = next(_images)
    add_predictions(store, prediction_row(number))
    labels, stored = Labels(store), []
    for diagnosis, how, correct in said:
        current = labels.current(image(number))
        new = NewLabel(
            diagnosis,
            image_hash=image(number),
            confirmed_by=how,
            replaces=current.label_id if correct and current else None,
        )
        try:
            stored.append(labels.add(new, by="x").label_id)
        except InputError:
            assert labels.current(image(number)) == current
    history = {label.label_id: label for label in labels.history(image(number))}
    assert sorted(history) == sorted(stored)
    current = labels.current(image(number))
    assert sum(label.counts for label in history.values()) == bool(stored)
    for label in history.values():
        end = label
        while not end.counts:
            end = history[end.superseded_by]
        assert end == current
