"""What each class of the taxonomy means, for those who read an answer.

General knowledge in the words of the guidelines, no advice on a single patient: WHO Classification of Skin Tumours
(5th edition, 2023); the European (EADO/EDF/EORTC) guidelines on melanoma (2024), basal cell carcinoma (2023) and
invasive squamous cell carcinoma (2023); the German S3 guideline on actinic keratosis and squamous cell carcinoma
(2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nevus.taxonomy import BENIGN_CLASS, DIAGNOSES, MALIGNANT_CLASS, UNKNOWN

Risk = Literal["low", "moderate", "high", "unknown"]


@dataclass(frozen=True)
class Meaning:
    """risk: what the diagnosis, if it were confirmed, could mean. recommendation: the usual next step."""

    code: str
    name: str
    malignant: bool
    risk: Risk
    meaning: str
    recommendation: str


_TEXTS: Mapping[str, tuple[Risk, str, str]] = {
    "akiec": (
        "moderate",
        "Growth of altered keratinocytes within the epidermis, mostly on skin damaged by the sun. Some of these "
        "lesions turn into invasive squamous cell carcinoma.",
        "Have a dermatologist confirm and treat it; a biopsy where it is thick, tender, bleeding or growing.",
    ),
    "bcc": (
        "moderate",
        "The most frequent skin cancer. It grows slowly and destroys tissue around it; metastases are very rare.",
        "Refer to a dermatologist for histology and treatment, mostly by excision.",
    ),
    "bkl": (
        "low",
        "A benign growth or spot of the epidermis: seborrhoeic keratosis, solar lentigo or lichen-planus-like "
        "keratosis. It does not become cancer, but a melanoma may look like it.",
        "No treatment is needed once a physician is sure; a biopsy where it changes or stays in doubt.",
    ),
    "df": (
        "low",
        "A benign, firm nodule of fibrous tissue, often on the legs.",
        "No treatment is needed; a biopsy where it grows or looks unusual.",
    ),
    "mel": (
        "high",
        "Cancer of the pigment cells, which may spread early. How thick it is when it is removed decides the outcome.",
        "Refer to a dermatologist without delay; the usual step is complete excision with histology.",
    ),
    "nv": (
        "low",
        "A mole: a benign collection of pigment cells.",
        "No treatment is needed; have it looked at again if it changes in size, shape or colour, itches or bleeds.",
    ),
    "vasc": (
        "low",
        "A benign change of blood vessels, such as an angioma, or a bleeding into the skin. Rarely a melanoma without "
        "pigment looks like it.",
        "Mostly none; a biopsy where it bleeds repeatedly, grows or stays in doubt.",
    ),
    "scc": (
        "high",
        "Cancer of the keratinocytes that grows into the depth and can metastasise, more often on lip and ear and in "
        "people whose immunity is weakened.",
        "Refer to a dermatologist without delay; the usual step is complete excision with histology.",
    ),
    UNKNOWN: (
        "unknown",
        "No diagnosis is recorded.",
        "A physician decides what is needed.",
    ),
    BENIGN_CLASS: (
        "low",
        "A model that only tells benign from malignant finds the picture more like those of benign lesions. It names "
        "no diagnosis.",
        "A physician decides; have the lesion looked at again if it changes.",
    ),
    MALIGNANT_CLASS: (
        "high",
        "A model that only tells benign from malignant finds the picture more like those of malignant lesions. It "
        "names no diagnosis.",
        "Refer to a dermatologist, who decides on a biopsy.",
    ),
}

MEANINGS: tuple[Meaning, ...] = tuple(
    Meaning(code, DIAGNOSES[code].name, DIAGNOSES[code].malignant, *_TEXTS[code])
    if code in DIAGNOSES
    else Meaning(code, code.capitalize(), code == MALIGNANT_CLASS, *_TEXTS[code])
    for code in (*DIAGNOSES, BENIGN_CLASS, MALIGNANT_CLASS)
)
"""Of every diagnosis and of the two classes of the binary task."""
