"""A prediction, as people read it: verdict, reasons, probabilities, evidence, and what the diagnosis means."""

from __future__ import annotations

import html
from collections.abc import Mapping

import streamlit as st

from nevus.api import DiagnosisMeaning, LesionAnswer, PredictionAnswer
from nevus.client import Client, ClientError
from nevus.console import charts, words
from nevus.console.pictures import square, stored_picture

Meanings = Mapping[str, DiagnosisMeaning]
_KEPT = "nevus.diagnoses"
_OPACITY = 45


def diagnosis_names(client: Client) -> Meanings:
    """What each diagnosis is; asked for once a session."""
    if _KEPT not in st.session_state:
        st.session_state[_KEPT] = {one.code: one for one in client.diagnoses().diagnoses}
    found: Meanings = st.session_state[_KEPT]
    return found


def verdict_card(answer: PredictionAnswer | LesionAnswer) -> None:
    """The verdict, what it means and why."""
    why = [words.verdict_means(answer.verdict), *(words.reason(code) for code in answer.reasons)]
    if answer.verdict == "suspicious":
        why = why[:1] + [text for text in why[1:] if text != words.reason("above_operating_point")]
    body = "".join(f'<div class="why">{html.escape(line)}</div>' for line in why if line)
    st.html(
        f'<div class="verdict" style="--tone:{words.TONES.get(answer.verdict, "#8A8A8A")}">'
        f'<div class="word">{html.escape(words.verdict(answer.verdict))}</div>{body}</div>'
    )


def malignant_scale(answer: PredictionAnswer | LesionAnswer) -> None:
    """The malignant probability beside the operating point."""
    if answer.p_malignant is None:
        return
    if answer.threshold is None:
        st.markdown(f"**Malignant probability {words.percent(answer.p_malignant)}.** The model has no operating point.")
        return
    st.markdown(
        f"**Malignant probability {words.percent(answer.p_malignant)}**; operating point "
        f"{words.percent(answer.threshold)} (set for {words.operating_point(answer.operating_point)})",
        help="The malignant diagnoses' probabilities together. From the operating point on, a lesion is called "
        "suspicious; it was chosen so that, of the malignant lesions put aside for it, the named share is found.",
    )
    tone = words.TONES.get(answer.verdict, "#8A8A8A")
    charts.show(
        charts.threshold(answer.p_malignant, answer.threshold, tone),
        f"Malignant probability {words.percent(answer.p_malignant)}, operating point {words.percent(answer.threshold)}",
    )


def probability_bars(answer: PredictionAnswer | LesionAnswer, meanings: Meanings) -> None:
    """The probabilities of all classes, the likeliest first."""
    if not answer.probabilities:
        return
    title = "Probabilities" if answer.reliable else "Probabilities (not reliable)"
    st.markdown(f"**{title}**")
    ranked = sorted(answer.probabilities.items(), key=lambda item: -item[1])
    rows = [
        {
            "name": words.diagnosis(code, meanings),
            "probability": p,
            "text": words.percent(p),
            "group": "malignant" if _malignant(code, meanings) else "benign",
        }
        for code, p in ranked
    ]
    charts.show(charts.probabilities(rows), "; ".join(f"{row['name']} {row['text']}" for row in rows))


def prediction_set(answer: PredictionAnswer, meanings: Meanings) -> None:
    """The diagnoses that can't be told apart."""
    names = [words.diagnosis(code, meanings) for code in answer.prediction_set]
    if not names:
        return
    text = (
        f"**Prediction set:** {names[0]} alone."
        if len(names) == 1
        else f"**Prediction set:** {words.listed(names)}. The model can't tell these {len(names)} apart here."
    )
    st.markdown(text, help="Built to hold the true diagnosis as often as the model's card says, on images like its own")


@st.fragment
def evidence(client: Client, answer: PredictionAnswer) -> None:
    """The picture with the evidence for malignancy laid over it."""
    if not answer.has_image:
        st.caption("The picture of this prediction isn't kept.")
        return
    key = f"opacity-{answer.prediction_id}"
    opacity = st.session_state.get(key, _OPACITY)
    try:
        overlay = client.evidence(answer.prediction_id, opacity=opacity / 100)
    except ClientError as error:
        if error.status != 404:
            raise
        picture = stored_picture(client, answer.prediction_id)
        if picture is not None:
            st.image(picture, width="stretch", alt="The picture that was judged")
        st.caption("There is no evidence map for this picture.")
        return
    st.image(overlay, width="stretch", alt="The picture that was judged, with the evidence for malignancy laid over it")
    st.slider("Opacity of the evidence (%)", 0, 100, _OPACITY, step=5, key=key)
    st.caption("Yellow spoke most for malignancy. It shows where the model looked, not where a lesion ends.")


def similar_cases(client: Client, answer: PredictionAnswer, meanings: Meanings) -> None:
    """Earlier pictures that look alike to the model."""
    if answer.verdict == "unusable":
        return
    found = client.similar(answer.prediction_id, limit=4).similar
    st.subheader(
        "Similar-looking cases",
        anchor=False,
        help="Earlier pictures that the model finds most alike. Similarity is the cosine between its descriptions of "
        "the two pictures: 1 for the same, near 0 for unrelated ones.",
    )
    if not found:
        st.caption("The store has no other picture that this model has judged.")
        return
    row = st.container(key="similar").columns(4)
    for cell, case in zip(row, found, strict=False):
        with cell:
            picture = stored_picture(client, case.prediction.prediction_id, 320)
            if picture is not None:
                st.image(square(picture), width="stretch", alt="An earlier picture that looks alike to the model")
            label = case.prediction.label
            said = (
                f"**{words.diagnosis(label.diagnosis, meanings)}**, says {label.labelled_by}"
                if label
                else f"No label; the model said {words.diagnosis(case.prediction.diagnosis, meanings)}"
            )
            st.caption(f"{said}. Similarity {case.similarity:.2f}")


def meaning(answer: PredictionAnswer, meanings: Meanings) -> None:
    """What the leading diagnosis is, and in a fold the others'."""
    st.subheader("What the diagnoses mean", anchor=False)
    leading = meanings.get(answer.diagnosis or "")
    if leading is not None:
        _described(leading)
    with st.expander("All diagnoses"):
        for one in meanings.values():
            if leading is None or one.code != leading.code:
                _described(one)


def provenance(answer: PredictionAnswer) -> None:
    """Which model said it, when, and under which number."""
    for note in answer.notes:
        st.caption(note)
    st.caption(
        f"Answered by {words.model_of(answer)} on {answer.created_at:%d %B %Y at %H:%M:%S} UTC. "
        f"Prediction {answer.prediction_id}."
    )


def _described(one: DiagnosisMeaning) -> None:
    kind = "malignant" if one.malignant else "benign"
    risk = "" if one.risk.lower() in (kind, "") else f" Risk: {one.risk}"
    st.markdown(f"**{one.name}** ({one.code}, counts as {kind}).{risk}  \n{one.meaning}  \n*{one.recommendation}*")


def _malignant(code: str, meanings: Meanings) -> bool:
    found = meanings.get(code)
    return found.malignant if found else code == "malignant"
