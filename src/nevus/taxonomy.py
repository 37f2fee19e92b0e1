"""The diagnoses that nevus knows, which of them are malignant, and how datasets' labels map onto them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from nevus.errors import InputError

UNKNOWN = "unknown"

OLDEST = 120.0
"""Years; hardly anybody was older. An age above it is an error, in a dataset's table as in a question to a model."""

SEXES = ("female", "male")

SITES = (
    "head/neck",
    "anterior torso",
    "posterior torso",
    "lateral torso",
    "torso",
    "upper extremity",
    "lower extremity",
    "palms/soles",
    "oral/genital",
)
"""The ISIC archive's general sites; `torso` where front and back aren't told apart."""

Task = Literal["diagnosis", "malignancy"]
"""What is learnt: which diagnosis, or only whether a lesion is malignant."""


class UnmappedLabelError(InputError):
    """A dataset's label isn't in its mapping."""


@dataclass(frozen=True)
class Diagnosis:
    """One diagnosis: its code, its name for people, and what one should know about it."""

    code: str
    name: str
    malignant: bool
    description: str


DIAGNOSES: Mapping[str, Diagnosis] = {
    d.code: d
    for d in (
        Diagnosis(
            "akiec",
            "Actinic keratosis / Bowen's disease",
            True,
            "Intraepithelial keratinocyte lesion; may progress to invasive squamous cell carcinoma.",
        ),
        Diagnosis(
            "bcc", "Basal cell carcinoma", True, "Common epithelial cancer; grows locally and rarely metastasises."
        ),
        Diagnosis(
            "bkl",
            "Benign keratosis",
            False,
            "Seborrhoeic keratosis, solar lentigo or lichen-planus-like keratosis.",
        ),
        Diagnosis("df", "Dermatofibroma", False, "Benign fibrous skin lesion."),
        Diagnosis("mel", "Melanoma", True, "Malignant tumour of melanocytes; early excision is decisive."),
        Diagnosis("nv", "Melanocytic nevus", False, "Benign mole."),
        Diagnosis("vasc", "Vascular lesion", False, "Angioma, angiokeratoma, pyogenic granuloma or haemorrhage."),
        Diagnosis("scc", "Squamous cell carcinoma", True, "Epithelial cancer that can metastasise."),
        Diagnosis(UNKNOWN, "Unknown", False, "No diagnosis is recorded."),
    )
}

MALIGNANT: frozenset[str] = frozenset(code for code, d in DIAGNOSES.items() if d.malignant)

BENIGN_CLASS = "benign"
MALIGNANT_CLASS = "malignant"
BINARY_CLASSES = (BENIGN_CLASS, MALIGNANT_CLASS)
"""The classes of the task `malignancy`, in the order of the model's outputs."""


def class_name(code: str) -> str:
    """The name for people of a diagnosis or of a class of the binary task; an own code is its own name."""
    found = DIAGNOSES.get(code)
    return found.name if found else code.replace("_", " ").capitalize()


def map_label(label: str, mapping: Mapping[str, str], *, dataset: str) -> str:
    """Translate a dataset's own label into a code of `DIAGNOSES`.

    Raises:
        UnmappedLabelError: the label isn't in the mapping.
    """
    try:
        return mapping[label]
    except KeyError:
        raise UnmappedLabelError(
            f"label {label!r} of {dataset} is not in its mapping (known: {', '.join(sorted(mapping))}). "
            "Add it to the mapping in the settings (data.labels), or correct the table."
        ) from None


def check_codes(codes: Collection[str]) -> None:
    """Raise `InputError` for a code that isn't a diagnosis of this taxonomy."""
    strange = sorted(set(codes) - set(DIAGNOSES))
    if strange:
        raise InputError(f"unknown diagnosis code {', '.join(strange)}; the codes are {', '.join(DIAGNOSES)}.")
