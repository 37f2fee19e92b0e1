"""What was said of labelled pictures, and what the model had said."""

from __future__ import annotations

import streamlit as st

from nevus.api import LabelAnswer, PredictionAnswer
from nevus.console import answer as shown
from nevus.console import words
from nevus.console.frame import reading
from nevus.console.pictures import stored_picture
from nevus.console.session import client

_LATEST = 30


def history() -> None:
    """The latest labelled predictions, each with all that was said of it."""
    meanings = shown.diagnosis_names(client())
    labelled = []
    for one in client().predictions(labelled=True, page=_LATEST):
        labelled.append(one)
        if len(labelled) == _LATEST:
            break
    if not labelled:
        st.markdown("No prediction has a label yet.")
        return
    agreed = [one for one in labelled if one.label and one.diagnosis == one.label.diagnosis]
    reading(f"The model's leading diagnosis was the label in {len(agreed)} of the latest {len(labelled)}.")
    with st.container(gap="xsmall"):
        for one in labelled:
            if one.label is not None:
                _entry(one, one.label, meanings)


def _entry(one: PredictionAnswer, label: LabelAnswer, meanings: shown.Meanings) -> None:
    said, answered = words.diagnosis(label.diagnosis, meanings), words.diagnosis(one.diagnosis, meanings)
    model = "the model too" if one.diagnosis == label.diagnosis else f"the model said {answered}"
    with st.expander(f"{one.created_at:%d %B, %H:%M} UTC: {said}; {model}"):
        left, right = st.columns([1, 2], gap="medium")
        with left:
            if st.toggle("Show the picture", key=f"picture-{one.prediction_id}"):
                picture = stored_picture(client(), one.prediction_id, 480)
                if picture is None:
                    st.caption("The picture isn't kept (any more).")
                else:
                    st.image(picture, width="stretch", alt="A labelled picture")
        with right:
            st.markdown(f"The model said {answered}: {words.verdict(one.verdict).lower()}.")
            for found in _labels(one.prediction_id, label):
                st.markdown(_line(found, meanings))


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
