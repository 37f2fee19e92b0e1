"""The console without a mouse: Tab, Enter and one key a label, and one always sees where one is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from served_console import PATIENCE, ServedConsole, open_page, settle, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.service, pytest.mark.timeout(900)]

PAGES = ("Overview", "Predict", "Batch", "Review", "Data", "Models", "Upload")

# Where the focus is, and whether that element or what frames it looks different without it.
STOP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const look = () => {
    const found = [];
    for (let at = one, up = 0; at && up < 6; at = at.parentElement, up++) {
      const style = getComputedStyle(at);
      found.push(style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow, style.borderColor);
    }
    return found.join();
  };
  const focused = look();
  one.blur();
  const seen = focused !== look();
  one.focus();
  const name = one.getAttribute("aria-label") || one.innerText || one.dataset.testid || "";
  return {name: name.split("\\n").join(" ").trim(), tag: one.tagName, seen};
}"""


def stops(page: Page, most: int = 120) -> list[dict[str, Any]]:
    """Every stop of the Tab key, from the beginning of the page to its end."""
    page.get_by_text("Skip to main content").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")  # back on it, and by keyboard
    found = []
    for _ in range(most):
        stop = page.evaluate(STOP)
        if stop is None:
            return found
        found.append(stop)
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key goes round in circles: {[stop['name'] for stop in found[-6:]]}")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on what bears this name."""
    for _ in range(120):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is not None and re.search(name, stop["name"]):
            assert stop["seen"], f"one doesn't see that the focus is on {stop['name']}"
            return
    raise AssertionError(f"the Tab key doesn't reach {name}")


def test_one_signs_in_predicts_and_labels_without_a_mouse(
    page: Page, served: ServedConsole, pictures: list[Path]
) -> None:
    page.on("filechooser", lambda _: None)  # at the press of the key the browser may be told too late
    page.goto(served.page)
    expect(page.get_by_label("Your key")).to_be_visible(timeout=PATIENCE)
    settle(page)
    tab_to(page, "^Your key$")
    page.keyboard.type(served.keys["clinician"])
    tab_to(page, "^Sign in$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible(timeout=PATIENCE)
    settle(page)
    tab_to(page, "^Predict$")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The answer will stand here.")).to_be_visible(timeout=PATIENCE)
    settle(page)
    tab_to(page, r"upload\s+Upload$")  # the button of the field, not the page of this name
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(str(pictures[12]))
    expect(page.get_by_alt_text("The picture that was chosen")).to_be_visible(timeout=PATIENCE)
    settle(page)
    tab_to(page, "^Judge this lesion$")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"Prediction [0-9a-f-]{36}"))).to_be_visible(timeout=PATIENCE)
    settle(page)
    tab_to(page, "^Opacity of the evidence")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("stSliderThumbValue")).to_have_text("50", timeout=PATIENCE)
    settle(page)
    with served.client() as client:
        first = client.worklist(limit=1).items[0].prediction
    tab_to(page, "^Review$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("^Melanoma"))).to_be_visible(timeout=PATIENCE)
    settle(page)
    page.keyboard.press("3")
    expect(page.get_by_text("1 labelled in this session.")).to_be_visible(timeout=PATIENCE)
    with served.client() as client:
        (label,) = client.labels(prediction_id=first.prediction_id).labels
    assert (label.diagnosis, label.labelled_by) == ("bcc", "the clinician")


def test_digits_that_are_typed_into_a_field_label_nothing(
    page: Page, served: ServedConsole, pictures: list[Path]
) -> None:
    with served.client("clinician") as client:
        client.predict(pictures[13])
        first = client.worklist(limit=1).items[0].prediction
    sign_in(page, served, "clinician")
    open_page(page, "Review")
    page.get_by_text("How it was confirmed").click()
    page.get_by_test_id("stDateInput").locator("input, [role=spinbutton]").first.click()
    page.keyboard.type("2026/11/02")
    page.get_by_role("combobox", name="Confirmed by").focus()
    page.keyboard.type("2")
    settle(page)
    with served.client() as client:
        assert client.labels(prediction_id=first.prediction_id).labels == []
    expect(page.get_by_text("labelled in this session")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_stop_of_every_page_has_a_name_and_shows_the_focus(
    page: Page, served: ServedConsole, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(served.page)
    expect(page.get_by_label("Your key")).to_be_visible(timeout=PATIENCE)
    settle(page)
    walked = {"Sign in": stops(page)}
    sign_in(page, served, "admin")
    for title in PAGES:
        open_page(page, title)
        walked[title] = stops(page)
        assert {"Overview", "Models", "Sign out"} <= {stop["name"] for stop in walked[title]}, title
    assert [(title, stop) for title, found in walked.items() for stop in found if not stop["seen"]] == []
    assert [(title, stop["tag"]) for title, found in walked.items() for stop in found if not stop["name"]] == []
