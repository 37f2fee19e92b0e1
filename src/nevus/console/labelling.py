"""Saying what a picture shows: a button and a key for each diagnosis; and where somebody said otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import streamlit as st

from nevus.client import ClientError
from nevus.console import words
from nevus.console.answer import Meanings
from nevus.console.frame import say
from nevus.console.session import client
from nevus.taxonomy import DIAGNOSES, UNKNOWN

_DONE, _CONFLICT, _REFUSED = "nevus.review.done", "nevus.review.conflict", "nevus.review.refused"
_LAST, _CHANGING = "nevus.review.last", "nevus.review.changing"
_CONFIRMED_BY, _CONFIRMED_ON = "nevus.review.confirmed_by", "nevus.review.confirmed_on"
_ORDER = ("nv", "mel", "bcc", "bkl", "akiec", "scc", "df", "vasc")


@dataclass(frozen=True)
class Given:
    """The label that was given last, which can be changed."""

    prediction_id: str
    label_id: str
    name: str
    """Of the diagnosis."""


@dataclass(frozen=True)
class Conflict:
    """A label that the service refused, because one as well confirmed says otherwise."""

    prediction_id: str
    code: str
    existing: str | None
    """Id of the label that stands."""


def keep_choices() -> None:
    """Hold how labels are confirmed, also over a drawing that doesn't ask for it."""
    for key in (_CONFIRMED_BY, _CONFIRMED_ON):
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]


def open_conflict() -> Conflict | None:
    """The conflict that waits for a word, if there is one."""
    found: Conflict | None = st.session_state.get(_CONFLICT)
    return found


def open_change() -> Given | None:
    """The label that is about to be changed, if there is one."""
    found: Given | None = st.session_state.get(_CHANGING)
    return found


def way_back() -> None:
    """What was labelled in this session, and a button to change the last label."""
    done = labelled_so_far()
    if not done:
        return
    last: Given | None = st.session_state.get(_LAST)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{done} labelled in this session." + (f" The last as {last.name}." if last else ""), width="content"
        )
        if last is not None:
            st.button("Change the last", key="nevus.review.change", shortcut="u", type="tertiary", on_click=_change)


def labelled_so_far() -> int:
    """How many were labelled in this session."""
    count: int = st.session_state.get(_DONE, 0)
    return count


def label_buttons(prediction_id: str, meanings: Meanings, put_off: Callable[[str], None]) -> None:
    """Ask what it shows; `put_off` is called with the prediction's id where nobody wants to say yet."""
    _tell()
    _diagnoses(prediction_id, meanings)
    st.button(
        "Put off",
        key=f"skip-{prediction_id}",
        shortcut="0",
        type="tertiary",
        on_click=put_off,
        args=(prediction_id,),
    )
    _confirmation()


def change(given: Given, meanings: Meanings) -> None:
    """Ask again what a picture shows, of which the person has said so just now."""
    _tell()
    st.markdown(f"You said **{given.name}**. The new label replaces that one, which stays on record.")
    _diagnoses(given.prediction_id, meanings, given.label_id)
    st.button(f"Leave {given.name}", key="nevus.review.leave", shortcut="0", type="tertiary", on_click=_leave)
    _confirmation()


def _diagnoses(prediction_id: str, meanings: Meanings, replaces: str | None = None) -> None:
    st.markdown("**What does it show?**", help="The number on a button is its key.")
    # Models have classes that are no labels: that the diagnosis is unknown, or no more than benign or malignant.
    labels = [code for code in (*_ORDER, *DIAGNOSES) if code in meanings and code != UNKNOWN]
    codes = list(dict.fromkeys(labels))
    with st.container(gap="xsmall"):
        for number, code in enumerate(codes[:9], start=1):
            # By callback: it runs before the page is drawn anew, so that a press on a picture that someone else has
            # labelled meanwhile, and that the new page would not show, is not lost.
            st.button(
                meanings[code].name,
                key=f"label-{prediction_id}-{code}-{replaces}",
                shortcut=str(number),
                width="stretch",
                on_click=_label,
                args=(prediction_id, code, meanings[code].name, replaces),
            )


def settle(conflict: Conflict, meanings: Meanings) -> None:
    """Say who said otherwise, and let the person replace that label or leave it."""
    _tell()
    there = client().labels(prediction_id=conflict.prediction_id).labels
    standing = next((one for one in there if one.label_id == conflict.existing), None)
    yours = words.diagnosis(conflict.code, meanings)
    if standing is not None:
        how = words.CONFIRMED.get(standing.confirmed_by, standing.confirmed_by or "").lower()
        st.warning(
            f"{standing.labelled_by} has labelled this picture "
            f"{words.diagnosis(standing.diagnosis, meanings)} ({how}). You said {yours}."
        )
    st.button(
        f"Replace it by {yours}",
        key="nevus.review.replace",
        shortcut="y",
        width="stretch",
        on_click=_label,
        args=(conflict.prediction_id, conflict.code, yours, conflict.existing),
    )
    st.button("Leave it as it is", key="nevus.review.leave", shortcut="0", width="stretch", on_click=_leave)
    st.caption("A label that is replaced stays on record.")
    _confirmation()


def _confirmation() -> None:
    with st.expander("How it was confirmed"):
        st.selectbox(
            "Confirmed by",
            list(words.CONFIRMED),
            format_func=lambda code: words.CONFIRMED[code],
            key=_CONFIRMED_BY,
            help="Holds for the next labels too, until you change it.",
        )
        st.date_input("On", value=None, max_value=date.today(), key=_CONFIRMED_ON)


def _label(prediction_id: str, code: str, name: str, replaces: str | None = None) -> None:
    try:
        label = client().label(
            code,
            prediction_id=prediction_id,
            confirmed_by=st.session_state.get(_CONFIRMED_BY),
            confirmed_on=st.session_state.get(_CONFIRMED_ON),
            replaces=replaces,
        )
    except ClientError as error:
        if error.status == 409:
            existing = error.problem.existing if error.problem else None
            st.session_state[_CONFLICT] = Conflict(prediction_id, code, existing)
        else:
            st.session_state[_REFUSED] = error
        return
    if open_change() is None:
        st.session_state[_DONE] = labelled_so_far() + 1
    _leave()
    # One that doesn't count, since a better confirmed one does, has nothing to be changed.
    st.session_state[_LAST] = None if label.superseded_by else Given(prediction_id, label.label_id, name)
    st.toast(f"Labelled {name}.")


def _change() -> None:
    st.session_state[_CHANGING] = st.session_state[_LAST]


def _leave() -> None:
    st.session_state.pop(_CONFLICT, None)
    st.session_state.pop(_CHANGING, None)


def _tell() -> None:
    """Say what the service refused since the page was drawn last."""
    refused: ClientError | None = st.session_state.pop(_REFUSED, None)
    if refused is not None:
        say(refused)
