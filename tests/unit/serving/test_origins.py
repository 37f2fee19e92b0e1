"""Which web pages may call the service from a browser."""

from __future__ import annotations

from pathlib import Path

from serving_factory import Served, drawn, serving

PAGE, OTHER = "https://clinic.example", "https://elsewhere.example"


def test_no_page_may_unless_it_is_named(served: Served) -> None:
    answered = served.get("/v1/me", headers={"Origin": PAGE})
    assert "access-control-allow-origin" not in answered.headers


def test_a_named_page_may_with_a_key_and_another_may_not(tmp_path: Path, serving_bundle: Path) -> None:
    with serving(tmp_path / "home", serving_bundle, cors_origins=(PAGE,)) as service:
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        before = service.client.options("/v1/predictions", headers={"Origin": PAGE, **asked})
        assert before.status_code == 200
        assert before.headers["access-control-allow-origin"] == PAGE
        assert "authorization" in before.headers["access-control-allow-headers"].lower()
        sent = {"content": drawn("nv"), "headers": {"Content-Type": "image/jpeg", "Origin": PAGE}}
        answered = service.post("/v1/predictions", **sent)
        assert (answered.status_code, answered.headers["access-control-allow-origin"]) == (200, PAGE)
        assert "access-control-allow-credentials" not in answered.headers
        refused = service.client.options("/v1/predictions", headers={"Origin": OTHER, **asked})
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers
