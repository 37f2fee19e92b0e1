from __future__ import annotations

import base64
import gc
import shutil
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from nevus.bundle import write_checksums
from nevus.serving.lineup import LoadedModel
from nevus.serving.loader import Loader
from nevus.store import Registry, StoreSettings, entries, open_store, verify
from nevus.store.failures import StoreUnreachableError
from nevus.store.registry import ModelVersion, State
from nevus.store.rollout import further_versions
from rollout_factory import approved, bundles, register, wait_until
from serving_factory import Served, drawn, serving


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two bundles that no test may change."""
    return bundles(tmp_path_factory.mktemp("two"))


@pytest.fixture
def champion(tmp_path: Path, two: list[Path]) -> Iterator[Served]:
    """A service without a named bundle, on its store's champion tiny/1; tiny/2 is approved."""
    home = tmp_path / "home"
    with serving(home, two[0], follow_seconds=0.2) as first:
        approved(first.store, two[0])
        approved(first.store, two[1])
        Registry(first.store).promote("tiny/1", by="test")
    with serving(home, None, follow_seconds=0.2) as served:
        yield served


def versions(served: Served) -> list[tuple[int | None, str]]:
    return [(m.version, m.digest[:6]) for m in served.service.fleet.lineup.all]


def test_promotion_and_rollback_under_load_fail_no_request_and_take_effect_before_their_answer(
    champion: Served,
) -> None:
    seen: list[tuple[int, int | None]] = []
    ends = threading.Event()

    def ask(number: int) -> None:
        while not ends.is_set():
            answered = champion.post(
                "/v1/predictions", content=drawn("nv", number), headers={"Content-Type": "image/jpeg"}
            )
            seen.append((answered.status_code, answered.json().get("version")))

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, number) for number in range(4)]
        wait_until(lambda: len(seen) > 10)
        promoted = champion.post("/v1/models/tiny/2/promote", "admin")
        after = champion.predict(drawn("mel"))["version"]
        mark = len(seen)
        wait_until(lambda: len(seen) > mark + 10)
        back = champion.post("/v1/models/tiny/rollback", "operator", json={"note": "too many alarms"})
        restored = champion.predict(drawn("mel"))["version"]
        ends.set()
        for one in asking:
            one.result()
    assert promoted.status_code == back.status_code == 200, (promoted.text, back.text)
    assert (promoted.json()["version"]["ref"], promoted.json()["replaced"]["ref"]) == ("tiny/2", "tiny/1")
    assert promoted.json()["version"]["serving"] is True
    assert (after, restored) == (2, 1)
    assert {status for status, _ in seen} == {200}
    assert {version for _, version in seen} == {1, 2}
    actors = {(e.action, e.actor) for e in entries(champion.store) if e.action in ("model.promote", "model.rollback")}
    assert actors >= {("model.promote", "the admin"), ("model.rollback", "the operator")}


def test_a_second_process_follows_within_five_seconds(champion: Served, two: list[Path]) -> None:
    with serving(champion.home, None) as other:  # the usual interval
        assert other.predict(drawn())["version"] == 1
        assert champion.post("/v1/models/tiny/2/promote", "admin").status_code == 200
        took = wait_until(lambda: other.get("/ready").json()["version"] == 2)
        assert took < 5
        assert other.predict(drawn())["version"] == 2


def test_a_replaced_bundle_is_let_go_only_when_its_last_request_has_ended(champion: Served) -> None:
    fleet = champion.service.fleet
    held = fleet.lineup.champion
    assert held is not None
    old = weakref.ref(held.predictor)
    assert champion.post("/v1/models/tiny/2/promote", "admin").status_code == 200
    gc.collect()
    assert held.predictor.answer(drawn()).diagnosis is not None  # as a request does that began before
    del held
    gc.collect()
    assert old() is None


def test_a_rejected_version_cannot_be_promoted(champion: Served, tmp_path: Path) -> None:
    third = bundles(tmp_path, 3)[2]
    register(champion.store, third, passed=False)
    answered = champion.post("/v1/models/tiny/3/promote", "admin")
    assert answered.status_code == 409
    assert answered.headers["content-type"] == "application/problem+json"
    assert "rejected" in answered.json()["detail"]
    assert answered.json()["reasons"] == ["floor: too low"]
    assert Registry(champion.store).get("tiny/3").state == "rejected"
    unexplained = champion.post("/v1/models/tiny/3/approve", "admin", json={"note": "I know"})
    assert unexplained.status_code == 409
    assert champion.get("/ready").json()["version"] == 1


