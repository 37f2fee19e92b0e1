"""The same five images in the layout of every dataset, for the tests of all sources."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import simplejpeg


@dataclass(frozen=True)
class Case:
    """What is true of one image, whatever the layout says it in."""

    image_id: str
    lesion: str
    patient: str
    diagnosis: str
    age: float | None
    sex: str | None
    site: str | None


STORY = (
    Case("ISIC_0000001", "L1", "P1", "mel", 60.0, "male", "head/neck"),
    Case("ISIC_0000002", "L1", "P1", "mel", 60.0, "male", "head/neck"),
    Case("ISIC_0000003", "L2", "P1", "nv", 60.0, "male", "lower extremity"),
    Case("ISIC_0000004", "L3", "P2", "bkl", None, None, None),
    Case("ISIC_0000005", "L4", "P3", "nv", 25.0, "female", "upper extremity"),
)


def picture(case: Case) -> bytes:
    """A JPEG of 96 x 72 that only this image has."""
    rng = np.random.default_rng(int(case.image_id[-4:]))
    coarse = rng.integers(40, 220, (9, 12, 3), dtype=np.uint8)
    pixels = np.ascontiguousarray(coarse.repeat(8, 0).repeat(8, 1))
    return bytes(simplejpeg.encode_jpeg(pixels, quality=95, colorspace="RGB"))


Rows = list[dict[str, str]]
Edit = Callable[[Rows], Rows]


def unchanged(rows: Rows) -> Rows:
    return rows


@dataclass(frozen=True)
class Layout:
    """A dataset on disk.

    `write(folder, edit)` writes images and tables; `edit` may change the rows of the main table first.
    """

    source: str
    write: Callable[[Path, Edit], None]
    table: str | None
    """The main table's file."""
    label: str | None = None
    """Its column of labels."""
    age: str | None = None
    required: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    """The images that belong together, by the last digit of their ids."""
    knows_people: bool = True
    images: str = "images"
    settings: Mapping[str, object] = field(default_factory=dict)
    id_of: Callable[[Case], str] = lambda case: case.image_id

    @property
    def images_are_files(self) -> bool:
        """Whether each image is a file of its own."""
        return not self.images.endswith(".hdf5")

    @property
    def finds_images(self) -> bool:
        """Whether the source looks for the images by their ids, as no table says where they are."""
        return "uri" not in dict(self.settings.get("columns", {}))

    def options(self, root: Path | str) -> dict[str, object]:
        """The settings' section of this dataset at `root`."""
        return {"source": self.source, "root": str(root), **self.settings}


BY_LESION = (("1", "2"), ("3",), ("4",), ("5",))
BY_PATIENT = (("1", "2", "3"), ("4",), ("5",))
BY_IMAGE = (("1",), ("2",), ("3",), ("4",), ("5",))


def write_csv(path: Path, rows: Rows, delimiter: str = ",") -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(out.getvalue(), encoding="utf-8-sig")


