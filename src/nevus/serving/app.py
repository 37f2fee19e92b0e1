"""The application: routes, errors and the edge, over one service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from nevus import __version__
from nevus.bundle.verdict import NOTICE
from nevus.notices import NoticeSettings
from nevus.serving import documentation, problems
from nevus.serving.edge import Edge
from nevus.serving.fast_routes import FastRoutes
from nevus.serving.query_text import QueryText
from nevus.serving.routes import FAST_ROUTES, ROUTERS
from nevus.serving.service import Service
from nevus.serving.settings import ServingSettings
from nevus.store import Store
from nevus.tracking import TrackingSettings

_DESCRIPTION = f"""Judges pictures of skin lesions with a proven model, remembers every answer and joins it to its
label.

**{NOTICE}**

Errors are problem documents (RFC 9457). Send a key as `Authorization: Bearer KEY`.
"""


def create_app(
    store: Store,
    home: Path,
    settings: ServingSettings,
    *,
    tracking: TrackingSettings | None = None,
    notices: NoticeSettings | None = None,
) -> FastAPI:
    """The service as an ASGI application. Its models load when it starts; until then /ready says 503.

    Args:
        store: open, and the caller's to close.
        home: the home folder.
        settings: the service's own.
        tracking: where decisions about models are mirrored; default: to the MLflow database of the home, if it has one.
        notices: who is told of them; default: the log.
    """
    service = Service(store, home, settings, tracking=tracking, notices=notices)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await asyncio.to_thread(service.close)

    app = FastAPI(
        title="nevus",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.service = service
    problems.install(app)
    documentation.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(FastRoutes, routes=FAST_ROUTES)
    app.add_middleware(QueryText)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"],
            expose_headers=["Link", "Retry-After", "X-Orientation", "X-Request-Id"],
        )
    app.add_middleware(Edge, service=service)
    return app
