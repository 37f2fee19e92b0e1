"""The page at /docs, whose scripts this service sends itself: no browser has to ask another host."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

PAGE = "/docs"
SCRIPTS = "/docs/static"
CONTENT_POLICY = (
    b"default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    b"script-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
)
"""Swagger's page starts itself by a script of its own."""


def install(app: FastAPI) -> None:
    """Give the application its documentation page; fastapi-offline brings Swagger's files."""
    found = find_spec("fastapi_offline")
    if found is None or found.origin is None:
        return
    app.mount(SCRIPTS, StaticFiles(directory=Path(found.origin).parent / "static"))

    @app.get(PAGE, include_in_schema=False)
    async def page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=app.openapi_url or "/openapi.json",
            title=f"{app.title}: the API",
            swagger_js_url=f"{SCRIPTS}/swagger-ui-bundle.js",
            swagger_css_url=f"{SCRIPTS}/swagger-ui.css",
            swagger_favicon_url=f"{SCRIPTS}/favicon.png",
        )