def write_images(folder: Path, cases: Sequence[Case] = STORY, suffix: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        (folder / f"{case.image_id}{suffix}.jpg").write_bytes(picture(case))


def years(case: Case, unknown: str = "") -> str:
    return unknown if case.age is None else f"{case.age:.1f}"


_HAM_SITES = {"head/neck": "scalp", "lower extremity": "foot", "upper extremity": "hand", None: "unknown"}


def _ham_rows() -> Rows:
    return [
        {
            "lesion_id": case.lesion,
            "image_id": case.image_id,
            "dx": case.diagnosis,
            "dx_type": "histo" if case.diagnosis == "mel" else "follow_up",
            "age": years(case, "0.0"),
            "sex": case.sex or "unknown",
            "localization": _HAM_SITES[case.site],
            "dataset": "vidir_modern",
        }
        for case in STORY
    ]


def _ham(folder: Path, edit: Edit) -> None:
    write_images(folder / "images")
    write_csv(folder / "HAM10000_metadata.csv", edit(_ham_rows()))


def _ham_of_kaggle(folder: Path, edit: Edit) -> None:
    write_images(folder / "HAM10000_images_part_1", STORY[:2])
    write_images(folder / "HAM10000_images_part_2", STORY[2:])
    write_csv(folder / "HAM10000_metadata", edit(_ham_rows()))


def _isic2019(folder: Path, edit: Edit) -> None:
    images = folder / "ISIC_2019_Training_Input"
    write_images(images, STORY[:4])
    write_images(images, STORY[4:], "_downsampled")
    codes = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")
    truth, metadata = [], []
    for case in STORY:
        name = case.image_id + ("_downsampled" if case is STORY[4] else "")
        truth.append({"image": name} | {code: "1.0" if code.lower() == case.diagnosis else "0.0" for code in codes})
        metadata.append(
            {
                "image": name,
                "age_approx": years(case),
                "anatom_site_general": case.site or "",
                "lesion_id": case.lesion,
                "sex": case.sex or "",
            }
        )
    write_csv(folder / "ISIC_2019_Training_GroundTruth.csv", truth)
    write_csv(folder / "ISIC_2019_Training_Metadata.csv", edit(metadata))


_ISIC2020 = {"mel": "melanoma", "nv": "nevus", "bkl": "solar lentigo"}


def _isic2020(folder: Path, edit: Edit) -> None:
    write_images(folder / "train")
    rows = [
        {
            "image_name": case.image_id,
            "patient_id": case.patient,
            "sex": case.sex or "",
            "age_approx": years(case),
            "anatom_site_general_challenge": case.site or "",
            "diagnosis": _ISIC2020[case.diagnosis],
            "benign_malignant": "malignant" if case.diagnosis == "mel" else "benign",
            "target": "1" if case.diagnosis == "mel" else "0",
        }
        for case in STORY
    ]
    write_csv(folder / "ISIC_2020_Training_GroundTruth.csv", edit(rows))


_ARCHIVE = {
    "mel": ("Malignant", "Malignant melanocytic proliferations (Melanoma)", "Melanoma, NOS"),
    "nv": ("Benign", "Benign melanocytic proliferations", "Nevus"),
    "bkl": ("Benign", "Benign epidermal proliferations", "Seborrheic keratosis"),
}


def _isic2024_rows() -> Rows:
    rows = []
    for case in STORY:
        levels = _ARCHIVE[case.diagnosis]
        rows.append(
            {
                "isic_id": case.image_id,
                "target": "1" if case.diagnosis == "mel" else "0",
                "patient_id": case.patient,
                "age_approx": years(case),
                "sex": case.sex or "",
                "anatom_site_general": case.site or "",
                "tbp_lv_A": "20.2",
                "attribution": "A clinic",
                "lesion_id": case.lesion if case.diagnosis == "mel" else "",
                "iddx_full": "::".join(levels),
                "iddx_1": levels[0],
                "iddx_2": levels[1],
                "iddx_3": levels[2],
            }
        )
    return rows


def _isic2024(folder: Path, edit: Edit) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "train-image.hdf5", "w") as archive:
        for case in STORY:
            archive.create_dataset(case.image_id, data=np.void(picture(case)))
    write_csv(folder / "train-metadata.csv", edit(_isic2024_rows()))


def _isic2024_files(folder: Path, edit: Edit) -> None:
    write_images(folder / "train-image" / "image")
    write_csv(folder / "train-metadata.csv", edit(_isic2024_rows()))


_ARCHIVE_SITES = {
    "head/neck": ("Head and neck", "Head", "Scalp"),
    "lower extremity": ("Lower extremity", "Thigh", ""),
    "upper extremity": ("Upper extremity", "Hand", "Dorsum of hand"),
    None: ("", "", ""),
}


def _archive(folder: Path, edit: Edit) -> None:
    write_images(folder / "images")
    rows = []
    for case in STORY:
        site, diagnosis = _ARCHIVE_SITES[case.site], _ARCHIVE[case.diagnosis]
        rows.append(
            {
                "isic_id": case.image_id,
                "attribution": "Hospital of the test",
                "copyright_license": "CC-BY",
                "age_approx": years(case),
                "diagnosis_1": diagnosis[0],
                "diagnosis_2": diagnosis[1],
                "diagnosis_3": diagnosis[2],
                "lesion_id": case.lesion,
                "sex": case.sex or "",
                **{f"anatom_site_{level}": word for level, word in enumerate(site, start=1)},
            }
        )
    write_csv(folder / "metadata.csv", edit(rows))


