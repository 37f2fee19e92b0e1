"""What samples promise: an upload is stored whole, an image is a sample once, and what wasn't taken is told."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from nevus.errors import InputError
from nevus.store import entries
from nevus.store.samples import (
    NewSample,
    RejectedSample,
    SampleError,
    add_batch,
    list_batches,
    list_samples,
)
from nevus.store.tables import Base
from prediction_rows import image


def sample(of, **changes):
    return NewSample(
        **{
            "name": f"{of}.jpg",
            "image_hash": image(of),
            "image_key": f"samples/{of}.jpg",
            "image_type": "image/jpeg",
            "width": 600,
            "height": 450,
            "diagnosis": "mel",
            **changes,
        }
    )


def test_a_sample_comes_back_with_all_that_is_known_of_it(store):
    given = sample(
        "a",
        orientation=6,
        diagnosis="nv",
        confirmed_by="histology",
        patient_hash="1" * 64,
        lesion_hash="2" * 64,
        age=54.0,
        sex="female",
        site="back",
        source="clinic",
        licence="CC-BY-4.0",
        attribution="Zoë",
        warnings=("blurred",),
    )
    batch, _ = add_batch(store, [given], by="Zoë", key_id="k")
    (found,) = list_samples(store)
    assert {name: getattr(found, name) for name in NewSample.__dataclass_fields__} == {
        **vars(given),
        "malignant": False,
    }
    assert (found.batch_id, found.created_at) == (batch.batch_id, batch.created_at)


@pytest.mark.parametrize(
    ("diagnosis", "said", "malignant"),
    [
        ("mel", None, True),
        ("nv", None, False),
        ("unknown", None, None),
        ("unknown", True, True),
        ("akiec", False, False),
    ],
)
def test_malignancy_follows_from_the_diagnosis_unless_the_dataset_says_it(store, diagnosis, said, malignant):
    add_batch(store, [sample("a", diagnosis=diagnosis, malignant=said)], by="x")
    assert list_samples(store)[0].malignant is malignant


def test_an_upload_tells_what_was_taken_and_why_the_rest_was_not(store):
    first, _ = add_batch(store, [sample("a")], by="Zoë", key_id="k1")
    (known,) = list_samples(store)
    unreadable = RejectedSample("c.jpg", "truncated", "the file ends too early.")
    second, turned_away = add_batch(
        store, [sample("a", name="again.jpg"), sample("b"), sample("b", name="b2.jpg")], [unreadable], by="y"
    )
    fresh = list_samples(store, batch_id=second.batch_id)
    assert [one.name for one in fresh] == ["b.jpg"]
    assert second.accepted == 1
    assert turned_away == [
        unreadable,
        RejectedSample("again.jpg", "duplicate", f"the same image is the sample {known.sample_id} (a.jpg) already."),
        RejectedSample("b2.jpg", "duplicate", f"the same image is the sample {fresh[0].sample_id} (b.jpg) already."),
    ]
    assert second.rejected == {"truncated": 1, "duplicate": 2}
    assert list_batches(store) == [second, first]
    assert list_batches(store, before=second.batch_id) == [first]
    assert list_batches(store, limit=1) == [second]
    assert [(e.actor, e.action, e.subject, e.details) for e in entries(store)] == [
        ("Zoë", "samples.added", f"samples/{first.batch_id}", {"accepted": 1, "rejected": 0}),
        ("y", "samples.added", f"samples/{second.batch_id}", {"accepted": 1, "rejected": 3}),
    ]


def test_an_upload_of_which_nothing_was_taken_is_remembered_too(store):
    add_batch(store, [], [RejectedSample("c.jpg", "blank", "one colour only.")], by="x")
    assert [(batch.accepted, batch.rejected) for batch in list_batches(store)] == [(0, {"blank": 1})]


def test_of_what_was_not_taken_no_name_and_no_key_is_stored(store):
    told = RejectedSample("Mueller_Hans.jpg", "label_conflict", "the images of lesion LESION-77 disagree.")
    taken = sample("a", name="b.jpg")
    add_batch(store, [taken, sample("a", name="Mueller_Hans.jpg")], [told], by="x")
    with store.read() as session:
        rows = [tuple(row) for table in Base.metadata.sorted_tables for row in session.execute(sa.select(table))]
    assert "b.jpg" in str(rows)
    assert "Mueller" not in str(rows)
    assert "LESION" not in str(rows)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"name": "a\x00.jpg"}, "bad_text", "name"),
        ({"source": "\udc80"}, "bad_text", "source"),
        ({"site": "x" * 81}, "too_long", "site"),
        ({"name": "x" * 201}, "too_long", "name"),
    ],
)
def test_text_that_a_column_does_not_take_rejects_its_sample_only(store, changes, reason, field):
    batch, turned_away = add_batch(store, [sample("a", **changes), sample("b")], by="x")
    assert [one.name for one in list_samples(store)] == ["b.jpg"]
    assert [(one.reason, one.message.split()[0]) for one in turned_away] == [(reason, field)]
    assert list_batches(store) == [batch]


def test_a_diagnosis_that_is_none_stores_nothing(store):
    with pytest.raises(InputError, match="unknown diagnosis code melanoma"):
        add_batch(store, [sample("a"), sample("b", diagnosis="melanoma")], by="x")
    assert (list_samples(store), list_batches(store)) == ([], [])


def test_samples_are_read_a_page_at_a_time(store):
    for name in "abcde":
        add_batch(store, [sample(name)], by="x")
    seen, before = [], None
    while page := list_samples(store, limit=2, before=before):
        seen += [one.name[0] for one in page]
        before = page[-1].sample_id
    assert sorted(seen) == list("abcde")


@pytest.mark.parametrize(
    ("asked", "field"), [({"limit": 0}, "limit"), ({"limit": 501}, "limit"), ({"before": "\x00"}, "before")]
)
def test_what_can_not_be_asked_names_its_field(store, asked, field):
    for read in (list_batches, list_samples):
        with pytest.raises(SampleError, match=f"^{field}: "):
            read(store, **asked)
