"""`nevus predict`: judge images with a bundle."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nevus.errors import EXIT_FAILED, InputError

if TYPE_CHECKING:
    from nevus.bundle import Failure, Metadata, Prediction, Predictor

BUNDLE_VARIABLE = "NEVUS_BUNDLE"


def predict(
    paths: Annotated[list[str], typer.Argument(help="Images, and folders of images.", metavar="PATH...")],
    *,
    bundle: Annotated[
        str | None, typer.Option(help="The bundle's directory.", envvar=BUNDLE_VARIABLE, metavar="DIR")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Give probabilities for unusable images too.")] = False,
    evidence: Annotated[
        Path | None, typer.Option(help="Write each image with its evidence map into this folder.", metavar="DIR")
    ] = None,
    age: Annotated[float | None, typer.Option(help="The patient's age in years, for all images.")] = None,
    sex: Annotated[str | None, typer.Option(help="The patient's sex: female or male.")] = None,
    site: Annotated[str | None, typer.Option(help="Where the lesion is, in the model's words.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Images computed at once [default: processors].")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if an image is unusable or referred.")] = False,
) -> None:
    """Judge images: diagnosis, probabilities, and a verdict with its reasons. Decision support, not a diagnosis.

    A file that can't be read is reported in its place, and the exit code is 1 at the end.

    Example: `nevus predict lesion.jpg folder/ --bundle out/bundle --evidence maps/`
    """
    from nevus.bundle import Metadata, Predictor
    from nevus.cli.evidence import write_overlays
    from nevus.cli.image_paths import find_images
    from nevus.cli.progress import with_progress

    if not bundle:
        raise InputError(f"no bundle is named: give --bundle DIR, or set {BUNDLE_VARIABLE} to the bundle's directory.")
    images = find_images(paths)
    metadata = Metadata(age=age, sex=sex, site=site)
    with Predictor(bundle, threads=threads) as predictor:
        _check_metadata(predictor, metadata)
        answers: Iterable[Prediction | Failure] = predictor.predict_each(images, metadata, raw=raw)
        shown = write_overlays(with_progress(answers, len(images), "images"), predictor, evidence)
        done = _print_lines(shown) if as_json else _print_table(shown, predictor)
    failed = any("error" in record for record in done)
    refused = any(not record.get("reliable", True) for record in done)
    if failed or (strict and refused):
        raise typer.Exit(EXIT_FAILED)


def _check_metadata(predictor: Predictor, metadata: Metadata) -> None:
    spec = predictor.manifest.metadata
    if spec is None:
        if metadata.known:
            typer.echo("note: this model uses the image alone; --age, --sex and --site change nothing.", err=True)
        return
    for option, value, learnt in (("--sex", metadata.sex, spec.sexes), ("--site", metadata.site, spec.sites)):
        if value is not None and value not in (*learnt, "unknown"):
            raise InputError(f"{option} {value}: the model knows {', '.join(learnt)} and unknown.")


def _print_lines(answers: Iterable[tuple[Prediction | Failure, str | None]]) -> list[dict[str, object]]:
    records: list[dict[str, object]] = []
    for answer, overlay in answers:
        record = answer.as_record()
        if overlay:
            record["evidence"] = overlay
        typer.echo(json.dumps(record, ensure_ascii=False))
        records.append({key: record[key] for key in ("error", "reliable") if key in record})
    return records


def _print_table(
    answers: Iterable[tuple[Prediction | Failure, str | None]], predictor: Predictor
) -> list[dict[str, object]]:
    from nevus.cli.prediction_table import print_predictions

    listed = [answer for answer, _ in answers]
    print_predictions(listed, predictor.manifest, predictor.digest)
    return [answer.as_record() for answer in listed]
