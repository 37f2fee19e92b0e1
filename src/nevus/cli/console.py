"""`nevus console`: the web console of a service that runs somewhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def console(
    *,
    api: Annotated[str, typer.Option(help="Address of the service.", metavar="URL")] = "http://127.0.0.1:8000",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the console.", min=1, max=65535)] = 8501,
) -> None:
    """Open the service to a browser; it asks for a key wherever the service does.

    Example: `nevus console --api http://127.0.0.1:8000 --port 8501`
    """
    from urllib.parse import urlsplit

    from nevus.errors import InputError

    address = urlsplit(api)
    if address.scheme not in ("http", "https") or not address.netloc:
        raise InputError(f"--api {api}: write the service's whole address, such as http://127.0.0.1:8000.")
    import streamlit  # noqa: F401 - absent, the command says which extra brings it

    from nevus.console.session import API_VARIABLE, HOST_VARIABLE

    script = Path(__file__).parents[1] / "console" / "app.py"
    environment = os.environ | {
        API_VARIABLE: api,
        HOST_VARIABLE: host,
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += ["--server.address", host, "--server.port", str(port), "--server.headless", "true"]
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own interpreter; signals reach it directly
