from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import nevus.provenance
from nevus.provenance import code_revision, library_versions


def git(folder, *arguments):
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def revision_of(source: Path, **environment) -> str:
    """`code_revision()` of a copy of the module, in a process of its own."""
    code = "from nevus.provenance import code_revision; print(code_revision())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(source), **environment},
        cwd=source,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """A repository whose `src/nevus` holds the ground floor."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    package = tmp_path / "repo" / "src" / "nevus"
    package.mkdir(parents=True)
    shutil.copy(nevus.provenance.__file__, package)
    (package / "__init__.py").write_text("")
    (tmp_path / "repo" / ".gitignore").write_text("__pycache__/\n")
    git(tmp_path / "repo", "init", "-q")
    git(tmp_path / "repo", "add", ".")
    git(tmp_path / "repo", "commit", "-q", "-m", "one")
    return tmp_path / "repo"


VERSION = metadata.version("nevus")


def test_a_checkout_tells_its_commit_and_whether_it_was_changed(checkout):
    head = git(checkout, "rev-parse", "--short=12", "HEAD")
    assert revision_of(checkout / "src") == f"{VERSION}+g{head}"
    (checkout / "README.md").write_text("a page is not code")
    assert revision_of(checkout / "src") == f"{VERSION}+g{head}"
    (checkout / "src" / "nevus" / "new.py").write_text("x = 1\n")
    assert revision_of(checkout / "src") == f"{VERSION}+g{head}.dirty"


def test_a_git_hook_of_another_repository_does_not_mislead(checkout, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    head = git(checkout, "rev-parse", "--short=12", "HEAD")
    assert revision_of(checkout / "src", GIT_DIR=str(other / ".git")).startswith(f"{VERSION}+g{head}")


def test_an_installation_inside_somebody_elses_repository_is_not_theirs(checkout):
    site = checkout / ".venv" / "site"
    site.mkdir(parents=True)
    shutil.copytree(checkout / "src" / "nevus", site / "nevus")
    found = revision_of(site)
    assert git(checkout, "rev-parse", "--short=12", "HEAD") not in found
    assert found.startswith(VERSION)


def test_the_revision_is_a_version_that_packaging_accepts():
    from packaging.version import Version

    Version(code_revision())


def test_libraries_are_told_by_their_installed_version_and_absent_ones_left_out():
    found = library_versions(["pydantic", "numpy", "no-such-library", "numpy"])
    assert found == {"numpy": metadata.version("numpy"), "pydantic": metadata.version("pydantic")}
    assert list(found) == ["numpy", "pydantic"]
