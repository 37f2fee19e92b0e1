"""The one place where errors become a message and an exit code: no traceback for the user's own mistake."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from nevus.errors import EXIT_BAD_INPUT, EXIT_FAILED, NevusError, means_full

INTERRUPTED = 130

_UNUSABLE_PATH = frozenset(
    (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)
)
"""What the system says of a path that the user named, where no room has looked before."""

_EXTRAS = {
    "data": ("polars", "pyarrow", "pandera", "cv2", "h5py", "upath", "scipy", "psutil"),
    "report": ("jinja2", "matplotlib"),
    "store": ("sqlalchemy", "alembic"),
    "serve": ("fastapi", "starlette", "uvicorn", "prometheus_client", "structlog", "python_multipart"),
    "client": ("httpx2",),
    "console": ("streamlit",),
    "tracking": ("mlflow",),
    "training": ("torch", "torchvision", "timm", "lightning", "onnx", "onnxscript", "optuna"),
    "notify": ("apprise",),
    "s3": ("s3fs",),
    "openvino": ("openvino",),
    "postgres": ("psycopg",),
}


@contextmanager
def error_edge() -> Iterator[None]:
    """Print an error that nevus raised on purpose, a full disk, a path that can't be used or an interrupt, and exit.

    0 done; 1 the work failed; 2 usage, settings or input at fault; 130 interrupted. Anything else is a defect of
    nevus and keeps its traceback.
    """
    try:
        yield
    except NevusError as error:
        _say(str(error))
        raise typer.Exit(error.exit_code) from error
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("nevus"):
            raise
        _say(missing_library(error.name))
        raise typer.Exit(EXIT_BAD_INPUT) from error
    except KeyboardInterrupt as error:
        _say("interrupted; what was finished stays usable.")
        raise typer.Exit(INTERRUPTED) from error
    except Exception as error:
        path = error.filename2 or error.filename if isinstance(error, OSError) else None
        if means_full(error):
            where = f" while writing {path}" if path else ""
            _say(f"the disk is full{where}. Free some space and repeat the command; what was finished stays usable.")
            raise typer.Exit(EXIT_FAILED) from error
        if not isinstance(error, OSError) or error.errno not in _UNUSABLE_PATH or path is None:
            raise
        _say(f"{path} can't be used: {error.strerror}. Check the path and its permissions.")
        raise typer.Exit(EXIT_BAD_INPUT) from error


def missing_library(module: str, extra: str | None = None) -> str:
    """What to say where a library isn't installed: the command that brings it."""
    package = module.partition(".")[0]
    extra = extra or next((name for name, modules in _EXTRAS.items() if package in modules), "all")
    return f"{package} is not installed, and this needs it. Install it with: pip install 'nevus[{extra}]'"


def _say(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
