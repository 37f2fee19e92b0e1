"""Labels in a browser: every key that is offered works, and the last label can be changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from nevus.taxonomy import DIAGNOSES, UNKNOWN
from served_console import PATIENCE, ServedConsole, open_page, settle, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.service, pytest.mark.timeout(900)]


def wait_for_labels(served: ServedConsole, picture: Path, count: int) -> None:
    """Predictions of as many pictures that no other test has."""
    at = 0
    with served.client("clinician") as client:
        while len(client.worklist(limit=50).items) < count:
            with Image.open(picture) as image:
                at += 1
                changed = image.convert("RGB")
                changed.putpixel((0, 0), (at, 7, 7))
            file = picture.parent / f"changed-{at}.png"
            changed.save(file)
            client.predict(file)


def on_review(page: Page, served: ServedConsole) -> list[str]:
    """The diagnoses that the page offers, by the number of their key."""
    sign_in(page, served, "clinician")
    open_page(page, "Review")
    expect(page.get_by_role("button", name=re.compile("^Melanoma"))).to_be_visible(timeout=PATIENCE)
    told = page.get_by_test_id("stMain").get_by_role("button").all_inner_texts()
    offered = [found.groups() for text in told if (found := re.fullmatch(r"(.+?)\s+([1-9])", text.strip()))]
    assert [number for _, number in offered] == [str(place) for place in range(1, len(offered) + 1)]
    return [name for name, _ in offered]


def test_every_key_that_is_offered_labels_what_its_button_says(
    page: Page, served: ServedConsole, pictures: list[Path], tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(pictures[14].read_bytes())
    wait_for_labels(served, picture, 10)
    with served.client() as client:
        names = {one.name: one.code for one in client.diagnoses().diagnoses}
        offered = on_review(page, served)
        assert {names[name] for name in offered} == set(DIAGNOSES) - {UNKNOWN}
        for number, name in enumerate(offered, start=1):
            first = client.worklist(limit=1).items[0].prediction.prediction_id
            page.keyboard.press(str(number))
            expect(page.get_by_text(f"{number} labelled in this session.")).to_be_visible(timeout=PATIENCE)
            settle(page)
            expect(page.get_by_test_id("stAlert")).to_have_count(0)
            (label,) = client.labels(prediction_id=first).labels
            assert label.diagnosis == names[name]


def test_the_last_label_can_be_changed_and_both_stay_on_record(
    page: Page, served: ServedConsole, pictures: list[Path], tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(pictures[15].read_bytes())
    wait_for_labels(served, picture, 2)
    on_review(page, served)
    with served.client() as client:
        first = client.worklist(limit=1).items[0].prediction.prediction_id
        shown = page.get_by_alt_text("The picture that waits for a label").get_attribute("src")
        page.keyboard.press("2")
        expect(page.get_by_text("1 labelled in this session. The last as Melanoma.")).to_be_visible(timeout=PATIENCE)
        settle(page)
        page.keyboard.press("u")
        expect(page.get_by_text("You said Melanoma.")).to_be_visible(timeout=PATIENCE)
        settle(page)
        assert page.get_by_alt_text("The picture that waits for a label").get_attribute("src") == shown
        page.keyboard.press("1")
        told = page.get_by_text("1 labelled in this session. The last as Melanocytic nevus.")
        expect(told).to_be_visible(timeout=PATIENCE)
        mine, before = client.labels(prediction_id=first).labels
        assert (mine.diagnosis, mine.superseded_by) == ("nv", None)
        assert (before.diagnosis, before.superseded_by) == ("mel", mine.label_id)
        waiting = [item.prediction.prediction_id for item in client.worklist(limit=50).items]
        assert first not in waiting
