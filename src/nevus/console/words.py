"""How the console says what the API answers in codes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nevus.api import DiagnosisMeaning, PredictionAnswer

VERDICTS = {
    "suspicious": "Suspicious",
    "low_suspicion": "Low suspicion",
    "refer": "Refer: the model can't say",
    "unusable": "Unusable image",
}
TONES = {"suspicious": "#D55E00", "low_suspicion": "#009E73", "refer": "#E69F00", "unusable": "#8A8A8A"}
"""Of Okabe and Ito, which people of any colour vision can tell apart; the word always stands beside the colour."""

_MEANING = {
    "suspicious": "The malignant probability is at or above the operating point.",
    "low_suspicion": "The malignant probability is below the operating point. Malignant lesions do occur here.",
    "refer": "Don't rely on the probabilities below. Have the lesion judged without them.",
    "unusable": "No diagnosis was made. Take the picture again.",
}
_REASONS = {
    "above_operating_point": "The malignant probability reaches the operating point.",
    "near_threshold": "The malignant probability is too close to the operating point to call.",
    "out_of_distribution": "The image looks unlike those that the model was trained on.",
    "no_operating_point": "The model has no operating point, so nothing separates suspicious from not.",
    "metadata_missing": "Age, sex and site weren't given, though the model uses them.",
    "blurred": "The image is blurred.",
    "blank": "The image shows next to nothing.",
    "too_small": "The image is too small.",
    "over_exposed": "The image is over-exposed.",
}
_SHORT = {
    "above_operating_point": "above the operating point",
    "near_threshold": "close to the operating point",
    "out_of_distribution": "unlike the training images",
    "no_operating_point": "no operating point",
    "metadata_missing": "without age, sex and site",
    "over_exposed": "over-exposed",
}
CONFIRMED = {
    None: "Not confirmed yet",
    "histology": "Histology",
    "confocal": "Confocal microscopy",
    "consensus": "Consensus of experts",
    "follow_up": "Follow-up",
}


def verdict(code: str) -> str:
    """The verdict in words."""
    return VERDICTS.get(code, code)


def verdict_means(code: str) -> str:
    """One or two sentences on it."""
    return _MEANING.get(code, "")


def reason(code: str) -> str:
    """A reason as a sentence; an unknown one by its own code."""
    return _REASONS.get(code, code.replace("_", " ").capitalize() + ".")


def short_reason(code: str) -> str:
    """A reason in two to four words, for a table."""
    return _SHORT.get(code, code.replace("_", " "))


def sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def diagnosis(code: str | None, meanings: Mapping[str, DiagnosisMeaning]) -> str:
    """The diagnosis' name."""
    if code is None:
        return "none"
    found = meanings.get(code)
    return found.name if found else code.replace("_", " ").capitalize()


def operating_point(name: str | None) -> str:
    """An operating point in words: `sensitivity_95` -> `95 % sensitivity`."""
    kind, _, number = (name or "").rpartition("_")
    if kind == "sensitivity" and number.isdigit():
        return f"{number} % sensitivity"
    return (name or "none").replace("_", " ")


def percent(value: float | None, digits: int = 1) -> str:
    """A share of 1 in percent; small ones and those near 1 don't become 0 or 100."""
    if value is None:
        return "–"
    smallest = 10**-digits
    if 0 < value * 100 < smallest:
        return f"< {smallest:g} %"
    if 100 - smallest < value * 100 < 100:
        return f"> {100 - smallest:g} %"
    return f"{value * 100:.{digits}f} %"


def number(value: float | None, digits: int = 3) -> str:
    """A figure between -1 and 1 as journals write it: .786."""
    if value is None:
        return "–"
    text = f"{abs(value):.{digits}f}"
    sign = "\N{MINUS SIGN}" if value < 0 and float(text) else ""
    return sign + text.removeprefix("0")


def estimate(found: Any, digits: int = 3) -> str:
    """A value with its interval, .786 (.739 to .824); or that too few carry it, and how many they should be."""
    if not isinstance(found, Mapping):
        return number(found, digits) if isinstance(found, int | float) else "–"
    if found.get("too_few"):
        return _too_few(found["too_few"])
    text = number(found.get("value"), digits)
    low, high = found.get("low"), found.get("high")
    if low is None or high is None:
        return text
    return f"{text} ({number(low, digits)} to {number(high, digits)})"


def _too_few(lacking: str) -> str:
    """`too few: 4 of the 30 malignant patients or lesions needed, …` -> `Too few to compare (4 of 30 malignant …)`."""
    counts = re.findall(r"(\d+) of the (\d+) (malignant |benign )?patients", lacking)
    told = ", ".join(f"{there} of {needed} {kind}".rstrip() for there, needed, kind in counts)
    return f"Too few to compare ({told} needed)" if told else sentence(lacking)


def within_a_page(markdown: str) -> str:
    """A document whose headings stand two levels lower, so that its title is one heading among the page's."""
    return re.sub(r"^(?=#{1,4} )", "##", markdown, flags=re.MULTILINE)


def listed(names: Sequence[str]) -> str:
    """a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"


def model_of(answer: PredictionAnswer) -> str:
    """Which model answered: name and number, or name and the beginning of its digest."""
    return version_name(answer.model, answer.version, answer.bundle_digest)


def version_name(model: str, version: int | None, digest: str) -> str:
    """A version's name for people."""
    return f"{model} · version {version}" if version is not None else f"{model} · bundle {digest[:8]}"
