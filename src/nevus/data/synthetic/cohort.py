"""Who is drawn: patients, their lesions, the images of each, and what the record says about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np
import polars as pl

from nevus.data.synthetic.camera import CLINICS
from nevus.data.synthetic.randomness import generator
from nevus.data.synthetic.settings import SyntheticSettings


@dataclass(frozen=True)
class Habit:
    """Whom a diagnosis befalls, and how it is confirmed."""

    age: tuple[float, float]
    male: float
    sites: Mapping[str, float]
    histology: float


_TRUNK = {"posterior torso": 0.34, "anterior torso": 0.24, "upper extremity": 0.14, "lower extremity": 0.18}
HABITS: Mapping[str, Habit] = {
    "nv": Habit((42, 15), 0.49, {**_TRUNK, "head/neck": 0.07, "palms/soles": 0.03}, 0.37),
    "mel": Habit((61, 15), 0.61, {**_TRUNK, "posterior torso": 0.36, "head/neck": 0.15}, 1.0),
    "bkl": Habit((64, 12), 0.56, {**_TRUNK, "head/neck": 0.3}, 0.7),
    "bcc": Habit((67, 12), 0.62, {**_TRUNK, "head/neck": 0.5}, 1.0),
    "akiec": Habit((69, 10), 0.66, {"head/neck": 0.62, "upper extremity": 0.22, "lower extremity": 0.14}, 1.0),
    "vasc": Habit((51, 18), 0.48, {**_TRUNK, "anterior torso": 0.34, "head/neck": 0.12, "oral/genital": 0.02}, 0.16),
    "df": Habit((52, 13), 0.44, {"lower extremity": 0.56, "upper extremity": 0.26, "posterior torso": 0.1}, 0.48),
}
"""Roughly HAM10000's figures."""

LOOK_ALIKES: Mapping[str, Mapping[str, float]] = {
    "nv": {"mel": 0.5, "bkl": 0.3, "df": 0.2},
    "mel": {"bcc": 0.4, "akiec": 0.3, "nv": 0.2, "bkl": 0.1},
    "bkl": {"mel": 0.4, "nv": 0.35, "akiec": 0.25},
    "bcc": {"akiec": 0.6, "bkl": 0.2, "mel": 0.2},
    "akiec": {"bcc": 0.6, "bkl": 0.25, "mel": 0.15},
    "vasc": {"bcc": 0.4, "mel": 0.3, "nv": 0.3},
    "df": {"nv": 0.5, "bcc": 0.3, "bkl": 0.2},
}
"""Which diagnosis a lesion may pass for, and how often of those times."""
_MISLEADING = 0.35
"""At difficulty 1, the share of lesions that look like another diagnosis: what no picture can tell."""

_TONES = ((0.02, "I"), (0.06, "II"), (0.12, "III"), (0.24, "IV"), (0.42, "V"), (0.65, "VI"))
_TONE_SHARES = (0.12, 0.38, 0.28, 0.12, 0.07, 0.03)


def draw_cohort(settings: SyntheticSettings) -> pl.DataFrame:
    """One row an image: ids, diagnosis, record, and what the painter needs (`tone`, `clarity`, `look`).

    The classes' shares are met to within one lesion. Lesions are dealt to patients at random, so a patient may have
    several of different kinds; age, sex and site follow from the diagnoses, with the overlap they have in life.
    """
    rng = generator(settings.seed, "cohort")
    diagnoses = np.array(_quotas(settings))
    rng.shuffle(diagnoses)
    rows: list[dict[str, object]] = []
    misleading = {code: _every(generator(settings.seed, "misleading", code), settings) for code in settings.classes}
    lesion = 0
    for patient, ours in enumerate(_deal(rng, diagnoses.tolist(), settings.lesions_per_patient), start=1):
        person = _person(generator(settings.seed, "patient", patient), ours)
        for diagnosis in ours:
            lesion += 1
            own = generator(settings.seed, "record", lesion)
            finding = {"lesion_id": f"L{lesion:06d}", "diagnosis": diagnosis} | _finding(own, diagnosis, settings)
            finding["look"] = _look(own, diagnosis, misleading=next(misleading[diagnosis]))
            for view in range(1, 1 + _count(own, settings.images_per_lesion, 4)):
                rows.append(
                    {"image_id": f"SYN_{lesion:06d}_{view}", "patient_id": f"P{patient:06d}"} | person | finding
                )
    return pl.DataFrame(rows, infer_schema_length=None)


