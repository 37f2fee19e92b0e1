"""Review: the pictures whose label helps most, each beside its evidence, labelled with one key."""

from __future__ import annotations

from datetime import date

import streamlit as st

from nevus.api import LabelAnswer, WorklistItem
from nevus.client import ClientError
from nevus.console import answer as shown
from nevus.console import words
from nevus.console.frame import heading, notice, reading, say
from nevus.console.pictures import stored_picture
from nevus.console.session import client, may

_SKIPPED, _DONE, _CONFLICT = "nevus.review.skipped", "nevus.review.done", "nevus.review.conflict"
_ORDER = ("nv", "mel", "bcc", "bkl", "akiec", "scc", "df", "vasc", "unknown")


def main() -> None:
    """Draw the page."""
    heading("Review", "Pictures without a label, in the order in which a label helps most.")
    todo, history = st.tabs(["Worklist", "History"])
    with todo:
        _worklist()
    with history:
        _history()
    notice()


def _worklist() -> None:
    skipped: set[str] = st.session_state.setdefault(_SKIPPED, set())
    found = client().worklist(limit=min(100, 20 + len(skipped))).items
    waiting = [item for item in found if item.prediction.prediction_id not in skipped]
    done = st.session_state.get(_DONE, 0)
    if done:
        st.caption(f"{done} labelled in this session.")
    if not waiting:
        st.markdown("Nothing waits for a label." if not skipped else "Nothing waits but what you have put off.")
        if skipped and st.button("Show what I have put off"):
            skipped.clear()
            st.rerun()
        return
    _item(waiting[0])
    if len(waiting) > 1:
        st.caption(f"{len(waiting) - 1} more in this part of the list.")


def _item(item: WorklistItem) -> None:
    one, meanings = item.prediction, shown.diagnosis_names(client())
    picture, evidence, asking = st.columns([4, 4, 4], gap="medium")
    with picture:
        st.markdown("**The picture**")
        whole = stored_picture(client(), one.prediction_id)
        if whole is None:
            st.caption("The picture isn't kept (any more).")
        else:
            st.image(whole, width="stretch", alt="The picture that waits for a label")
        st.caption(_known(item))
    with evidence:
        st.markdown("**Where it saw evidence for malignancy**")
        shown.evidence(client(), one)
    with asking:
        if may("clinician"):
            _label_buttons(item, meanings)
        else:
            st.caption("Your key may look, not label.")
        with st.expander("The model's answer", expanded=False):
            shown.verdict_card(one)
            shown.malignant_scale(one)
            shown.probability_bars(one, meanings)
        shares = item.priority
        st.caption(
            f"Why it is here: uncertainty {shares.uncertainty:.2f}, novelty {shares.novelty:.2f}, "
            f"nearness to the operating point {shares.closeness:.2f}."
        )


def _known(item: WorklistItem) -> str:
    one = item.prediction
    parts = [f"{one.age:g} years" if one.age is not None else "", one.sex or "", one.site or ""]
    return ", ".join(part for part in parts if part) or "Nothing is known of the patient."


def _label_buttons(item: WorklistItem, meanings: shown.Meanings) -> None:
    one = item.prediction
    st.markdown("**What does it show?**")
    codes = [code for code in _ORDER if code in meanings] + [code for code in meanings if code not in _ORDER]
    with st.container(gap="xsmall"):
        for number, code in enumerate(codes[:9], start=1):
            key = f"label-{one.prediction_id}-{code}"
            if st.button(meanings[code].name, key=key, shortcut=str(number), width="stretch"):
                _label(one.prediction_id, code)
    if st.button("Put off", key=f"skip-{one.prediction_id}", shortcut="0", type="tertiary"):
        st.session_state[_SKIPPED].add(one.prediction_id)
        st.rerun()
    with st.expander("How it was confirmed"):
        st.selectbox(
            "Confirmed by",
            list(words.CONFIRMED),
            format_func=lambda code: words.CONFIRMED[code],
            key="nevus.review.confirmed_by",
            help="Holds for the next labels too, until you change it.",
        )
        st.date_input("On", value=None, max_value=date.today(), key="nevus.review.confirmed_on")
    _conflict(meanings)


def _label(prediction_id: str, code: str, replaces: str | None = None) -> None:
    try:
        client().label(
            code,
            prediction_id=prediction_id,
            confirmed_by=st.session_state.get("nevus.review.confirmed_by"),
            confirmed_on=st.session_state.get("nevus.review.confirmed_on"),
            replaces=replaces,
        )
    except ClientError as error:
        if error.status == 409:
            st.session_state[_CONFLICT] = (prediction_id, code)
            st.rerun()
        say(error)
        return
    st.session_state.pop(_CONFLICT, None)
    st.session_state[_DONE] = st.session_state.get(_DONE, 0) + 1
    st.toast(f"Labelled {code}.")
    st.rerun()


def _conflict(meanings: shown.Meanings) -> None:
    conflict = st.session_state.get(_CONFLICT)
    if conflict is None:
        return
    prediction_id, code = conflict
    there = [one for one in client().labels(prediction_id=prediction_id).labels if one.superseded_by is None]
    if not there:
        return
    existing = there[0]
    st.warning(
        f"{existing.labelled_by} has already labelled this picture {words.diagnosis(existing.diagnosis, meanings)}."
    )
    if st.button(f"Replace it by {words.diagnosis(code, meanings)}", key="nevus.review.replace"):
        _label(prediction_id, code, existing.label_id)


def _history() -> None:
    meanings = shown.diagnosis_names(client())
    labelled = []
    for one in client().predictions(labelled=True, page=30):
        labelled.append(one)
        if len(labelled) == 30:
            break
    if not labelled:
        st.markdown("No prediction has a label yet.")
        return
    agreed = [one for one in labelled if one.label and one.diagnosis == one.label.diagnosis]
    reading(f"The model's leading diagnosis was the label in {len(agreed)} of the latest {len(labelled)}.")
    for one in labelled[:30]:
        if one.label is None:
            continue
        title = f"{one.created_at:%d %B, %H:%M}: {words.diagnosis(one.label.diagnosis, meanings)}"
        with st.expander(title):
            left, right = st.columns([1, 2], gap="medium")
            with left:
                if st.toggle("Show the picture", key=f"picture-{one.prediction_id}"):
                    picture = stored_picture(client(), one.prediction_id, 480)
                    if picture is None:
                        st.caption("The picture isn't kept (any more).")
                    else:
                        st.image(picture, width="stretch", alt="A labelled picture")
            with right:
                said = words.diagnosis(one.diagnosis, meanings)
                st.markdown(f"The model said {said}: {words.verdict(one.verdict).lower()}.")
                for label in _labels(one.prediction_id, one.label):
                    st.markdown(_line(label, meanings))


def _labels(prediction_id: str, current: LabelAnswer) -> list[LabelAnswer]:
    if not st.toggle("Show all that was ever said of it", key=f"all-{prediction_id}"):
        return [current]
    return client().labels(prediction_id=prediction_id).labels


def _line(label: LabelAnswer, meanings: shown.Meanings) -> str:
    how = words.CONFIRMED.get(label.confirmed_by, label.confirmed_by or "")
    on = f" of {label.confirmed_on:%d %B %Y}" if label.confirmed_on else ""
    gone = " (superseded)" if label.superseded_by else ""
    return (
        f"**{words.diagnosis(label.diagnosis, meanings)}**{gone}, {how.lower()}{on}, says {label.labelled_by}, "
        f"{label.created_at:%d %B %Y, %H:%M} UTC"
    )


main()
