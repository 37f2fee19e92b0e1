"""Finding stored predictions: filters, pages that stay where they are, tables."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from serving_factory import Served, drawn

_numbers = count()


@pytest.fixture
def patient() -> str:
    """A patient whom no other test knows."""
    return f"listed {next(_numbers)}"


def ids(answered: dict) -> list[str]:
    return [one["prediction_id"] for one in answered["predictions"]]


def test_a_page_holds_what_was_answered_newest_first(served: Served, patient: str) -> None:
    made = [served.predict(drawn("nv", n), patient=patient, age=40 + n) for n in range(3)]
    found = served.get("/v1/predictions", params={"patient": patient}).json()
    assert found["next"] is None
    assert ids(found) == [one["prediction_id"] for one in reversed(made)]
    newest = dict(found["predictions"][0], created_at=None)
    for name, value in made[-1].items():
        if name not in ("created_at", "latency_ms"):
            assert newest[name] == value, name


def test_pages_stay_where_they_are_while_rows_come(served: Served, patient: str) -> None:
    made = [served.predict(drawn("mel", n), patient=patient)["prediction_id"] for n in range(5)]
    asked = {"patient": patient, "limit": 2}
    seen: list[str] = []
    cursor = None
    while True:
        page = served.get("/v1/predictions", params={**asked, **({"cursor": cursor} if cursor else {})}).json()
        seen += ids(page)
        cursor = page["next"]
        served.predict(drawn("nv", 0), patient=patient)
        if cursor is None:
            break
    assert seen == made[::-1]


def test_filters_let_through_what_they_say(served: Served, patient: str) -> None:
    made = [served.predict(drawn(kind, n), patient=patient, age=50) for kind in ("nv", "bcc") for n in range(2)]
    served.predict(drawn("vasc", 0), patient=patient, lesion="left arm")
    middle = sorted(one["p_malignant"] for one in made)[2]

    def find(**asked: object) -> list[str]:
        return ids(served.get("/v1/predictions", params={"patient": patient, **asked}).json())

    assert set(find(p_malignant_min=middle)) >= {m["prediction_id"] for m in made if m["p_malignant"] >= middle}
    below = [one["prediction_id"] for one in made if one["p_malignant"] < middle]
    assert {one["prediction_id"] for one in made} & set(find(p_malignant_max=middle - 1e-9)) == set(below)
    suspicious = [one["prediction_id"] for one in made if one["verdict"] == "suspicious"]
    assert suspicious
    assert set(suspicious) <= set(find(verdict="suspicious"))
    assert len(find(verdict=["suspicious", "low_suspicion", "refer"])) == 5
    assert find(id=[made[1]["prediction_id"], made[3]["prediction_id"]]) == [made[n]["prediction_id"] for n in (3, 1)]
    assert find(request_id=made[2]["request_id"]) == [made[2]["prediction_id"]]
    assert len(find(lesion="left arm")) == 1
    assert find(model="another") == []
    assert len(find(bundle_digest=made[0]["bundle_digest"])) == 5
    assert find(arm="shadow") == []
    served.post("/v1/labels", json={"prediction_id": made[0]["prediction_id"], "diagnosis": "nv"})
    assert made[0]["prediction_id"] in find(labelled=True)
    assert made[0]["prediction_id"] not in find(labelled=False)


def test_days_and_moments_bound_the_list(served: Served, patient: str) -> None:
    made = served.predict(drawn("df", 1), patient=patient)
    moment = datetime.fromisoformat(made["created_at"])
    before, after = moment - timedelta(seconds=1), moment + timedelta(seconds=1)
    for asked, found in (
        ({"day": moment.astimezone(UTC).date()}, 1),
        ({"day": moment.astimezone(UTC).date() - timedelta(days=1)}, 0),
        ({"from": before.isoformat(), "to": after.isoformat()}, 1),
        ({"from": after.isoformat()}, 0),
        ({"to": before.isoformat()}, 0),
    ):
        answered = served.get("/v1/predictions", params={"patient": patient, **asked}).json()
        assert len(answered["predictions"]) == found, asked


def test_a_table_has_a_column_a_class_and_a_link_to_the_next_page(served: Served, patient: str) -> None:
    made = [served.predict(drawn("akiec", n), patient=patient, site="=1+1") for n in range(2)]
    answered = served.get("/v1/predictions", params={"patient": patient, "limit": 1}, headers={"Accept": "text/csv"})
    assert answered.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answered.text))
    assert row["prediction_id"] == made[1]["prediction_id"]
    for name, value in made[1]["probabilities"].items():
        assert float(row[f"p_{name}"]) == value
    assert row["site"] == "'=1+1"  # a spreadsheet must not compute what somebody typed
    link = answered.headers["link"]
    assert link.endswith('>; rel="next"')
    (second,) = csv.DictReader(io.StringIO(served.get(link[1:].partition(">")[0], headers={"Accept": "text/csv"}).text))
    assert second["prediction_id"] == made[0]["prediction_id"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"limit": 501}, "limit"),
        ({"cursor": "' OR 1=1 --"}, "cursor"),
        ({"from": "2026-01-01T00:00:00"}, "from"),
        ({"to": "9999-12-31T23:59:59-12:00"}, "to"),
        ({"day": "yesterday"}, "day"),
        ({"p_malignant_min": "nan"}, "p_malignant_min"),
        ({"p_malignant_max": 2}, "p_malignant_max"),
        ({"arm": "none"}, "arm"),
        ({"version": 2**40}, "version"),
        ({"model": "a\x00b"}, "model"),
        ({"id": ["x"] * 501}, "id"),
    ],
)
def test_what_cannot_be_asked_is_named(served: Served, asked: dict, field: str) -> None:
    answered = served.get("/v1/predictions", params=asked)
    assert answered.status_code == 422
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json()["field"].startswith(field)


@pytest.mark.parametrize("name", ["id", "request_id", "model", "bundle_digest", "patient", "lesion"])
def test_sql_in_a_parameter_is_only_a_text(served: Served, name: str) -> None:
    served.predict(drawn("nv", 1))
    answered = served.get("/v1/predictions", params={name: "x' OR '1'='1'; DROP TABLE predictions; --"})
    assert answered.json()["predictions"] == []
    assert served.get("/v1/predictions").json()["predictions"]
