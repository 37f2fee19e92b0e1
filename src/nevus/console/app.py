"""The console's one entry: who is there, which pages that person may use, and the page itself."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from nevus.client import ClientError
from nevus.console.frame import dress, masthead, say
from nevus.console.session import current, may, sign_in_alone, sign_out

HERE = Path(__file__).parent
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
        page_title="nevus", page_icon=str(HERE / "mark.png"), layout="wide", initial_sidebar_state="auto"
    )
    dress()
    st.logo(str(HERE / "mark.png"), size="medium")
    session = current() or sign_in_alone()
    if session is None:
        st.navigation([st.Page(HERE / "views" / "sign_in.py", title="Sign in")], position="hidden").run()
        return
    pages = [
        st.Page(HERE / "views" / f"{name}.py", title=title, url_path=name, default=name == "overview")
        for name, title, role in _PAGES
        if may(role)
    ]
    page = st.navigation(pages)
    masthead(session)
    try:
        page.run()
    except ClientError as error:
        if error.status == 401:
            sign_out("Your key is no longer valid. Sign in with another one.")
        say(error)


main()
