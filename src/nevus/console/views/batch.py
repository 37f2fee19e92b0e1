"""Batch: many pictures of different lesions, each with its answer or its own error."""

from __future__ import annotations

from typing import Any

import streamlit as st

from nevus.api import BatchItem
from nevus.client import BatchImage, ClientError
from nevus.console import charts, words
from nevus.console.answer import Meanings, diagnosis_names
from nevus.console.frame import figures, heading, notice, reading, say
from nevus.console.session import client
from nevus.console.tables import batch_csv, batch_rows

_RESULT = "nevus.batch.result"
_KINDS = ["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp"]
_AT_ONCE = 8
"""Pictures a request, so that the progress moves and no request is long."""


def main() -> None:
    """Draw the page."""
    heading("Batch", "Many pictures of different lesions. Each gets its answer or its own error; all are stored.")
    files = st.file_uploader("Pictures", type=_KINDS, accept_multiple_files=True)
    if st.button(f"Judge {len(files)} pictures" if files else "Judge", type="primary", disabled=not files):
        _judge([BatchImage(file.name, file.getvalue()) for file in files])
    results: list[BatchItem] | None = st.session_state.get(_RESULT)
    if results:
        _show(results, diagnosis_names(client()))
    notice()


def _judge(images: list[BatchImage]) -> None:
    results: list[BatchItem] = []
    bar = st.progress(0.0, "Judging")
    for begin in range(0, len(images), _AT_ONCE):
        part = images[begin : begin + _AT_ONCE]
        try:
            results += client().predict_batch(part).results
        except ClientError as error:
            say(error)
            st.warning(f"{len(results)} of {len(images)} pictures were judged before that; they are listed below.")
            break
        bar.progress(len(results) / len(images), f"{len(results)} of {len(images)} judged")
    bar.empty()
    st.session_state[_RESULT] = results


def _show(results: list[BatchItem], meanings: Meanings) -> None:
    answers = [item.prediction for item in results if item.prediction is not None]
    errors = len(results) - len(answers)
    by_verdict = {code: sum(one.verdict == code for one in answers) for code in words.VERDICTS}
    figures(
        ("Pictures", f"{len(results):,}"),
        ("Suspicious", f"{by_verdict['suspicious']:,}"),
        ("No reliable answer", f"{by_verdict['refer'] + by_verdict['unusable']:,}"),
        ("Errors", f"{errors:,}"),
    )
    rows = batch_rows(results, meanings)
    st.dataframe(rows, hide_index=True, column_config=_columns(), alt="The answers, a line for each picture")
    st.download_button("Download all as CSV", batch_csv(results), "nevus-batch.csv", "text/csv")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Verdicts", anchor=False)
        charts.show(charts.verdict_counts(by_verdict), "Pictures by verdict")
        reading(f"{by_verdict['suspicious']:,} of {len(answers):,} judged pictures were called suspicious.")
    with right:
        st.subheader("Leading diagnoses", anchor=False)
        codes = [one.diagnosis for one in answers if one.diagnosis is not None]
        if not codes:
            reading("No picture got a diagnosis.")
            return
        counted = sorted(((codes.count(code), code) for code in set(codes)), reverse=True)
        found = [{"name": words.diagnosis(code, meanings), "count": count} for count, code in counted]
        charts.show(charts.counts(found, "Pictures"), "Pictures by leading diagnosis")
        reading(f"The most frequent answer was {found[0]['name']} ({found[0]['count']:,}).")


def _columns() -> dict[str, Any]:
    text, share = st.column_config.TextColumn, st.column_config.ProgressColumn
    return {
        "Name": text(pinned=True),
        "Verdict": text(width=165),
        "Diagnosis": text(width=225),
        "Malignant (%)": share(format="%.1f", min_value=0.0, max_value=100.0, width=150),
        "Why": text(width=200),
    }


main()