def _folders(folder: Path, edit: Edit) -> None:
    for case in STORY:
        write_images(folder / case.diagnosis, [case])


_OWN_WORDS = {"mel": "Melanom", "nv": "Muttermal", "bkl": "Alterswarze"}


def _table(folder: Path, edit: Edit) -> None:
    write_images(folder / "Bilder")
    rows = [
        {
            "datei": f"Bilder/{case.image_id}.jpg",
            "nummer": case.image_id,
            "fall": case.lesion,
            "befund": _OWN_WORDS[case.diagnosis],
            "alter": "" if case.age is None else f"{case.age:g}",
            "geschlecht": {"male": "m", "female": "w", None: ""}[case.sex],
            "ort": (case.site or "").upper(),
        }
        for case in STORY
    ]
    write_csv(folder / "befunde.csv", edit(rows), delimiter=";")


_TABLE_SETTINGS: Mapping[str, object] = {
    "table": "befunde.csv",
    "columns": {
        "uri": "datei",
        "image_id": "nummer",
        "lesion_id": "fall",
        "diagnosis": "befund",
        "age": "alter",
        "sex": "geschlecht",
        "site": "ort",
    },
    "labels": {word: code for code, word in _OWN_WORDS.items()},
}

_HAM: Mapping[str, Any] = {
    "source": "ham10000",
    "label": "dx",
    "age": "age",
    "required": ("lesion_id", "image_id", "dx", "localization"),
    "groups": BY_LESION,
}
_ISIC2024: Mapping[str, Any] = {
    "source": "isic2024",
    "table": "train-metadata.csv",
    "age": "age_approx",
    "required": ("isic_id", "target", "patient_id"),
    "groups": BY_PATIENT,
}
_EXPORT: Mapping[str, Any] = {
    "write": _archive,
    "table": "metadata.csv",
    "label": "diagnosis_1",
    "age": "age_approx",
    "required": ("isic_id",),
    "groups": BY_LESION,
}

LAYOUTS: Mapping[str, Layout] = {
    "ham10000": Layout(write=_ham, table="HAM10000_metadata.csv", **_HAM),
    "ham10000 of Kaggle": Layout(
        write=_ham_of_kaggle, table="HAM10000_metadata", images="HAM10000_images_part_1", **_HAM
    ),
    "isic2019": Layout(
        "isic2019",
        _isic2019,
        "ISIC_2019_Training_Metadata.csv",
        age="age_approx",
        required=("image", "age_approx", "lesion_id"),
        groups=BY_LESION,
        images="ISIC_2019_Training_Input",
        id_of=lambda case: case.image_id + ("_downsampled" if case is STORY[4] else ""),
    ),
    "isic2020": Layout(
        "isic2020",
        _isic2020,
        "ISIC_2020_Training_GroundTruth.csv",
        label="diagnosis",
        age="age_approx",
        required=("image_name", "patient_id", "diagnosis"),
        groups=BY_PATIENT,
        images="train",
    ),
    "isic2024": Layout(write=_isic2024, images="train-image.hdf5", **_ISIC2024),
    "isic2024 as files": Layout(write=_isic2024_files, images="train-image/image", **_ISIC2024),
    "isic_archive": Layout("isic_archive", **_EXPORT),
    "bcn20000": Layout("bcn20000", **_EXPORT),
    "folder": Layout(
        "folder",
        _folders,
        None,
        groups=BY_IMAGE,
        knows_people=False,
        images="mel",
        settings={"licence": "CC-BY-4.0", "attribution": "A test"},
        id_of=lambda case: f"{case.diagnosis}/{case.image_id}.jpg",
    ),
    "table": Layout(
        "table",
        _table,
        "befunde.csv",
        label="befund",
        age="alter",
        required=("datei", "befund"),
        groups=BY_LESION,
        images="Bilder",
        settings=_TABLE_SETTINGS | {"licence": "CC-BY-4.0", "attribution": "A test"},
    ),
}
