"""Who is signed in. The key lives in the session's memory only: in no address, no file, no log."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass

import streamlit as st

from nevus.api import Me
from nevus.client import Client, ClientError, UnreachableError

API_VARIABLE = "NEVUS_CONSOLE_API"
HOST_VARIABLE = "NEVUS_CONSOLE_HOST"
ROLES = ("reader", "clinician", "operator", "admin")

_SESSION, _WORD, _ASKS = "nevus.session", "nevus.word", "nevus.asks_for_a_key"


@dataclass(frozen=True)
class Session:
    """A person, and the client that acts with that person's key."""

    client: Client
    me: Me

    @property
    def alone(self) -> bool:
        """Whether the service asks nobody for a key."""
        return self.me.key_id is None


def current() -> Session | None:
    """Who is signed in."""
    found: Session | None = st.session_state.get(_SESSION)
    return found


def client() -> Client:
    """The signed-in person's client; a page runs only with one."""
    session = current()
    if session is None:
        st.stop()
    return session.client


def may(role: str) -> bool:
    """Whether the person's role allows what this role allows."""
    session = current()
    return session is not None and ROLES.index(session.me.role) >= ROLES.index(role)


def sign_in(key: str | None) -> Session:
    """Sign in with a key.

    Raises:
        ClientError: the service doesn't take it, or can't be reached.
    """
    asking = Client(os.environ.get(API_VARIABLE, "http://127.0.0.1:8000"), key=key, timeout=60)
    try:
        session = Session(asking, asking.me())
    except ClientError:
        asking.close()
        raise
    st.session_state[_SESSION] = session
    return session


def sign_in_alone() -> Session | None:
    """Go on without a key, where the service asks for none and only this machine can reach the console."""
    if st.session_state.get(_WORD) or st.session_state.get(_ASKS):
        return None
    try:
        if not _loopback(os.environ.get(HOST_VARIABLE, "127.0.0.1")):
            return None
        return sign_in(None)
    except UnreachableError as error:
        st.session_state[_WORD] = str(error)
        return None
    except ClientError:
        st.session_state[_ASKS] = True
        return None


def sign_out(word: str = "") -> None:
    """Forget the key and everything that was looked at, and begin anew."""
    session = current()
    if session is not None:
        session.client.close()
    st.session_state.clear()
    if word:
        st.session_state[_WORD] = word
    st.rerun()


def last_word() -> str:
    """What the sign-in page should say; said once."""
    word: str = st.session_state.pop(_WORD, "")
    return word


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
