"""Where a result came from: the revision of the code that ran, and the versions of the libraries it ran on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from importlib import metadata
from pathlib import Path

PACKAGE = "nevus"


@lru_cache(maxsize=1)
def code_revision() -> str:
    """The revision of the running code, as a PEP 440 version with the commit as its local part.

    `0.1.0+g1a2b3c4d5e6f` for a checkout or an install from git, with `.dirty` where files of the package differ from
    that commit, and the plain version for an install from a wheel. Read once a process.
    """
    version = _version()
    commit = _checkout_commit(Path(__file__).resolve().parent) or _installed_commit()
    return f"{version}+{commit}" if commit else version


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Installed version by distribution name, sorted; a library that isn't installed is left out. Imports nothing."""
    found = {}
    for name in sorted(set(names)):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _version() -> str:
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return "0+unknown"


def _checkout_commit(package: Path) -> str | None:
    """The commit of the git checkout that tracks this package; None where there is none.

    A package that merely lies inside somebody's repository (a virtual environment in their checkout) isn't tracked
    by it, and that repository's commit says nothing about this code.
    """
    if _git(package, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    head = _git(package, "rev-parse", "--short=12", "HEAD")
    changes = _git(package, "status", "--porcelain", "--", ".")
    if not head:
        return None
    return f"g{head}.dirty" if changes else f"g{head}"


def _installed_commit() -> str | None:
    """The commit that pip recorded (PEP 610) for an install from a git address."""
    try:
        recorded = metadata.distribution(PACKAGE).read_text("direct_url.json")
        commit = json.loads(recorded or "{}").get("vcs_info", {}).get("commit_id")
    except (metadata.PackageNotFoundError, ValueError):
        return None
    return f"g{commit[:12]}" if commit else None


def _git(folder: Path, *arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    # Inside a git hook these variables point at the repository being committed to, which may be another one.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603
            [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
