"""Upload: labelled pictures for the next training, and what the checks found."""

from __future__ import annotations

import streamlit as st

from nevus.api import SamplesAnswer
from nevus.client import BatchImage, ClientError
from nevus.console.answer import diagnosis_names
from nevus.console.frame import figures, heading, say
from nevus.console.session import client
from nevus.console.words import sentence

_RESULT = "nevus.upload.result"
_KINDS = ["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp"]
_EXAMPLE = "file,diagnosis,confirmed_by,age,sex,site,patient,lesion\nlesion-1.jpg,mel,histology,61,female,,P-17,L-1\n"


def main() -> None:
    """Draw the page."""
    heading(
        "Upload", "Labelled pictures for the next training. A label comes from the table, never from a file's name."
    )
    single, archive = st.tabs(["Pictures and a table", "One zip"])
    with single:
        _pictures_and_table()
    with archive:
        _archive()
    found: SamplesAnswer | None = st.session_state.get(_RESULT)
    if found is not None:
        _findings(found)
    _earlier()


def _pictures_and_table() -> None:
    left, right = st.columns(2, gap="large")
    images = left.file_uploader("Pictures", type=_KINDS, accept_multiple_files=True)
    table = right.file_uploader("Table (CSV)", type=["csv"])
    with right:
        _described()
    ready = bool(images) and table is not None
    if st.button("Check and upload", type="primary", disabled=not ready, key="upload-files") and table is not None:
        _send([BatchImage(file.name, file.getvalue()) for file in images], table.getvalue())


def _described() -> None:
    with st.expander("What the table holds"):
        st.markdown(
            "One line a picture: `file` and `diagnosis` are needed; `confirmed_by`, `age`, `sex`, `site`, `patient`, "
            "`lesion`, `licence`, `attribution` and `source` may be there. The diagnoses are: "
            + ", ".join(f"`{code}` ({one.name})" for code, one in diagnosis_names(client()).items())
            + "."
        )
        st.code(_EXAMPLE, language=None)
        st.download_button("Download this example", _EXAMPLE, "samples.csv", "text/csv")


def _archive() -> None:
    archive = st.file_uploader("Zip of pictures with one CSV table in it", type=["zip"])
    if st.button("Check and upload", type="primary", disabled=archive is None, key="upload-zip") and archive:
        _send(None, archive.getvalue())


def _send(images: list[BatchImage] | None, data: bytes) -> None:
    st.session_state.pop(_RESULT, None)
    try:
        with st.spinner("The pictures are being checked"):
            found = client().samples(images, data) if images is not None else client().samples_archive(data)
    except ClientError as error:
        say(error)
        return
    st.session_state[_RESULT] = found


def _findings(found: SamplesAnswer) -> None:
    st.subheader("What the checks found", anchor=False)
    noticed = [one for one in found.accepted if one.warnings]
    figures(
        ("Taken", f"{len(found.accepted):,}"),
        ("Taken, with a remark", f"{len(noticed):,}"),
        ("Not taken", f"{len(found.rejected):,}"),
    )
    if found.rejected:
        st.markdown("**Not taken**")
        st.table(
            [
                {
                    "Name": one.name,
                    "Reason": sentence(one.reason.replace("_", " ")),
                    "What was found": sentence(one.message),
                }
                for one in found.rejected
            ],
            hide_index=True,
            border="horizontal",
            alt="Pictures that were not taken, and why",
        )
    if noticed:
        st.markdown("**Taken, with a remark**")
        st.table(
            [{"Name": one.name, "Remark": " ".join(one.warnings)} for one in noticed],
            hide_index=True,
            border="horizontal",
            alt="Pictures that were taken, and what was noticed about them",
        )
    if not found.rejected and not noticed:
        st.success("Every picture was taken; the checks found nothing to remark.")


def _earlier() -> None:
    batches = client().sample_batches().batches
    st.subheader("Earlier uploads", anchor=False)
    if not batches:
        st.caption("There is none yet.")
        return
    st.dataframe(
        [
            {"When (UTC)": one.created_at, "By": one.uploaded_by, "Taken": one.accepted, "Not taken": one.rejected}
            for one in batches
        ],
        hide_index=True,
        column_config={"When (UTC)": st.column_config.DatetimeColumn(format="DD MMM YYYY, HH:mm", timezone="UTC")},
        alt="Earlier uploads",
    )


main()
