"""/docs in a real browser: it works, and no request leaves the machine."""

from __future__ import annotations

import shutil

import pytest

from serve_process import serve
from serving_factory import tiny_bundle

CHROMIUM = shutil.which("chromium")


@pytest.mark.service
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt install chromium)")
def test_the_documentation_shows_and_asks_nobody_else(tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    bundle = tiny_bundle(tmp_path / "bundle")
    with serve(tmp_path / "home", "--bundle", str(bundle)) as server, playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{server.url}/docs")
        page.get_by_text("Judge an image, or several of one lesion").wait_for(timeout=30_000)
        browser.close()
    assert len(asked) >= 3
    assert {address for address in asked if not address.startswith((server.url, "data:"))} == set()
