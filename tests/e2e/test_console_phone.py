"""The console under a thumb: the menu goes out of the way, and what it has led to can be touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from served_console import PATIENCE, ServedConsole, settle, watch

pytestmark = [pytest.mark.slow, pytest.mark.service, pytest.mark.timeout(900)]

PAGES = ("Overview", "Predict", "Batch", "Review", "Data", "Models", "Upload")
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
# But what comes up beside a chart only while one points at it.
CONTROLS = "button:enabled:not([kind=elementToolbar]), [role=tab], [role=radio], [role=combobox]"


# As a phone calls itself, and as one that asks for the desktop's site: like that, tablets and small windows come too.
@pytest.fixture(params=[("light", PHONE), ("dark", None)], ids=["phone", "desktop-site"])
def phone(request: pytest.FixtureRequest, browser: Browser, served: ServedConsole) -> Iterator[Page]:
    scheme, agent = request.param
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, color_scheme=scheme, user_agent=agent
    )
    yield watch(context.new_page(), served)
    context.close()


def enter(page: Page, served: ServedConsole) -> None:
    page.get_by_label("Your key").fill(served.keys["admin"])
    page.get_by_role("button", name="Sign in").tap()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible(timeout=PATIENCE)
    settle(page)


def menu(page: Page) -> Locator:
    """The menu, opened by the thumb."""
    page.get_by_test_id("stExpandSidebarButton").tap()
    return page.get_by_test_id("stSidebar")


def lies_open(page: Page) -> None:
    """Wait until a thumb in the middle of the screen touches the page, and not the menu over it."""
    touched = "document.elementFromPoint(150, 422)?.closest('[data-testid=stSidebar], [data-testid=stMain]')"
    page.wait_for_function(f"{touched}?.dataset.testid === 'stMain'", timeout=10_000)


def width(page: Page) -> int:
    """Pixels of the page and what sticks out of it; a wide table is pushed sideways by itself."""
    return page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")


def test_after_a_choice_the_page_lies_open_and_its_first_control_can_be_tapped(
    phone: Page, served: ServedConsole, tmp_path: Path
) -> None:
    phone.goto(served.page)
    enter(phone, served)
    for title in PAGES:
        menu(phone).get_by_role("link", name=title, exact=True).tap()
        expect(phone.get_by_role("heading", name=title, exact=True)).to_be_visible(timeout=PATIENCE)
        settle(phone)
        expect(phone.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", "true")
        lies_open(phone)
        assert width(phone) == 390, title
        phone.screenshot(path=str(tmp_path / f"{title}.png"))
        phone.get_by_test_id("stMain").locator(CONTROLS).locator("visible=true").first.tap(timeout=10_000)
        phone.keyboard.press("Escape")
        settle(phone)


def test_who_signs_out_by_the_menu_and_in_again_finds_it_closed(phone: Page, served: ServedConsole) -> None:
    phone.goto(served.page)
    enter(phone, served)
    menu(phone).get_by_role("button", name="Sign out").tap()
    expect(phone.get_by_label("Your key")).to_be_visible(timeout=PATIENCE)
    settle(phone)
    enter(phone, served)
    expect(phone.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", "true")
    lies_open(phone)


def test_the_wide_tables_of_a_version_move_under_the_thumb_and_leave_the_page_where_it_is(
    phone: Page, served: ServedConsole
) -> None:
    phone.goto(served.page)
    enter(phone, served)
    menu(phone).get_by_role("link", name="Models", exact=True).tap()
    expect(phone.get_by_role("heading", name="Models", exact=True)).to_be_visible(timeout=PATIENCE)
    settle(phone)
    for tab in ("Figures", "Gate", "Card", "Decide"):
        phone.get_by_role("tab", name=tab).tap()
        assert width(phone) == 390, tab
    phone.get_by_role("tab", name="Card").tap()
    table = phone.locator(".stMarkdown table").filter(has_text="One vote an image")
    expect(table).to_be_visible(timeout=PATIENCE)
    first = table.locator("td").first
    first.scroll_into_view_if_needed()
    before = first.bounding_box()["x"]
    assert table.evaluate("one => (one.scrollLeft = 90, one.scrollLeft)") == 90
    assert first.bounding_box()["x"] == pytest.approx(before, abs=2)  # what a line is about stays beside it
