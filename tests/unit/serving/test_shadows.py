from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from nevus.store import Registry
from nevus.store.erasure import erase_patient
from nevus.store.serving_tables import PredictionRow
from rollout_factory import approved, bundles, wait_until
from serving_factory import Served, drawn, serving


@pytest.fixture
def shadowed(tmp_path: Path) -> Iterator[Served]:
    """A service whose challenger tiny/2 judges in the shadow of tiny/1; it may keep three images waiting."""
    first, second = bundles(tmp_path)
    with serving(tmp_path / "home", first, shadow_backlog=3) as served:
        approved(served.store, first)
        approved(served.store, second)
        Registry(served.store).promote("tiny/1", by="test")
        Registry(served.store).challenge("tiny/2", by="test")
        put = served.client.put("/v1/rollout", headers=served.headers("operator"), json={"shadow": True})
        assert put.status_code == 200, put.text
        yield served


def shadows(served: Served) -> list[PredictionRow]:
    with served.store.read() as session:
        return list(session.scalars(sa.select(PredictionRow).where(PredictionRow.arm == "shadow")))


def test_the_challengers_answer_is_stored_beside_the_champions_and_not_returned(shadowed: Served) -> None:
    answered = shadowed.predict(drawn("mel"), patient="p", age=70)
    assert (answered["version"], answered["arm"]) == (1, "champion")
    wait_until(lambda: len(shadows(shadowed)) == 1)
    (row,) = shadows(shadowed)
    assert (row.version, row.shadow_of) == (2, answered["prediction_id"])
    assert (row.image_hash, row.age, row.request_id) == (answered["image_hash"], 70, answered["request_id"])
    assert row.patient_hash is not None
    assert row.probabilities != answered["probabilities"]
    assert 'nevus_shadows_total{outcome="judged"} 1.0' in shadowed.get("/metrics").text


def test_shadows_wait_for_a_free_processor_and_what_does_not_fit_is_dropped_and_counted(shadowed: Served) -> None:
    service = shadowed.service
    go_on = threading.Event()
    service._busy += 100  # as if every thread computed
    try:
        for number in range(8):
            assert shadowed.service.fleet.lineup.challenger is not None
            model = service.fleet.lineup.challenger
            rows = [{"prediction_id": f"{number}", "request_id": "r", "key_id": None}]
            service.shadows.put(model, [b"no image"], None, rows)  # type: ignore[arg-type]
        go_on.wait(0.3)
        assert shadows(shadowed) == []
        text = shadowed.get("/metrics").text
        dropped = next(line for line in text.splitlines() if line.startswith('nevus_shadows_total{outcome="dropped"}'))
        assert float(dropped.split()[-1]) in (4.0, 5.0)  # three wait, and one may be in the thread's hand
    finally:
        service._busy -= 100
    wait_until(lambda: "nevus_shadow_backlog 0.0" in shadowed.get("/metrics").text)


def test_what_waits_for_a_shadow_of_a_patient_who_is_erased_meanwhile_is_not_stored(shadowed: Served) -> None:
    service = shadowed.service
    service._busy += service.threads  # as if every thread computed: the shadow waits
    try:
        shadowed.predict(drawn("mel"), patient="ERT")
        kept = shadowed.predict(drawn("nv"), patient="another")["prediction_id"]
        assert service.blobs is not None
        erased = erase_patient(shadowed.store, service.blobs, service.pseudonyms, "ERT", home=shadowed.home)
        assert {line.place: line.items for line in erased.lines}["predictions"] == 1
    finally:
        service._busy -= service.threads
    wait_until(lambda: shadows(shadowed) != [])
    wait_until(lambda: 'nevus_shadows_total{outcome="forgotten"} 1.0' in shadowed.get("/metrics").text)
    assert [row.shadow_of for row in shadows(shadowed)] == [kept]
    assert shadowed.get("/v1/predictions?patient=ERT").json()["predictions"] == []
