"""What stands round every page: the typography, who is signed in, and how errors are told."""

from __future__ import annotations

import re

import streamlit as st

from nevus.client import Client, ClientError, UnreachableError
from nevus.console.session import Session, sign_out
from nevus.console.words import sentence

NOTICE = "Decision support, not a diagnosis: a physician decides."

_STYLE = """
<style>
  :root { --ground: #FFFFFF; }
  @media (prefers-color-scheme: dark) { :root { --ground: #11191C; } }
  .block-container { max-width: 1180px; padding: 3.25rem 3rem 4rem; }
  h1 { letter-spacing: -.015em; padding-bottom: .1rem !important; }
  .stMarkdown p, .stMarkdown li { max-width: 76ch; }
  [data-testid="stSidebarHeader"]::before { content: "nevus"; font-size: 1.3rem; font-weight: 650;
    margin: 0 auto 0 .55rem;
    letter-spacing: -.02em; align-self: center; }
  [data-testid="stSidebarHeader"] > :first-child { order: -1; }
  [data-testid="stMetricValue"], [data-testid="stTable"] td, .tabular { font-variant-numeric: tabular-nums; }
  [data-testid="stMetricLabel"] p { font-size: .82rem; opacity: .82; }
  [data-testid="stTable"] :is(th, td):not(:first-child, :last-child) * { white-space: nowrap; }
  [data-testid="stTable"] td:last-child { min-width: 9.5rem; }
  .lede { opacity: .8; margin: 0 0 .6rem; max-width: 84ch; }
  .reading { opacity: .85; font-size: .93rem; margin: -.4rem 0 .9rem; max-width: 68ch; }
  .notice { border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); margin-top: 2rem;
            padding-top: .7rem; font-size: .86rem; opacity: .8; }
  .verdict { border-left: 6px solid var(--tone); padding: .15rem 0 .25rem 1rem; margin: .1rem 0 1rem; }
  .verdict .word { font-size: 1.55rem; font-weight: 600; letter-spacing: -.01em; line-height: 1.25; }
  .verdict .why { opacity: .88; max-width: 62ch; }
  .who { font-size: .88rem; opacity: .85; line-height: 1.4; overflow-wrap: anywhere; }
  div[data-testid="stImage"] img { border-radius: 6px; }
  [data-testid="stElementContainer"]:has(script) { display: none; }
  [data-testid="stCaptionContainer"] { opacity: 1; color: color-mix(in srgb, currentColor 82%, transparent); }
  /* Whoever goes by keyboard sees where. */
  :is(a, button, summary, [tabindex], [role="slider"]):focus-visible,
  label:has(input:is([type="checkbox"], [type="radio"]):focus-visible) {
    outline: 3px solid #0B6572 !important; outline-offset: 2px; border-radius: 4px; }
  @media (prefers-color-scheme: dark) {
    :is(a, button, summary, [tabindex], [role="slider"]):focus-visible,
    label:has(input:is([type="checkbox"], [type="radio"]):focus-visible) { outline-color: #7CCBD6 !important; }
    /* The accent carries white words; as a word itself, on the dark ground, it is too dark to read. */
    [data-testid="stTabs"] [aria-selected="true"] *, [data-testid="stButtonGroup"] [aria-checked="true"] *,
    [data-testid="stSliderThumbValue"] { color: #7CCBD6 !important; }
    [data-testid="stSidebarLogo"], [data-testid="stHeaderLogo"] { filter: brightness(1.7); }
  }
  @media (max-width: 640px) {
    .st-key-figures [data-testid="stColumn"], .st-key-similar [data-testid="stColumn"] {
      min-width: calc(50% - 1rem) !important; flex: 1 1 calc(50% - 1rem) !important; }
    [data-testid="stHorizontalBlock"] { gap: 1rem !important; }
    .block-container { padding-left: 1rem; padding-right: 1rem; padding-top: 3.6rem; }
    h1 { font-size: 1.5rem !important; }
    [data-testid="stTable"] :is(th, td) { padding-left: .3rem; padding-right: .3rem; }
    [data-testid="stTable"] :is(th, td):not(:first-child, :last-child) * { white-space: normal; }
    [data-testid="stTable"] td:last-child { min-width: 5.5rem; }
    .stMarkdown table { display: block; overflow-x: auto; max-width: 100%; }
    .stMarkdown :is(th, td) { font-size: .84rem; padding: .35rem .4rem; min-width: 6rem; text-align: left !important; }
    .stMarkdown :is(th, td):not(:first-child) { min-width: 8.2rem; }
    /* A wide table is pushed sideways under the thumb; what its lines are about stays. */
    :is(.stMarkdown, [data-testid="stTable"]) :is(th, td):first-child { position: sticky; left: 0; z-index: 1;
      background: var(--ground); }
    [data-testid="stDataFrame"] { margin-top: 1.2rem; }
  }
  @media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
</style>
"""

