"""A bundle's directory: its files, its checksums, and the digest that is its identity."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from nevus import __version__
from nevus.bundle.errors import BundleError
from nevus.bundle.schema import FORMAT, FORMAT_VERSION, BundleManifest

GRAPH = "model.onnx"
MANIFEST = "bundle.json"
CHECKSUMS = "SHA256SUMS"
SELFTEST = "selftest"
METRICS = "metrics.json"
PROFILE = "profile.parquet"
CARD = "card.md"

_REQUIRED = (GRAPH, MANIFEST)
_DIGEST_LENGTH = 64


def bundle_digest(directory: Path) -> str:
    """The bundle's identity: SHA-256 (hex) of its `SHA256SUMS`.

    It stands for the contents only where `verify_checksums` has passed.
    """
    return hashlib.sha256(_checksums_bytes(directory)).hexdigest()


def write_checksums(directory: Path) -> str:
    """Write `SHA256SUMS` over every file, sorted by name, as `sha256sum -c` reads it; returns the digest."""
    lines = [f"{_sha256(directory / name)}  {name}\n" for name in _files(directory)]
    content = "".join(lines).encode()
    (directory / CHECKSUMS).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def verify_checksums(directory: Path) -> str:
    """Compare every file with `SHA256SUMS`; returns the digest.

    Raises:
        BundleError: a file is missing, changed or unlisted; the message names it.
    """
    expected = _parse(directory)
    present = set(_files(directory))
    problems = [f"{name} is missing" for name in sorted(set(expected) - present)]
    problems += [f"{name} is not listed in {CHECKSUMS}" for name in sorted(present - set(expected))]
    problems += [
        f"{name} was changed after the bundle was written (its SHA-256 differs)"
        for name in sorted(present & set(expected))
        if _sha256(directory / name) != expected[name]
    ]
    if problems:
        raise BundleError(
            f"the bundle {directory} is not what was written: {'; '.join(problems)}. "
            "Copy it again from where it came from; nothing in a bundle may be edited."
        )
    return bundle_digest(directory)


def listed_files(checksums: bytes, where: Path | str) -> dict[str, str]:
    """Name -> SHA-256 (hex) of the files that the contents of a `SHA256SUMS` list; `where` it lies is for the message.

    Raises:
        BundleError: a line of it is not a checksum, or of a file outside the bundle.
    """
    expected: dict[str, str] = {}
    for number, line in enumerate(checksums.decode("utf-8", "replace").splitlines(), 1):
        digest, separator, name = line.partition("  ")
        path = PurePosixPath(name)
        if not separator or len(digest) != _DIGEST_LENGTH or path.is_absolute() or ".." in path.parts:
            raise BundleError(f"{where}, line {number}: not a checksum of a file of this bundle.")
        expected[name] = digest
    return expected


def read_bundle_manifest(directory: Path) -> BundleManifest:
    """Read and check `bundle.json`.

    Raises:
        BundleError: there is none, it isn't valid, or a newer nevus wrote it.
    """
    path = directory / MANIFEST
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BundleError(_not_a_bundle(directory, f"it holds no {MANIFEST}")) from None
    except ValueError as error:
        raise BundleError(f"{path} is not valid JSON ({error}).") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BundleError(f'{path} is not the description of a bundle: it lacks "format": "{FORMAT}".')
    version = content.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        libraries = content.get("libraries")
        writer = libraries.get("nevus") if isinstance(libraries, dict) else None
        by = f"nevus {writer}" if writer else "a newer nevus"
        raise BundleError(
            f"{path} has format version {version}, and this nevus ({__version__}) reads up to {FORMAT_VERSION}. "
            f"It was written by {by}: install that version or a later one."
        )
    try:
        return BundleManifest.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{path}: {key}: {first['msg']}.") from error


def further_files(directory: Path) -> dict[str, bytes]:
    """Name -> contents of what belongs to a bundle beside its graph, `bundle.json`, self-test and checksums."""
    own = (GRAPH, MANIFEST, CHECKSUMS)
    names = (name for name in _files(directory) if name not in own and not name.startswith(f"{SELFTEST}/"))
    return {name: (directory / name).read_bytes() for name in names}


def require_bundle(directory: Path) -> None:
    """Raise `BundleError` where `directory` can't be a bundle at all."""
    if not directory.is_dir():
        raise BundleError(_not_a_bundle(directory, "there is no such directory"))
    for name in _REQUIRED:
        if not (directory / name).is_file():
            raise BundleError(_not_a_bundle(directory, f"it holds no {name}"))


def _not_a_bundle(directory: Path, why: str) -> str:
    return f"{directory} is not a model bundle: {why}. A bundle is the directory that `nevus run` leaves as OUT/bundle."


def _files(directory: Path) -> list[str]:
    names = (p.relative_to(directory).as_posix() for p in directory.rglob("*") if p.is_file())
    return sorted(name for name in names if name != CHECKSUMS)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checksums_bytes(directory: Path) -> bytes:
    require_bundle(directory)
    try:
        return (directory / CHECKSUMS).read_bytes()
    except FileNotFoundError:
        raise BundleError(f"the bundle {directory} lacks {CHECKSUMS}, so nothing proves that it is whole.") from None


def _parse(directory: Path) -> dict[str, str]:
    return listed_files(_checksums_bytes(directory), directory / CHECKSUMS)
