"""/docs in a real browser: it works, and no request leaves the machine."""

from __future__ import annotations

import shutil

import pytest

from serve_process import serve
from serving_factory import tiny_bundle
from tiny_run import nevus

CHROMIUM = shutil.which("chromium")


def asking_who_i_am_gives(page, status):
    """Try `GET /v1/me` on the page, until this status is shown."""
    route = page.locator("#operations-operations-me_v1_me_get")
    if not route.locator(".try-out").is_visible():
        route.locator(".opblock-summary-control").click()
        route.locator(".try-out button").click()
    route.locator(".execute").click()
    route.locator(f".live-responses-table td.response-col_status:text-is('{status}')").wait_for(timeout=20_000)


@pytest.mark.service
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt install chromium)")
def test_the_documentation_shows_asks_with_ones_key_and_asks_nobody_else(tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    bundle = tiny_bundle(tmp_path / "bundle")
    key = nevus("keys", "create", "--role", "reader", "--name", "R", home=tmp_path / "home").out.strip()
    with serve(tmp_path / "home", "--bundle", str(bundle)) as server, playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{server.url}/docs")
        page.get_by_text("Judge an image, or several of one lesion").wait_for(timeout=30_000)
        asking_who_i_am_gives(page, 401)
        page.locator(".btn.authorize").first.click()
        page.locator(".auth-container input").fill(key)
        page.locator(".auth-btn-wrapper .authorize").click()
        page.locator(".btn-done").click()
        asking_who_i_am_gives(page, 200)
        browser.close()
    assert len(asked) >= 3
    assert {address for address in asked if not address.startswith((server.url, "data:"))} == set()