_MENU = """
<script>
  // Streamlit closes its menu after a choice for a phone's user agent only; on a tablet, in a small window or where a
  // phone asks for the desktop's site, it would go on lying over the page.
  if (!window.nevusMenu) {
    window.nevusMenu = true;
    document.addEventListener("click", (event) => {
      const menu = event.target.closest("[data-testid='stSidebar']");
      if (!menu || window.innerWidth > 768 || !event.target.closest("a, .stButton button")) return;
      setTimeout(() => {
        if (menu.dataset.collapsed === "false")
          menu.querySelector("[data-testid='stSidebarCollapseButton'] button")?.click();
      });
    });
  }
</script>
"""


def dress() -> None:
    """Set the typography, and let the menu go out of the way where it lies over the page."""
    st.html(_STYLE)
    st.html(_MENU, unsafe_allow_javascript=True)


def masthead(session: Session) -> None:
    """Say who is signed in, beside the pages' list."""
    with st.sidebar:
        if session.alone:
            st.html('<p class="who">This machine only: the service has no keys, and asks nobody for one.</p>')
        else:
            st.html(f'<p class="who"><b>{_plain(session.me.name)}</b><br>signed in as {session.me.role}</p>')
            if st.button("Sign out", width="stretch"):
                sign_out()


def heading(title: str, lede: str) -> None:
    """A page's name and one line on what it's for."""
    st.title(title, anchor=False)
    st.html(f'<p class="lede">{_plain(lede)}</p>')


def reading(line: str) -> None:
    """One line that says what a chart shows."""
    st.html(f'<p class="reading">{_plain(line)}</p>')


def figures(*cells: tuple[str, str]) -> None:
    """A row of figures, each with its label above; two in a row on a phone."""
    with st.container(key="figures"):
        for column, (label, value) in zip(st.columns(len(cells)), cells, strict=True):
            column.metric(label, value, border=True)


def notice() -> None:
    """The sentence that no page with a prediction lacks."""
    st.html(f'<p class="notice">{NOTICE}</p>')


def say(error: ClientError) -> None:
    """Tell what the service refused, in its own words."""
    if isinstance(error, UnreachableError):
        st.error(f"The service doesn't answer. {error}")
    elif error.status == 403:
        st.warning(f"Your key may not do this: {error}")
    elif error.retry_after is not None:
        st.warning(f"{sentence(str(error))} Try again in {error.retry_after:g} s.")
    else:
        st.error(sentence(str(error)))


def problems(client: Client) -> None:
    """What should answer here and doesn't, or why nothing answers at all."""
    try:
        told = [f"Not as decided: {one}" for one in client.ready().problems]
    except ClientError as error:
        if error.status != 503:
            raise
        told = [f"The service is alive but not ready: {error}"]
    for one in told:
        st.warning(_unformatted(one))


def _unformatted(text: str) -> str:
    """Its words as they are, not as Markdown."""
    return re.sub(r"([*_\[\]$`\\])", r"\\\1", text)


def _plain(text: str) -> str:
    import html

    return html.escape(text)
