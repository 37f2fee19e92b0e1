"""Where pictures come from besides files: the camera, a zip; and who has already said what they show."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from served_console import PATIENCE, ServedConsole, open_page, settle, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.service, pytest.mark.timeout(900)]


# Chromium's camera shows green; until its first frame the element is there and black, and a photo would be too.
GREEN_IS_FILMED = """() => {
  const video = document.querySelector("video"), canvas = document.createElement("canvas").getContext("2d");
  canvas.drawImage(video, 0, 0, 8, 8);
  const shown = canvas.getImageData(0, 0, 8, 8).data, sum = [0, 0, 0, 0];
  shown.forEach((value, at) => (sum[at % 4] += value));
  return sum[1] > 2 * Math.max(sum[0], sum[2]);
}"""


def test_a_picture_from_the_camera_is_judged_and_stored(page: Page, served: ServedConsole) -> None:
    sign_in(page, served, "clinician")
    open_page(page, "Predict")
    page.get_by_role("tab", name="Camera").click()
    expect(page.locator("video")).to_have_count(0)  # nobody is filmed before asking for it
    page.get_by_text("Use the camera").click()
    expect(page.locator("video")).to_be_visible(timeout=PATIENCE)
    judge = page.get_by_role("button", name="Judge this lesion")
    expect(judge).to_be_disabled()
    page.wait_for_function(GREEN_IS_FILMED, timeout=PATIENCE)
    page.get_by_role("button", name="Take Photo").click()
    expect(judge).to_be_enabled(timeout=PATIENCE)
    judge.click()
    told = page.get_by_text(re.compile(r"Prediction [0-9a-f-]{36}"))
    expect(told).to_be_visible(timeout=PATIENCE)
    prediction_id = re.search(r"[0-9a-f-]{36}", told.inner_text()).group()
    with served.client() as client:
        stored, picture = client.prediction(prediction_id), client.image(prediction_id)
    assert stored.width > stored.height >= 480
    red, green, blue = np.asarray(Image.open(io.BytesIO(picture.data)).convert("RGB")).mean(axis=(0, 1))
    assert green > 2 * max(red, blue)  # what Chromium's camera shows


def test_a_zip_with_a_table_is_checked_and_each_finding_names_its_file(
    page: Page, served: ServedConsole, pictures: list[Path], tmp_path: Path
) -> None:
    good, unmapped, unlisted = pictures[4:7]
    archive = tmp_path / "samples.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in (good, unmapped, unlisted):
            out.write(path, f"pictures/{path.name}")
        out.writestr("pictures/broken.jpg", b"not a picture")
        table = [f"{good.name},mel", f"{unmapped.name},wart", "broken.jpg,nv", "absent.jpg,nv"]
        out.writestr("table.csv", "file,diagnosis\n" + "\n".join(table) + "\n")
    sign_in(page, served, "clinician")
    open_page(page, "Upload")
    page.get_by_role("tab", name="One zip").click()
    page.locator("input[type=file][accept*='.zip']").set_input_files(str(archive))
    settle(page)
    page.get_by_role("button", name="Check and upload").and_(page.locator(":enabled")).click()
    expect(page.get_by_text("What the checks found")).to_be_visible(timeout=PATIENCE)
    settle(page)
    taken, _, refused = page.get_by_test_id("stMetricValue").all_inner_texts()
    assert taken == "1"
    findings = page.get_by_role("table", name="Pictures that were not taken, and why").locator("tbody tr")
    expect(findings).to_have_count(int(refused))
    told = {row.locator("td").first.inner_text().rpartition("/")[2]: row.inner_text() for row in findings.all()}
    assert {unmapped.name, "broken.jpg", "absent.jpg"} <= told.keys()
    assert good.name not in told
    assert int(refused) == len(told)
    assert "wart" in told[unmapped.name]
    assert "not an image" in told["broken.jpg"].lower()
    with served.client() as client:
        latest = client.sample_batches().batches[0]
    assert (latest.accepted, latest.rejected, latest.uploaded_by) == (1, len(told), "the clinician")


def _waits_on_the_page(page: Page, served: ServedConsole, fresh: list[Path]) -> str:
    """Predictions that wait for a label; the id of the one that the Review page shows first."""
    with served.client("clinician") as client:
        for picture in fresh:
            client.predict(picture)
        first = client.worklist(limit=1).items[0].prediction.prediction_id
    sign_in(page, served, "clinician")
    open_page(page, "Review")
    expect(page.get_by_role("button", name=re.compile("^Melanoma"))).to_be_visible(timeout=PATIENCE)
    return first


def _someone_else_says(served: ServedConsole, prediction_id: str, code: str) -> str:
    with served.client("operator") as client:
        return client.label(code, prediction_id=prediction_id).label_id


def test_a_label_that_contradicts_anothers_replaces_it_only_on_demand(
    page: Page, served: ServedConsole, pictures: list[Path]
) -> None:
    first = _waits_on_the_page(page, served, pictures[7:9])
    shown = page.get_by_alt_text("The picture that waits for a label").get_attribute("src")
    theirs = _someone_else_says(served, first, "nv")
    page.keyboard.press("2")
    expect(page.get_by_text("the operator has labelled this picture Melanocytic nevus")).to_be_visible(timeout=PATIENCE)
    # Beside the question stands the picture in question, and nothing that a key would label by mistake.
    assert page.get_by_alt_text("The picture that waits for a label").get_attribute("src") == shown
    expect(page.get_by_role("button", name=re.compile("^Basal cell carcinoma"))).to_have_count(0)
    page.get_by_role("button", name="Replace it by Melanoma").click()
    expect(page.get_by_text("1 labelled in this session.")).to_be_visible(timeout=PATIENCE)
    with served.client() as client:
        mine, before = client.labels(prediction_id=first).labels
    assert (mine.diagnosis, mine.labelled_by, mine.superseded_by) == ("mel", "the clinician", None)
    assert (before.label_id, before.diagnosis, before.superseded_by) == (theirs, "nv", mine.label_id)


def test_a_label_of_someone_else_can_be_left_as_it_is(page: Page, served: ServedConsole, pictures: list[Path]) -> None:
    first = _waits_on_the_page(page, served, pictures[9:12])
    theirs = _someone_else_says(served, first, "nv")
    page.keyboard.press("2")
    expect(page.get_by_role("button", name="Leave it as it is")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("0")
    expect(page.get_by_role("button", name=re.compile("^Basal cell carcinoma"))).to_be_visible(timeout=PATIENCE)
    with served.client() as client:
        (only,) = client.labels(prediction_id=first).labels
    assert (only.label_id, only.superseded_by) == (theirs, None)
