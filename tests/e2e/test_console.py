"""The console in a real browser, over a real service with a model that a real run has left."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from served_console import PATIENCE, ServedConsole, open_page, settle, sign_in, watch

# One whole training, which the tests of this folder share; a browser that draws every page in four ways.
pytestmark = [pytest.mark.slow, pytest.mark.service, pytest.mark.timeout(900)]

PAGES = ("Overview", "Predict", "Batch", "Review", "Data", "Models", "Upload")


def test_only_a_key_lets_in_and_it_stays_out_of_address_and_log(page: Page, served: ServedConsole) -> None:
    page.goto(served.page + "/models")
    page.get_by_label("Your key").fill("nevus_0_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The service doesn't take this key.")).to_be_visible(timeout=PATIENCE)
    page.get_by_label("Your key").fill(served.keys["clinician"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("signed in as clinician")).to_be_visible()
    secret = served.keys["clinician"]
    assert secret not in page.url
    assert secret.rpartition("_")[2] not in served.logged()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Your key")).to_be_visible(timeout=PATIENCE)


def test_a_reader_sees_what_a_reader_may_do(page: Page, served: ServedConsole) -> None:
    sign_in(page, served, "reader")
    shown = page.get_by_test_id("stSidebarNavLink").all_inner_texts()
    assert [title.strip() for title in shown] == ["Overview", "Review", "Data", "Models"]


def test_a_link_to_what_a_role_may_not_do_says_so(page: Page, served: ServedConsole) -> None:
    page.goto(served.page + "/predict")
    page.get_by_label("Your key").fill(served.keys["reader"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Not with this key")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("input[type=file]")).to_have_count(0)


def test_a_prediction_is_judged_shown_and_stored(page: Page, served: ServedConsole, pictures: list[Path]) -> None:
    sign_in(page, served, "clinician")
    open_page(page, "Predict")
    page.locator("input[type=file]").first.set_input_files(str(pictures[0]))
    expect(page.get_by_alt_text("The picture that was chosen")).to_be_visible(timeout=PATIENCE)
    page.get_by_label("Age (years)").fill("61")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Judge this lesion").click()
    told = page.get_by_text(re.compile(r"Prediction [0-9a-f-]{36}"))
    expect(told).to_be_visible(timeout=PATIENCE)
    settle(page)
    prediction_id = re.search(r"[0-9a-f-]{36}", told.inner_text()).group()
    with served.client() as client:
        stored = client.prediction(prediction_id)
    assert stored.age == 61
    words = {"suspicious": "Suspicious", "low_suspicion": "Low suspicion", "refer": "Refer", "unusable": "Unusable"}
    expect(page.locator(".verdict .word")).to_contain_text(words[stored.verdict])
    if stored.p_malignant is not None:
        expect(page.get_by_text(f"Malignant probability {stored.p_malignant * 100:.1f} %")).to_be_visible()
    expect(page.get_by_text("Decision support, not a diagnosis: a physician decides.")).to_be_visible()


def test_the_overlay_follows_its_slider(page: Page, served: ServedConsole, pictures: list[Path]) -> None:
    sign_in(page, served, "clinician")
    open_page(page, "Predict")
    page.locator("input[type=file]").first.set_input_files(str(pictures[1]))
    settle(page)
    page.get_by_role("button", name="Judge this lesion").click()
    overlay = page.get_by_alt_text(re.compile("laid over it"))
    expect(overlay).to_be_visible(timeout=PATIENCE)
    settle(page)
    before = overlay.get_attribute("src")
    page.get_by_role("slider", name=re.compile("Opacity")).focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(overlay).not_to_have_attribute("src", before or "", timeout=PATIENCE)


def test_a_batch_answers_each_picture_and_tells_the_broken_one(
    page: Page, served: ServedConsole, pictures: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    sign_in(page, served, "clinician")
    open_page(page, "Batch")
    page.locator("input[type=file]").first.set_input_files([*map(str, pictures[:4]), str(broken)])
    page.get_by_role("button", name="Judge 5 pictures").click()
    expect(page.get_by_role("button", name="Download all as CSV")).to_be_visible(timeout=PATIENCE)
    settle(page)
    cells = page.get_by_test_id("stMetricValue").all_inner_texts()
    assert (cells[0], cells[3]) == ("5", "1")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 6
    assert lines[5].startswith("broken.jpg,,")


def test_one_key_labels_what_waits(page: Page, served: ServedConsole, pictures: list[Path]) -> None:
    with served.client("clinician") as client:
        for picture in pictures[2:4]:
            client.predict(picture)
        first = client.worklist(limit=1).items[0].prediction
    sign_in(page, served, "clinician")
    open_page(page, "Review")
    expect(page.get_by_role("button", name=re.compile("^Melanoma"))).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("2")
    expect(page.get_by_text("1 labelled in this session.")).to_be_visible(timeout=PATIENCE)
    with served.client() as client:
        (label,) = client.labels(prediction_id=first.prediction_id).labels
        assert (label.diagnosis, label.labelled_by) == ("mel", "the clinician")
        waiting = [item.prediction.image_hash for item in client.worklist(limit=50).items]
        assert first.image_hash not in waiting
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_text(re.compile(r"leading diagnosis was the label in \d+ of the latest"))).to_be_visible()


def test_an_admin_approves_and_promotes_and_a_clinician_may_not(page: Page, served: ServedConsole) -> None:
    with served.client() as client:
        version = next(one for one in client.models().models if one.number is not None)
    sign_in(page, served, "clinician")
    open_page(page, "Models")
    page.get_by_role("tab", name="Decide").click()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, served, "admin")
    open_page(page, "Models")
    _choose(page, f"version {version.number}")
    page.get_by_role("tab", name="Gate").click()
    expect(page.get_by_text(re.compile("by the policy"))).to_be_visible(timeout=PATIENCE)
    page.get_by_role("tab", name="Decide").click()
    page.get_by_label("Note").fill("the browser test has looked at it")
    page.keyboard.press("Enter")
    settle(page)
    if version.gate_passed is False:
        page.get_by_label("Reason to go against the gate").fill("a test of the console")
        page.keyboard.press("Enter")
        settle(page)
    page.get_by_text("I have read the figures and the card").click()
    settle(page)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("is now approved.")).to_be_visible(timeout=PATIENCE)
    settle(page)
    _choose(page, f"version {version.number}")
    page.get_by_role("tab", name="Decide").click()
    page.get_by_role("button", name="Promote to champion").click()
    expect(page.get_by_text("is now champion.")).to_be_visible(timeout=PATIENCE)
    with served.client() as client:
        ready = client.ready()
    assert (ready.model, ready.version) == (version.model, version.number)


def test_samples_are_checked_and_the_findings_told(
    page: Page, served: ServedConsole, pictures: list[Path], tmp_path: Path
) -> None:
    table = tmp_path / "samples.csv"
    table.write_text(f"file,diagnosis\n{pictures[0].name},mel\n{pictures[1].name},wart\n")
    sign_in(page, served, "clinician")
    open_page(page, "Upload")
    inputs = page.locator("input[type=file]")
    inputs.nth(0).set_input_files([str(path) for path in pictures[:2]])
    settle(page)
    inputs.nth(1).set_input_files(str(table))
    settle(page)
    page.get_by_role("button", name="Check and upload").first.click()
    expect(page.get_by_text("What the checks found")).to_be_visible(timeout=PATIENCE)
    settle(page)
    cells = page.get_by_test_id("stMetricValue").all_inner_texts()
    assert (cells[0], cells[2]) == ("1", "1")
    refused = page.get_by_role("table", name="Pictures that were not taken, and why")
    expect(refused.get_by_role("row").filter(has_text=pictures[1].name)).to_contain_text("wart")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_drawn_and_no_request_leaves_the_host(
    browser: Browser, served: ServedConsole, width: int, scheme: str, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 1400}, color_scheme=scheme)
    page = watch(context.new_page(), served)
    sign_in(page, served, "admin")
    for title in PAGES:
        open_page(page, title)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, title
        for chart in page.get_by_test_id("stVegaLiteChart").locator("visible=true").all():
            # Vega draws axes even where it can't draw the figures.
            expect(chart.locator("svg .role-mark path").first).to_be_attached(timeout=PATIENCE)
        page.screenshot(path=str(tmp_path / f"{title}-{width}-{scheme}.png"))
    ground = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 384) == (scheme == "dark")
    context.close()
    assert served.outside == []


def _choose(page: Page, name: str) -> None:
    box = page.get_by_test_id("stSelectbox").filter(has_text="Look at")
    box.click()
    page.get_by_role("option").filter(has_text=name).click()
    settle(page)
