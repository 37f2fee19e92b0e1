"""A connection is closed whose request's head doesn't come or doesn't end, or whose body goes on after its refusal.

There are many slow clients, and few sockets.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST_HEAD = 256_000
"""Bytes of a head that still isn't whole."""


def patient_protocol(seconds: float, most_bytes: int) -> type[HttpToolsProtocol]:
    """uvicorn's protocol, closing connections on which no whole head comes within so many seconds.

    Between requests uvicorn's own keep-alive counts; bodies that somebody waits for have the service's limits. The rest
    of a body whose request was answered already, such as by 401, may come for so many seconds and bytes too: to close
    at once would take the answer from a client that is still sending.
    """

    class PatientProtocol(HttpToolsProtocol):
        _heading = True
        _unwanted = 0
        """Bytes of a head that isn't whole, or of a body that was refused."""
        _late: asyncio.TimerHandle | None = None
        _rest: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._late = self.loop.call_later(seconds, self._give_up)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._heading or self._rest is not None:
                self._unwanted += len(data)
                if self._unwanted > (_MOST_HEAD if self._heading else most_bytes):
                    self._give_up()
            if not self._heading:
                self._cancel()
            elif self._late is None:
                self._late = self.loop.call_later(seconds, self._give_up)

        def on_message_begin(self) -> None:
            self._heading, self._unwanted = True, 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._heading = False
            super().on_headers_complete()

        def on_response_complete(self) -> None:
            unread = self.cycle.more_body and not self.pipeline
            super().on_response_complete()
            self._unwanted = 0
            if unread and not self.transport.is_closing():
                self._rest = self.loop.call_later(seconds, self._give_up)

        def on_message_complete(self) -> None:
            super().on_message_complete()
            self._cancel_rest()

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel()
            self._cancel_rest()
            super().connection_lost(exc)

        def _cancel(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _cancel_rest(self) -> None:
            if self._rest is not None:
                self._rest.cancel()
                self._rest = None

        def _give_up(self) -> None:
            self._late = None
            if not self.transport.is_closing():
                self.transport.close()

    return PatientProtocol
