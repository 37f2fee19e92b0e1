"""Predict: one lesion, one answer, with all that helps to judge it."""

from __future__ import annotations

import uuid
from typing import Any

import streamlit as st

from nevus.api import LesionAnswers, PredictionAnswer
from nevus.client import ClientError
from nevus.console import answer as shown
from nevus.console.frame import heading, notice, say
from nevus.console.session import client
from nevus.console.subject import subject_fields

_ANSWER = "nevus.predict.answer"
_KINDS = ["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp"]


def main() -> None:
    """Draw the page."""
    heading("Predict", "One lesion: a picture, or several of it. The answer and the picture are stored.")
    asking, answering = st.columns([4, 9], gap="large")
    with asking:
        images = _pictures()
        known = subject_fields()
        if st.button("Judge this lesion", type="primary", disabled=not images, width="stretch"):
            _judge(images, known)
        if not images:
            st.caption("Choose a picture, or take one.")
    with answering:
        found = st.session_state.get(_ANSWER)
        if found is None:
            st.markdown("The answer will stand here.")
        elif isinstance(found, LesionAnswers):
            _lesion(found)
        else:
            _single(found)
    notice()


def _pictures() -> list[bytes]:
    files, camera = st.tabs(["Files", "Camera"])
    with files:
        chosen = st.file_uploader("One lesion's picture, or several of it", type=_KINDS, accept_multiple_files=True)
    with camera:
        taken = None
        if st.toggle("Use the camera", help="The picture goes to the service only when you ask for an answer."):
            taken = st.camera_input("Take a picture of the lesion", resolution="1080p")
    chosen_bytes = [file.getvalue() for file in chosen or []]
    # Always there, empty or not: what stands below keeps its place, and so what is being typed into it.
    with st.container(horizontal=True):
        for data in chosen_bytes[:4]:
            st.image(data, width=140, alt="The picture that was chosen")
    return chosen_bytes + ([taken.getvalue()] if taken else [])


def _judge(images: list[bytes], known: dict[str, Any]) -> None:
    try:
        with st.spinner("The model is looking"):
            st.session_state[_ANSWER] = client().predict(images, **known, idempotency_key=uuid.uuid4().hex)
    except ClientError as error:
        st.session_state.pop(_ANSWER, None)
        say(error)


def _single(found: PredictionAnswer, *, cases: bool = True) -> None:
    meanings = shown.diagnosis_names(client())
    shown.verdict_card(found)
    picture, figures = st.columns(2, gap="medium")
    with picture:
        shown.evidence(client(), found)
    with figures:
        shown.malignant_scale(found)
        shown.prediction_set(found, meanings)
    shown.probability_bars(found, meanings)
    shown.meaning(found, meanings)
    if cases:
        shown.similar_cases(client(), found, meanings)
    shown.provenance(found)


def _lesion(found: LesionAnswers) -> None:
    meanings = shown.diagnosis_names(client())
    st.subheader(
        f"The lesion, from {found.lesion.usable_images} usable of {found.lesion.images} pictures", anchor=False
    )
    shown.verdict_card(found.lesion)
    shown.malignant_scale(found.lesion)
    shown.probability_bars(found.lesion, meanings)
    for tab, one in zip(
        st.tabs([f"Picture {n}" for n in range(1, len(found.predictions) + 1)]), found.predictions, strict=True
    ):
        with tab:
            _single(one, cases=False)


main()
