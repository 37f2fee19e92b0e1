"""Sign in: with one's own key."""

from __future__ import annotations

import streamlit as st

from nevus.client import ClientError, UnreachableError
from nevus.console.frame import heading
from nevus.console.session import last_word, sign_in

middle = st.columns([1, 2, 1])[1]
with middle:
    heading("nevus", "Sign in with your own key. What you do is recorded under its name.")
    word = last_word()
    if word:
        st.info(word)
    with st.form("sign_in", border=False):
        key = st.text_input("Your key", type="password", autocomplete="off", placeholder="nevus_…")
        sent = st.form_submit_button("Sign in", type="primary", width="stretch")
    if sent and not key.strip():
        st.warning("Paste your key into the field. An administrator makes one by `nevus keys create`.")
    elif sent:
        try:
            sign_in(key.strip())
        except UnreachableError as error:
            st.error(str(error))
        except ClientError as error:
            st.error("The service doesn't take this key." if error.status == 401 else str(error))
        else:
            st.rerun()
    st.caption("The key stays in this browser session only; closing the page forgets it.")