def _quotas(settings: SyntheticSettings) -> list[str]:
    """The lesions' diagnoses, by largest remainder."""
    total = sum(settings.classes.values())
    exact = {code: settings.lesions * share / total for code, share in sorted(settings.classes.items())}
    counts = {code: int(value) for code, value in exact.items()}
    rest = settings.lesions - sum(counts.values())
    for code in sorted(exact, key=lambda c: (counts[c] - exact[c], c))[:rest]:
        counts[code] += 1
    return [code for code, count in counts.items() for _ in range(count)]


def _deal(rng: np.random.Generator, lesions: list[str], mean: float) -> list[list[str]]:
    dealt, start = [], 0
    while start < len(lesions):
        size = _count(rng, mean, 6)
        dealt.append(lesions[start : start + size])
        start += size
    return dealt


def _count(rng: np.random.Generator, mean: float, most: int) -> int:
    """1 or more, geometric, `mean` on average but for the cut at `most`."""
    return min(int(rng.geometric(1 / mean)), most)


def _person(rng: np.random.Generator, diagnoses: list[str]) -> dict[str, object]:
    habits = [HABITS[code] for code in diagnoses]
    centre = float(np.mean([habit.age[0] for habit in habits]))
    spread = float(np.mean([habit.age[1] for habit in habits]))
    age = float(5 * round(np.clip(rng.normal(centre, spread), 5, 90) / 5))
    sex = "male" if rng.random() < np.mean([habit.male for habit in habits]) else "female"
    tone, skin_type = _TONES[int(rng.choice(len(_TONES), p=_TONE_SHARES))]
    return {
        "age": None if rng.random() < 0.02 else age,
        "sex": None if rng.random() < 0.02 else sex,
        "skin_type": skin_type,
        "tone": max(0.0, float(rng.normal(tone, 0.02))),
        "source": CLINICS[int(rng.choice(len(CLINICS), p=(0.5, 0.3, 0.2)))].name,
    }


def _finding(rng: np.random.Generator, diagnosis: str, settings: SyntheticSettings) -> dict[str, object]:
    habit = HABITS[diagnosis]
    weights = np.array(list(habit.sites.values()))
    site = str(rng.choice(list(habit.sites), p=weights / weights.sum()))
    other = "follow_up" if diagnosis == "nv" and rng.random() < 0.85 else "consensus"
    faint = rng.beta(0.6 + 2.0 * settings.difficulty, 0.6 + 2.0 * (1 - settings.difficulty))
    return {
        "site": None if rng.random() < 0.03 else site,
        "confirmed_by": "histology" if rng.random() < habit.histology else other,
        "clarity": float(1 - faint),
    }


def _every(rng: np.random.Generator, settings: SyntheticSettings) -> Iterator[bool]:
    """Whether the next lesion of a class misleads: evenly spread, so that a small class has its share and no more."""
    share, start = _MISLEADING * settings.difficulty, rng.random()
    for number in count():
        yield int((number + 1 + start) * share) > int((number + start) * share)


def _look(rng: np.random.Generator, diagnosis: str, *, misleading: bool) -> str:
    """The diagnosis whose face the lesion wears."""
    others = LOOK_ALIKES[diagnosis]
    return str(rng.choice(list(others), p=list(others.values()))) if misleading else diagnosis