def test_an_approval_bears_the_name_of_the_keys_owner(champion: Served, tmp_path: Path) -> None:
    register(champion.store, bundles(tmp_path, 3)[2])
    answered = champion.post("/v1/models/tiny/3/approve", "admin", json={"note": "report read"})
    assert answered.json()["version"]["approved_by"] == "the admin"
    forged = champion.post("/v1/models/tiny/3/approve", "admin", json={"note": "x", "by": "somebody else"})
    assert forged.status_code == 422


def test_a_version_whose_bundle_is_gone_is_not_promoted(champion: Served, tmp_path: Path) -> None:
    third = bundles(tmp_path, 3)[2]
    approved(champion.store, third)
    shutil.rmtree(third)
    answered = champion.post("/v1/models/tiny/3/promote", "admin")
    assert answered.status_code == 409
    assert str(tmp_path) not in answered.text
    assert Registry(champion.store).get("tiny/3").state == "approved"
    assert champion.predict(drawn())["version"] == 1


def test_a_broken_champion_leaves_the_old_one_answering_and_says_so(champion: Served, tmp_path: Path) -> None:
    third = bundles(tmp_path, 3)[2]
    approved(champion.store, third)
    (third / "model.onnx").write_bytes(b"damaged")
    Registry(champion.store).promote("tiny/3", by="somebody at a shell")
    wait_until(lambda: "problems" in champion.get("/ready").json())
    ready = champion.get("/ready").json()
    assert ready["version"] == 1
    assert "tiny/3" in ready["problems"][0]
    assert str(tmp_path) not in ready["problems"][0]
    assert 'nevus_model_not_loaded{model="tiny/3"} 1.0' in champion.get("/metrics").text
    assert champion.predict(drawn())["version"] == 1
    assert champion.post("/v1/models/tiny/rollback", "operator").status_code == 200
    assert "problems" not in champion.get("/ready").json()


def fail_selftest(bundle: Path) -> None:
    """Let a bundle that is whole expect other answers than its graph gives, as on a processor that computes wrongly."""
    file = bundle / "selftest" / "cases.safetensors"
    cases = load_file(file)
    cases["expected.probabilities"] = cases["expected.probabilities"][:, ::-1].copy()
    save_file(cases, file)
    write_checksums(bundle)


def test_a_version_that_fails_its_self_test_here_is_not_promoted_and_one_that_was_elsewhere_is_named(
    champion: Served, tmp_path: Path
) -> None:
    third = bundles(tmp_path, 3)[2]
    fail_selftest(third)
    approved(champion.store, third)
    answered = champion.post("/v1/models/tiny/3/promote", "admin")
    assert (answered.status_code, "self-test" in answered.json()["detail"]) == (409, True)
    assert Registry(champion.store).get("tiny/3").state == "approved"
    assert "problems" not in champion.get("/ready").json()
    Registry(champion.store).promote("tiny/3", by="somebody at a shell")
    wait_until(lambda: "problems" in champion.get("/ready").json())
    assert champion.get("/ready").json()["problems"] == [
        "tiny/3 is champion and can't be loaded here; tiny/1 goes on answering."
    ]
    assert champion.predict(drawn())["version"] == 1


def test_a_rollback_to_a_bundle_that_is_gone_is_refused_and_the_champion_stays(
    champion: Served, tmp_path: Path
) -> None:
    third, fourth = bundles(tmp_path, 4)[2:]
    for bundle in (third, fourth):
        number = approved(champion.store, bundle).number
        assert champion.post(f"/v1/models/tiny/{number}/promote", "admin").status_code == 200
    shutil.rmtree(third)
    refused = champion.post("/v1/models/tiny/rollback", "operator")
    assert (refused.status_code, "tiny/3" in refused.json()["detail"]) == (409, True)
    found = Registry(champion.store).champion("tiny")
    assert found is not None
    assert found.ref == "tiny/4"
    assert champion.predict(drawn())["version"] == 4
    assert champion.post("/v1/models/tiny/3/retire", "admin").status_code == 200
    assert champion.post("/v1/models/tiny/rollback", "operator").json()["version"]["ref"] == "tiny/1"


