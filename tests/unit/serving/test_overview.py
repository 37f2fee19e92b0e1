"""What the overview, the worklist, the similar cases and the meanings tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nevus.serving.heartbeat import Pulse
from nevus.store.heartbeats import last_minutes
from nevus.taxonomy import BINARY_CLASSES, DIAGNOSES
from serving_factory import Served, drawn


def test_the_overview_counts_todays_answers_and_names_the_model(own_service: Served) -> None:
    made = [own_service.predict(drawn("nv", n)) for n in range(3)]
    own_service.post("/v1/labels", json={"prediction_id": made[0]["prediction_id"], "diagnosis": "nv"})
    told = own_service.get("/v1/overview").json()
    assert told["ready"] is True
    assert told["model"]["bundle_digest"] == made[0]["bundle_digest"]
    assert (told["model"]["model"], told["model"]["version"]) == ("tiny", None)
    assert told["today"]["predictions"] == 3
    assert told["today"]["labelled"] == 1
    for name, key in (("by_verdict", "verdict"), ("by_diagnosis", "diagnosis")):
        assert sum(told["today"][name].values()) == 3
        assert set(told["today"][name]) == {one[key] for one in made}
    assert told["queue_depth"] == 0


def test_a_minute_tells_what_was_answered_in_it(own_service: Served) -> None:
    own_service.predict(drawn())
    own_service.get("/v1/predictions/nothing")
    own_service.client.get("/health")
    own_service.service.pulse.beat(datetime.now(UTC).timestamp())
    (minute,) = own_service.get("/v1/overview", params={"hours": 1}).json()["uptime"][-1:]
    assert (minute["instances"], minute["ready"]) == (1, 1)
    assert (minute["requests"], minute["refused"], minute["failed"]) == (2, 1, 0)
    assert 0 < minute["median_ms"] <= minute["p99_ms"]


def test_a_pulse_adds_up_within_a_minute_and_begins_anew_with_the_next(own_service: Served) -> None:
    pulse = Pulse(own_service.store, "other", lambda: False)
    begin = datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp()
    for second, answered in ((10, (200, 0.1)), (20, (404, 0.2)), (30, (503, 0.3)), (70, (200, 0.4))):
        pulse.count("/v1/predictions", *answered)
        pulse.beat(begin + second)
    at = datetime(2026, 3, 1, 12, 1, tzinfo=UTC)
    first, second = last_minutes(own_service.store, 2, at=at)
    assert (first.requests, first.refused, first.failed, first.ready) == (3, 1, 1, 0)
    assert first.median_ms == pytest.approx(200)
    assert (second.requests, second.median_ms) == (1, pytest.approx(400))


def test_the_worklist_holds_what_has_no_label_in_the_order_of_its_scores(own_service: Served) -> None:
    made = [own_service.predict(drawn(kind, 0)) for kind in ("nv", "mel", "bcc", "bkl", "df")]
    own_service.post("/v1/labels", json={"prediction_id": made[0]["prediction_id"], "diagnosis": "nv"})
    first = own_service.get("/v1/worklist", params={"limit": 3}).json()
    rest = own_service.get("/v1/worklist", params={"limit": 3, "cursor": first["next"]}).json()
    items = first["items"] + rest["items"]
    assert {one["prediction"]["prediction_id"] for one in items} == {one["prediction_id"] for one in made[1:]}
    scores = [one["priority"]["score"] for one in items]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= value <= 1 for one in items for value in one["priority"].values())
    assert rest["next"] is None
    refused = own_service.get("/v1/worklist", params={"cursor": "x"})
    assert (refused.status_code, refused.json()["field"]) == (422, "cursor")


def test_similar_cases_are_other_images_nearest_first(own_service: Served) -> None:
    made = {kind: own_service.predict(drawn(kind, 0)) for kind in ("nv", "mel", "bcc", "vasc")}
    again = own_service.predict(drawn("nv", 0))
    found = own_service.get(f"/v1/predictions/{again['prediction_id']}/similar", params={"limit": 2}).json()["similar"]
    assert len(found) == 2
    assert made["nv"]["prediction_id"] not in [one["prediction"]["prediction_id"] for one in found]
    everything = own_service.get(f"/v1/predictions/{again['prediction_id']}/similar").json()["similar"]
    assert {one["prediction"]["image_hash"] for one in everything} == {
        made[kind]["image_hash"] for kind in ("mel", "bcc", "vasc")
    }
    similarities = [one["similarity"] for one in everything]
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[-1] >= -1
    assert similarities[0] <= 1
    assert own_service.get("/v1/predictions/nothing/similar").status_code == 404


def test_every_class_that_a_model_can_name_has_a_meaning(served: Served) -> None:
    told = {one["code"]: one for one in served.get("/v1/diagnoses").json()["diagnoses"]}
    assert set(told) == {*DIAGNOSES, *BINARY_CLASSES}
    assert {code for code, one in told.items() if one["malignant"]} == {"mel", "bcc", "akiec", "scc", "malignant"}
    for one in told.values():
        assert one["risk"] in ("low", "moderate", "high", "unknown")
        assert not (one["malignant"] and one["risk"] == "low")
        assert one["meaning"].endswith(".")
        assert one["recommendation"].endswith(".")
