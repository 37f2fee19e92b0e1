"""The client and the real service understand each other, route by route."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from nevus.api import LesionAnswers, PredictionAnswer
from nevus.client import BatchImage, Client, ClientError
from serving_factory import Served, drawn, serving, tiny_bundle


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("client")
    with serving(root / "home", tiny_bundle(root / "bundle")) as running:
        yield running


def client_of(served: Served, role: str) -> Client:
    # The test client's transport carries requests into the application without a network.
    return Client("http://testserver", key=served.keys[role], transport=served.client._transport)


@pytest.fixture(scope="module")
def clinician(served: Served) -> Client:
    return client_of(served, "clinician")


def test_it_says_whose_key_it_carries_and_what_runs(served: Served, clinician: Client) -> None:
    me = clinician.me()
    assert (me.name, me.role) == ("the clinician", "clinician")
    assert clinician.health().status == "ok"
    assert clinician.ready().bundle_digest == clinician.version().models[0].bundle_digest
    assert "nevus_requests_total" in clinician.measures()


def test_a_key_that_nobody_made_is_refused(served: Served) -> None:
    client = Client("http://testserver", key="nevus_x_y", transport=served.client._transport)
    with pytest.raises(ClientError) as caught:
        client.me()
    assert caught.value.status == 401


def test_a_prediction_is_read_back_as_it_was_answered(clinician: Client) -> None:
    answer = clinician.predict(drawn("mel", 1), age=61, sex="female", site="torso", explain=True)
    assert (answer.age, answer.sex, answer.site) == (61, "female", "torso")
    assert answer.evidence is not None
    assert clinician.prediction(answer.prediction_id, explain=True) == answer
    assert answer.image_hash == hashlib.sha256(drawn("mel", 1)).hexdigest()


def test_a_path_gives_the_same_as_its_bytes(clinician: Client, tmp_path: Path) -> None:
    (tmp_path / "lesion.jpg").write_bytes(drawn("nv", 2))
    by_path, by_bytes = clinician.predict(tmp_path / "lesion.jpg"), clinician.predict(drawn("nv", 2))
    assert by_path.probabilities == by_bytes.probabilities
    assert by_path.prediction_id != by_bytes.prediction_id


def test_the_same_idempotency_key_gives_the_same_prediction(clinician: Client) -> None:
    first, again = (clinician.predict(drawn("nv", 3), idempotency_key="one") for _ in range(2))
    assert first.prediction_id == again.prediction_id


def test_several_images_are_one_lesion(clinician: Client) -> None:
    answer = clinician.predict([drawn("mel", 4), drawn("mel", 5)], patient="P-4", lesion="L-1")
    assert isinstance(answer, LesionAnswers)
    assert answer.lesion.images == 2
    found = list(clinician.predictions(patient="P-4", page=1))
    assert {one.prediction_id for one in found} == {one.prediction_id for one in answer.predictions}


def test_a_list_of_one_is_a_prediction(clinician: Client) -> None:
    assert isinstance(clinician.predict([drawn("nv", 6)], lesion="L-6"), PredictionAnswer)


def test_pages_follow_one_another_without_gap_or_repetition(clinician: Client) -> None:
    made = [clinician.predict(drawn("nv", number), patient="P-pages").prediction_id for number in range(7, 12)]
    found = [one.prediction_id for one in clinician.predictions(patient="P-pages", page=2)]
    assert found == made[::-1]


def test_a_batch_keeps_order_names_and_what_is_known(clinician: Client) -> None:
    images = [
        BatchImage("a.jpg", drawn("nv", 20), age=40, sex="male"),
        BatchImage("b.jpg", b"not a picture"),
        BatchImage("c.jpg", drawn("mel", 21)),
    ]
    answer = clinician.predict_batch(images)
    first, second, third = answer.results
    assert [one.name for one in answer.results] == ["a.jpg", "b.jpg", "c.jpg"]
    assert first.prediction is not None
    assert (first.prediction.age, first.prediction.sex) == (40, "male")
    assert second.prediction is None
    assert second.error is not None
    assert second.error.status == 422
    assert third.prediction is not None
    assert third.prediction.age is None
    assert (answer.totals.images, answer.totals.errors) == (3, 1)


def test_picture_and_evidence_come_back_as_pictures(clinician: Client) -> None:
    answer = clinician.predict(drawn("mel", 30))
    stored = clinician.image(answer.prediction_id)
    assert (stored.media_type, stored.orientation) == ("image/jpeg", 1)
    assert Image.open(io.BytesIO(stored.data)).size == (answer.width, answer.height)
    assert Image.open(io.BytesIO(clinician.evidence(answer.prediction_id, opacity=0.3))).format == "PNG"


def test_a_label_is_the_key_owners_and_its_history_stays(clinician: Client) -> None:
    answer = clinician.predict(drawn("mel", 40))
    first = clinician.label("nv", prediction_id=answer.prediction_id)
    second = clinician.label("mel", image_hash=answer.image_hash, confirmed_by="histology", replaces=first.label_id)
    assert second.labelled_by == "the clinician"
    history = clinician.labels(image_hash=answer.image_hash).labels
    assert [(one.label_id, one.superseded_by) for one in history] == [
        (second.label_id, None),
        (first.label_id, second.label_id),
    ]
    labelled = clinician.prediction(answer.prediction_id).label
    assert labelled is not None
    assert labelled.diagnosis == "mel"


def test_a_conflicting_label_is_told_as_409(clinician: Client) -> None:
    answer = clinician.predict(drawn("mel", 41))
    clinician.label("mel", prediction_id=answer.prediction_id)
    with pytest.raises(ClientError) as caught:
        clinician.label("nv", prediction_id=answer.prediction_id)
    assert caught.value.status == 409


def test_a_table_of_labels_tells_each_line(clinician: Client) -> None:
    answer = clinician.predict(drawn("mel", 42))
    found = clinician.label_bulk(f"prediction_id,diagnosis\n{answer.prediction_id},mel\nnowhere,nv\n".encode())
    assert found.added == 1
    assert [(one.label is None, one.error is None) for one in found.results] == [(False, True), (True, False)]


def test_the_worklist_leaves_out_what_is_labelled(clinician: Client) -> None:
    waiting, done = (clinician.predict(drawn("nv", number)) for number in (50, 51))
    clinician.label("nv", prediction_id=done.prediction_id)
    hashes = {item.prediction.image_hash for item in clinician.worklist(limit=100).items}
    assert waiting.image_hash in hashes
    assert done.image_hash not in hashes


def test_similar_cases_are_other_images_and_the_nearest_come_first(clinician: Client) -> None:
    answer = clinician.predict(drawn("mel", 60))
    found = clinician.similar(answer.prediction_id, limit=4).similar
    assert found
    assert all(one.prediction.image_hash != answer.image_hash for one in found)
    assert [one.similarity for one in found] == sorted((one.similarity for one in found), reverse=True)


def test_samples_are_taken_or_rejected_by_name(clinician: Client) -> None:
    images = [BatchImage("one.jpg", drawn("mel", 70)), BatchImage("two.jpg", b"no picture")]
    answer = clinician.samples(images, b"file,diagnosis\none.jpg,mel\ntwo.jpg,nv\n")
    assert [one.name for one in answer.accepted] == ["one.jpg"]
    assert [one.name for one in answer.rejected] == ["two.jpg"]
    assert clinician.sample_batches().batches[0].batch_id == answer.batch_id


def test_the_served_bundle_tells_of_itself(clinician: Client) -> None:
    (version,) = clinician.models().models
    detail = clinician.model()
    assert (version.number, version.serving) == (None, True)
    assert detail.bundle_digest == version.bundle_digest == clinician.ready().bundle_digest
    assert clinician.manifest()["classes"] == detail.classes
    assert clinician.rollout().champion is None


def test_what_a_role_may_not_do_is_told_as_403(clinician: Client) -> None:
    with pytest.raises(ClientError) as caught:
        clinician.promote("any", 1)
    assert caught.value.status == 403


def test_a_version_that_nobody_registered_is_not_found(served: Served) -> None:
    with pytest.raises(ClientError) as caught:
        client_of(served, "admin").approve("nobody", 1, "a note")
    assert caught.value.status == 404


def test_the_overview_counts_todays_predictions(clinician: Client) -> None:
    before = clinician.overview().today.predictions
    clinician.predict(drawn("nv", 80))
    assert clinician.overview().today.predictions == before + 1


def test_every_class_of_the_model_has_a_meaning(clinician: Client) -> None:
    known = {one.code for one in clinician.diagnoses().diagnoses}
    assert set(clinician.model().classes) <= known