def test_promotions_and_rollbacks_at_once_end_with_the_stores_champion_answering(
    champion: Served, tmp_path: Path
) -> None:
    for bundle in bundles(tmp_path, 4)[2:]:
        approved(champion.store, bundle)
    paths = [
        ("2/promote", "admin"),
        ("3/promote", "admin"),
        ("4/promote", "admin"),
        ("rollback", "operator"),
        ("rollback", "operator"),
    ]
    with ThreadPoolExecutor(len(paths)) as pool:
        answers = list(pool.map(lambda one: champion.post(f"/v1/models/tiny/{one[0]}", one[1]), paths))
    assert {answer.status_code for answer in answers[:3]} == {200}
    assert {answer.status_code for answer in answers[3:]} <= {
        200,
        409,
    }  # 409: there was nothing to go back to, or another
    found = Registry(champion.store).champion("tiny")
    assert found is not None
    assert champion.predict(drawn())["version"] == found.number
    assert champion.get("/ready").json()["version"] == found.number
    assert verify(champion.store).intact


def test_a_decision_stands_though_the_store_fails_right_after_it(
    champion: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = champion.service.fleet

    def away() -> None:
        raise StoreUnreachableError("gone")

    with monkeypatch.context() as failing:
        failing.setattr(fleet, "_wanted", away)
        answered = champion.post("/v1/models/tiny/2/promote", "admin")
    assert answered.status_code == 200
    assert any("will follow" in warning for warning in answered.json()["warnings"])
    wait_until(lambda: champion.get("/ready").json()["version"] == 2)


def test_a_bundle_deleted_while_it_serves_answers_from_memory(tmp_path: Path, two: list[Path]) -> None:
    doomed = tmp_path / "doomed"
    shutil.copytree(two[0], doomed)
    with serving(tmp_path / "home", doomed) as served:
        before = served.predict(drawn())
        shutil.rmtree(doomed)
        after = served.predict(drawn())
        assert after["probabilities"] == before["probabilities"]
        assert served.get(f"/v1/predictions/{after['prediction_id']}/evidence").status_code == 200
        assert served.get("/v1/models/served/manifest").json()["name"] == "tiny"
        assert served.get("/v1/models/served/card").status_code == 404


def test_a_named_bundle_answers_until_somebody_promotes(tmp_path: Path, two: list[Path]) -> None:
    home = tmp_path / "home"
    third = bundles(tmp_path, 3)[2]
    with open_store(StoreSettings(home=home)) as store:
        approved(store, two[0])
        approved(store, two[1])
        Registry(store).promote("tiny/1", by="test")
    for _ in range(2):  # a restart is no decision
        with serving(home, third, follow_seconds=0.1) as served:
            time.sleep(0.3)
            ready = served.get("/ready").json()
            assert ready["version"] is None
            assert "tiny/1 is the store's champion" in ready["problems"][0]
            assert served.get("/v1/models").json()["models"][0]["number"] is None
    with serving(home, third, follow_seconds=0.1) as served:
        assert served.post("/v1/models/tiny/2/promote", "admin").status_code == 200
        assert served.get("/ready").json()["version"] == 2
        assert served.post("/v1/models/tiny/rollback", "operator").status_code == 200
        assert served.get("/ready").json()["version"] == 1


def test_a_restart_with_a_named_bundle_undoes_no_promotion(
    tmp_path: Path, two: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    third = bundles(tmp_path, 3)[2]
    with serving(home, third, follow_seconds=0.1) as served:
        assert served.get("/ready").json()["version"] is None
        approved(served.store, two[0])
        Registry(served.store).promote("tiny/1", by="test")
        wait_until(lambda: served.get("/ready").json()["version"] == 1)
    look = Registry.versions

    def slowly(self: Registry, model: str | None = None, state: State | None = None) -> list[ModelVersion]:
        time.sleep(0.2)  # so that whoever could see the named bundle answer would
        return look(self, model, state)

    monkeypatch.setattr(Registry, "versions", slowly)
    with serving(home, third, follow_seconds=0.1) as served:
        ready = served.get("/ready").json()
        assert (ready["version"], ready.get("problems")) == (1, None)


def test_the_champion_waits_at_the_start_for_no_challenger(champion: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert champion.post("/v1/models/tiny/2/challenge", "admin").status_code == 200
    load, asked, ends = Loader.fresh, threading.Event(), threading.Event()

    def hanging(self: Loader, version: ModelVersion) -> LoadedModel:
        if version.number == 2:
            asked.set()
            ends.wait(30)
            raise RuntimeError("not one of the errors that loading knows")
        return load(self, version)

    monkeypatch.setattr(Loader, "fresh", hanging)
    with serving(champion.home, None, follow_seconds=0.2) as again:
        assert asked.wait(10)
        assert again.get("/ready").json()["version"] == 1
        assert again.predict(drawn())["version"] == 1
        ends.set()
        wait_until(lambda: not again.service.fleet._changing.locked())
        assert again.get("/ready").json()["version"] == 1


def test_further_versions_are_loaded_for_requests_that_name_them(champion: Served) -> None:
    missing = champion.post("/v1/predictions?model=tiny/2", content=drawn(), headers={"Content-Type": "image/jpeg"})
    assert missing.status_code == 404
    assert champion.post("/v1/models/tiny/2/load", "operator").json()["loaded"] is True
    answered = champion.predict(drawn(), model="tiny/2")
    assert (answered["version"], answered["arm"]) == (2, "pinned")
    assert champion.predict(drawn())["version"] == 1
    assert champion.post("/v1/models/tiny/1/unload", "operator").status_code == 409
    assert champion.post("/v1/models/tiny/2/unload", "operator").json()["loaded"] is False
    assert [number for number, _ in versions(champion)] == [1]


def test_no_more_versions_are_loaded_than_the_setting_allows(tmp_path: Path, two: list[Path]) -> None:
    third = bundles(tmp_path, 3)[2]
    with serving(tmp_path / "home", two[0], max_loaded=2) as served:
        for bundle in (*two, third):
            approved(served.store, bundle)
        assert served.post("/v1/models/tiny/2/load", "operator").status_code == 200
        refused = served.post("/v1/models/tiny/3/load", "operator")
        assert (refused.status_code, "max_loaded" in refused.json()["detail"]) == (409, True)
        assert served.post("/v1/models/tiny/2/unload", "operator").status_code == 200
        assert served.post("/v1/models/tiny/3/load", "operator").json()["loaded"] is True
        assert served.post("/v1/models/tiny/2/unload", "operator").status_code == 409


def test_a_further_version_that_cannot_be_loaded_is_refused_and_kept_nowhere(champion: Served, tmp_path: Path) -> None:
    third = bundles(tmp_path, 3)[2]
    approved(champion.store, third)
    shutil.rmtree(third)
    assert champion.post("/v1/models/tiny/3/load", "operator").status_code == 409
    assert further_versions(champion.store) == []
    assert "problems" not in champion.get("/ready").json()


@pytest.mark.parametrize("state", ["candidate", "rejected", "retired"])
def test_a_version_that_nobody_approved_is_not_loaded_and_answers_by_no_path(
    champion: Served, tmp_path: Path, state: str
) -> None:
    version = register(champion.store, bundles(tmp_path, 3)[2], passed=state != "rejected")
    if state == "retired":
        Registry(champion.store).retire(version.ref, by="test")
    refused = champion.post("/v1/models/tiny/3/load", "operator")
    assert (refused.status_code, f"tiny/3 is {state}" in refused.json()["detail"]) == (409, True)
    assert "/v1/models/tiny/3/approve" in refused.json()["detail"]
    assert further_versions(champion.store) == []
    head = {"Content-Type": "image/jpeg"}
    for ref in ("tiny/3", "3", version.bundle_digest):
        assert champion.post(f"/v1/predictions?model={ref}", content=drawn(), headers=head).status_code == 404
    files = {"images": ("a.jpg", drawn(), "image/jpeg")}
    assert champion.post("/v1/predictions/batch?model=tiny/3", files=files).status_code == 404
    pixels = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [base64.b64encode(drawn()).decode()]}
    assert champion.post("/v2/models/tiny/versions/3/infer", json={"inputs": [pixels]}).status_code == 404
    assert champion.get("/v2/models/tiny/versions/3/ready").status_code == 404
    assert [number for number, _ in versions(champion)] == [1]


def test_a_version_that_was_approved_once_is_loaded_although_it_is_retired(champion: Served) -> None:
    assert champion.post("/v1/models/tiny/2/retire", "admin").status_code == 200
    assert champion.post("/v1/models/tiny/2/load", "operator").json()["loaded"] is True
    assert champion.predict(drawn(), model="tiny/2")["version"] == 2


def test_a_further_version_that_is_retired_is_unloaded(champion: Served) -> None:
    assert champion.post("/v1/models/tiny/2/load", "operator").status_code == 200
    assert champion.post("/v1/models/tiny/2/retire", "admin").status_code == 200
    assert [number for number, _ in versions(champion)] == [1]


def test_shares_stick_to_patients_on_every_instance_and_come_near_the_share(champion: Served, two: list[Path]) -> None:
    assert champion.post("/v1/models/tiny/2/challenge", "admin").status_code == 200
    put = champion.client.put(
        "/v1/rollout", headers=champion.headers("operator"), json={"model": "tiny", "challenger_share": 0.3}
    )
    assert put.json() == {
        "model": "tiny",
        "champion": 1,
        "challenger": 2,
        "challenger_share": 0.3,
        "shadow": False,
    }
    image = drawn()
    patients = [f"patient {number}" for number in range(60)]
    here = {patient: champion.predict(image, patient=patient)["arm"] for patient in patients}
    with serving(champion.home, None) as other:
        wait_until(lambda: other.service.fleet.lineup.challenger_share == 0.3)
        there = {patient: other.predict(image, patient=patient, lesion="a")["arm"] for patient in patients}
    assert here == there
    # the same units, many more of them, without the images
    pseudonyms, n = champion.service.pseudonyms, 5000
    chosen = sum(pseudonyms.share(pseudonyms.patient(f"patient {number}")) < 0.3 for number in range(n))
    assert abs(chosen - 0.3 * n) < 4 * (n * 0.3 * 0.7) ** 0.5
    assert 5 <= sum(arm == "challenger" for arm in here.values()) <= 33


def test_without_a_patient_the_lesion_and_else_the_request_decides(champion: Served) -> None:
    champion.post("/v1/models/tiny/2/challenge", "admin")
    champion.client.put("/v1/rollout", headers=champion.headers("operator"), json={"challenger_share": 0.5})
    image, kind = drawn(), {"Content-Type": "image/jpeg"}
    by_lesion = {lesion: champion.predict(image, lesion=lesion)["arm"] for lesion in "abcdefgh"}
    assert {lesion: champion.predict(image, lesion=lesion)["arm"] for lesion in "abcdefgh"} == by_lesion
    by_request = [
        [
            champion.post("/v1/predictions", content=image, headers=kind | {"X-Request-Id": f"{again}"}).json()["arm"]
            for again in range(24)  # all on one side once in eight million runs
        ]
        for _ in range(2)
    ]
    assert by_request[0] == by_request[1]
    assert set(by_request[0]) == {"champion", "challenger"}


def test_a_share_needs_a_challenger_and_who_is_meant_must_be_who_is_there(champion: Served) -> None:
    headers = champion.headers("operator")
    assert champion.client.put("/v1/rollout", headers=headers, json={"shadow": True}).status_code == 409
    champion.post("/v1/models/tiny/2/challenge", "admin")
    wrong = champion.client.put("/v1/rollout", headers=headers, json={"challenger": 1, "shadow": True})
    assert (wrong.status_code, wrong.json()["field"]) == (409, "challenger")
    right = champion.client.put(
        "/v1/rollout", headers=headers, json={"champion": 1, "challenger": "tiny/2", "shadow": True}
    )
    assert right.status_code == 200
    assert champion.client.put("/v1/rollout", headers=headers, json={"challenger_share": 1.5}).status_code == 422
