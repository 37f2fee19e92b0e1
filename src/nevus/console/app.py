"""The console's one entry: who is there, which pages that person may use, and the page itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import streamlit as st

from nevus.client import ClientError
from nevus.console.frame import dress, masthead, say
from nevus.console.session import current, may, sign_in_alone, sign_out

HERE = Path(__file__).parent
_SIDEBAR = 232
"""Pixels: room for seven short words, and the rest for the page."""
_PAGES = (
    ("overview", "Overview", "reader"),
    ("predict", "Predict", "clinician"),
    ("batch", "Batch", "clinician"),
    ("review", "Review", "reader"),
    ("data", "Data", "reader"),
    ("models", "Models", "reader"),
    ("upload", "Upload", "clinician"),
)


def main() -> None:
    """Draw the page that was asked for."""
    st.set_page_config(
        page_title="nevus", page_icon=str(HERE / "mark.png"), layout="wide", initial_sidebar_state=_SIDEBAR
    )
    dress()
    st.logo(str(HERE / "mark.png"), size="medium")
    session = current() or sign_in_alone()
    if session is None:
        # Every address asks for the key, so that a link to a page leads there afterwards.
        st.navigation([_page("sign_in", name, title) for name, title, _ in _PAGES], position="hidden").run()
        return
    page = st.navigation([_page(name if may(role) else "not_allowed", name, title) for name, title, role in _PAGES])
    masthead(session)
    try:
        page.run()
    except ClientError as error:
        if error.status == 401:
            sign_out("Your key is no longer valid. Sign in with another one.")
        say(error)


def _page(view: str, name: str, title: str) -> Any:
    visibility: Literal["visible", "hidden"] = "hidden" if view == "not_allowed" else "visible"
    file = HERE / "views" / f"{view}.py"
    return st.Page(file, title=title, url_path=name, default=name == "overview", visibility=visibility)


main()
