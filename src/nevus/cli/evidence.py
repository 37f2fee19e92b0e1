"""Evidence maps laid over their images, as files in a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from nevus.bundle import NOTICE, Failure, Prediction, Predictor
from nevus.errors import InputError

Answer = Prediction | Failure


def write_overlays(
    answers: Iterable[Answer], predictor: Predictor, folder: Path | None
) -> Iterator[tuple[Answer, str | None]]:
    """Yield each answer with the path of its overlay, written into `folder`; without a folder nothing is written.

    An overlay is called as its image with `.evidence.png`; images of one name get a number. Unusable and unreadable
    images have none.

    Raises:
        InputError: the model gives no evidence, or `folder` is a file.
    """
    if folder is not None:
        if "evidence" not in predictor.manifest.outputs:
            raise InputError(f"--evidence: the model {predictor.manifest.name} gives no evidence maps.")
        if folder.exists() and not folder.is_dir():
            raise InputError(f"--evidence {folder}: this is a file, not a folder.")
        folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for answer in answers:
        if folder is None or isinstance(answer, Failure) or answer.evidence is None or answer.path is None:
            yield answer, None
            continue
        target = folder / _free_name(Path(answer.path).stem, taken)
        _save(Image.fromarray(predictor.overlay(answer.path, answer)), target)
        yield answer, str(target)


def _free_name(stem: str, taken: set[str]) -> str:
    name, number = f"{stem}.evidence.png", 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}.evidence.png"
    taken.add(name.casefold())
    return name


def _save(image: Image.Image, target: Path) -> None:
    notice = PngInfo()
    notice.add_text("Comment", NOTICE)
    partial = target.with_name(target.name + ".partial")
    image.save(partial, format="PNG", pnginfo=notice, compress_level=1)
    partial.replace(target)
