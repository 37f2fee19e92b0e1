"""`nevus up`: the service and the console, on one machine, by one command."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from nevus.cli.store_context import Home, StoreUrl, store_settings
from nevus.errors import InputError, NevusError

_HOST = "127.0.0.1"
_START_SECONDS = 120
_STOP_SECONDS = 30


def up(
    *,
    home: Home = None,
    store: StoreUrl = None,
    bundle: Annotated[
        str | None, typer.Option(help="The bundle's directory [default: the store's champion].", metavar="DIR")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the service.", min=1, max=65535)] = 8000,
    console_port: Annotated[int, typer.Option(help="Port of the console.", min=1, max=65535)] = 8501,
) -> None:
    """Start the service and the web console on this machine; Ctrl-C ends both.

    The store is SQLite and a folder of pictures in the home folder. Without API keys whoever uses this machine may do
    everything; `nevus keys create` makes keys, and from then on they are needed.

    Example: `nevus up --bundle runs/demo/bundle`
    """
    from nevus.serving.address import require_free
    from nevus.store import make_home

    settings = store_settings(home, store)
    folder = make_home(settings.home)
    if bundle is None:
        _require_champion(home, store)
    elif not Path(bundle).is_dir():
        raise InputError(f"{bundle} is no folder; --bundle names a bundle's directory, such as runs/demo/bundle.")
    for number, option in ((port, "--port"), (console_port, "--console-port")):
        require_free(_HOST, number, option)
    shared = ["--home", str(folder), *(["--store", store] if store else [])]
    api = f"http://{_HOST}:{port}"
    service = [*_nevus("serve"), *shared, "--host", _HOST, "--port", str(port)]
    service += ["--bundle", bundle] if bundle else []
    console = [*_nevus("console"), "--api", api, "--port", str(console_port)]
    _run(service, console, api, f"http://{_HOST}:{console_port}", folder / "logs")


def _run(service: list[str], console: list[str], api: str, page: str, logs: Path) -> None:
    """Keep both going until one ends or somebody stops them."""
    logs.mkdir(mode=0o700, exist_ok=True)
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        nonlocal stopping
        stopping = True

    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, stop)
    processes: dict[str, subprocess.Popen[bytes]] = {}
    files = {name: logs / f"{name}.log" for name in ("service", "console")}
    try:
        for name, command in (("service", service), ("console", console)):
            with files[name].open("ab") as log:
                processes[name] = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    command, stdout=log, stderr=log, start_new_session=True
                )
        if _ready(f"{api}/ready", processes, files, lambda: stopping):
            typer.echo(f"nevus is up: {page}")
            typer.echo(f"  service {api}   documentation {api}/docs   logs {logs}   Ctrl-C ends both")
        while not stopping:
            _check(processes, files)
            time.sleep(0.3)
        typer.echo("stopping; running requests are answered first.")
    finally:
        for process in reversed(processes.values()):
            process.terminate()
        for process in processes.values():
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _ready(
    url: str, processes: dict[str, subprocess.Popen[bytes]], files: dict[str, Path], stopped: Callable[[], bool]
) -> bool:
    from rich.console import Console

    until = time.monotonic() + _START_SECONDS
    with Console(stderr=True).status("loading the model and its self-test"):
        while time.monotonic() < until:
            if stopped():
                return False
            _check(processes, files)
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
                    if answer.status == 200:
                        return True
            except urllib.error.HTTPError:
                pass  # 503: not yet
            except OSError:
                pass
            time.sleep(0.1)
    raise NevusError(f"the service was not ready within {_START_SECONDS} seconds:\n{_tail(files['service'])}")


def _check(processes: dict[str, subprocess.Popen[bytes]], files: dict[str, Path]) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            raise NevusError(f"the {name} ended by itself (exit {process.returncode}):\n{_tail(files[name])}")


def _tail(file: Path, lines: int = 8) -> str:
    return "\n".join(f"  {line}" for line in file.read_text("utf-8", "replace").splitlines()[-lines:])


def _require_champion(home: Path | None, url: str | None) -> None:
    from nevus.cli.store_context import open_context
    from nevus.store import Registry, State

    with open_context(home, url) as context:
        if Registry(context.store).versions(state=State.CHAMPION):
            return
        there = Registry(context.store).versions()
    if not there:
        raise InputError(
            "there is no model yet. Run one (`make demo` or `nevus run CONFIG`), or name a bundle by --bundle DIR."
        )
    best = there[0]
    ref = f"{best.model}/{best.number}"
    raise InputError(
        f"no version is in production yet. Approve and promote one, such as `nevus models approve {ref} --by NAME "
        f"--note TEXT` and `nevus models promote {ref}`, or name a bundle by --bundle DIR."
    )


def _nevus(command: str) -> list[str]:
    return [sys.executable, "-m", "nevus", command]
