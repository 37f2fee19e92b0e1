"""One recipe a diagnosis: its border, its colours and, above all, its structures.

Colours overlap on purpose, as they do in the clinic: what tells the diagnoses apart is symmetry, border and structure.
The recipes follow the vocabulary of dermoscopy (network, globules, blue-white veil, milia-like cysts, arborising
vessels, strawberry pattern, lacunae, central white patch).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from nevus.data.synthetic.canvas import Pigment, branches, coordinates, dots, honeycomb, outline, ridges
from nevus.data.synthetic.randomness import Field, fractal, smooth, step

Recipe = Callable[[np.random.Generator, int, float], Pigment]
"""(the lesion's randomness, canvas size in pixels, how clearly the structures show 0..1) -> pigment."""


def _base(rng: np.random.Generator, inside: Field, *, mottling: float) -> Pigment:
    """The ground colour, from one broad distribution for all diagnoses, so that the mean colour tells little."""
    size = len(inside)
    melanin, blood, dermal = rng.uniform(0.12, 0.62), rng.uniform(0.0, 0.34), rng.uniform(0.0, 0.14)
    mottle = 1 + np.float32(mottling) * fractal(rng, size, size, 4)
    return Pigment(
        inside * np.clip(mottle, 0.2, 2) * np.float32(melanin),
        inside * np.float32(dermal),
        inside * np.clip(1.5 - 0.5 * mottle, 0.3, 2) * np.float32(blood),
        np.zeros((size, size), np.float32),
    )


def nevus(rng: np.random.Generator, size: int, clear: float) -> Pigment:
    """Round and even; a regular network, regular globules, or no structure at all."""
    irregular = 0.03 + 0.05 * (1 - clear) * rng.random()
    outside = outline(rng, size, asymmetry=0.05 + 0.07 * (1 - clear), irregularity=irregular)
    inside = 1 - step(outside, -0.05, rng.uniform(0.16, 0.34))
    skin = _base(rng, inside, mottling=0.08)
    pattern = rng.choice(3, p=(0.5, 0.32, 0.18))
    if pattern == 0:
        net = honeycomb(rng, size, cells=rng.uniform(5.0, 6.2), warp=0.26, thickness=0.4)
        fade = 1 - np.float32(0.55) * np.clip(outside + 1, 0, 1) ** 2
        skin.melanin += inside * fade * (net - np.float32(0.4)) * np.float32(0.26 + 0.24 * clear)
    elif pattern == 1:
        cobbles = 1 - honeycomb(rng, size, cells=rng.uniform(3.8, 4.8), warp=0.3, thickness=0.7)
        skin.melanin += inside * (cobbles - np.float32(0.3)) * np.float32(0.26 + 0.25 * clear)
    else:
        skin.melanin *= 1.2 - np.float32(0.45) * np.clip(outside + 1, 0, 1) ** 2
    return skin


def melanoma(rng: np.random.Generator, size: int, clear: float) -> Pigment:
    """Asymmetric, notched, of several colours; a broken network, streaks, dots, a blue-white veil or a regression."""
    outside = outline(
        rng,
        size,
        asymmetry=0.14 + 0.16 * clear * rng.uniform(0.6, 1),
        irregularity=0.05 + 0.13 * clear * rng.uniform(0.5, 1),
        elongation=0.25,
    )
    inside = 1 - step(outside, -0.03, rng.uniform(0.06, 0.16))
    skin = _base(rng, inside, mottling=0.12)
    zones = fractal(rng, size, size, 2.2, 2)
    patchy = np.float32(0.35 + 0.6 * clear)
    skin.melanin *= 1 + patchy * (step(zones, 0.25, 0.35) * np.float32(1.3) - np.float32(0.55))
    net = honeycomb(rng, size, cells=rng.uniform(2.6, 3.6), warp=0.75, thickness=0.45)
    where = step(smooth(rng, size, size, 2.5), 0.0, 0.5) * inside
    skin.melanin += where * net * np.float32(0.2 + 0.35 * clear)
    rim = inside * step(outside, -0.3, 0.12) * step(smooth(rng, size, size, 2), 0.1, 0.4)
    skin.melanin += dots(rng, size, rim, count=26, radius=(0.04, 0.09)) * np.float32(0.2 + 0.6 * clear)
    if rng.random() < 0.3 + 0.45 * clear:
        centre = smooth(rng, size, size, 1.6)
        veil = inside * step(centre, float(np.quantile(centre[inside > 0.5], 0.7)), 0.9)
        skin.dermal += veil * np.float32(0.35 + 0.3 * clear)
        skin.keratin += veil * np.float32(0.16)
    if rng.random() < 0.35 * clear:
        scar = inside * step(-zones, 0.7, 0.5)
        skin.keratin += scar * np.float32(0.3)
        skin.dermal += dots(rng, size, scar, count=40, radius=(0.015, 0.03)) * np.float32(0.5)
    return skin


def keratosis(rng: np.random.Generator, size: int, clear: float) -> Pigment:
    """Sharp, moth-eaten border; milia-like cysts and comedo-like openings, or ridges and fissures like a brain."""
    outside = outline(rng, size, asymmetry=0.07, irregularity=0.05, elongation=0.2)
    bites = fractal(rng, size, size, 6, 2)
    outside = outside + np.float32(0.12 * clear) * np.clip(bites, 0, 1.5)
    inside = 1 - step(outside, 0.0, 0.05)
    skin = _base(rng, inside, mottling=0.15)
    if rng.random() < 0.45:
        skin.melanin += inside * (ridges(rng, size, bands=5.5) - np.float32(0.5)) * np.float32(0.22 + 0.36 * clear)
        cysts = int(rng.integers(3, 9))
    else:
        cysts = int(rng.integers(9, 22))
        skin.melanin += dots(rng, size, inside, count=int(rng.integers(5, 14)), radius=(0.05, 0.085)) * np.float32(
            0.3 + 0.5 * clear
        )
    skin.keratin += dots(rng, size, inside, count=cysts, radius=(0.035, 0.07), soft=0.012) * np.float32(
        0.3 + 0.45 * clear
    )
    return skin


def basal_cell_carcinoma(rng: np.random.Generator, size: int, clear: float) -> Pigment:
    """Arborising vessels in focus, blue-grey ovoid nests, now and then an ulcer; no network."""
    outside = outline(rng, size, asymmetry=0.12, irregularity=0.05, elongation=0.2)
    inside = 1 - step(outside, -0.06, rng.uniform(0.14, 0.3))
    skin = _base(rng, inside, mottling=0.12)
    skin.melanin *= np.float32(0.8)
    vessels = branches(rng, size, trunks=int(rng.integers(2, 5)), thickness=rng.uniform(0.026, 0.042))
    skin.blood += (0.35 + 0.65 * inside) * vessels * np.float32(0.45 + 0.75 * clear)
    skin.melanin *= 1 - np.float32(0.5) * vessels
    nests = dots(rng, size, inside, count=int(rng.integers(2, 8)), radius=(0.09, 0.2), soft=0.02)
    skin.dermal += nests * np.float32(0.3 + 0.45 * clear)
    if rng.random() < 0.3:
        ulcer = dots(rng, size, inside, count=1, radius=(0.15, 0.25), soft=0.015)
        skin.blood += ulcer * np.float32(0.5)
        skin.melanin += ulcer * np.float32(0.4)
    return skin


def actinic_keratosis(rng: np.random.Generator, size: int, clear: float) -> Pigment:
    """The strawberry: a red net round pale follicles, under scale; its border fades into the skin."""
    outside = outline(rng, size, asymmetry=0.14, irregularity=0.1, elongation=0.25)
    inside = 1 - step(outside, -0.1, rng.uniform(0.34, 0.55))
    skin = _base(rng, inside, mottling=0.2)
    net = honeycomb(rng, size, cells=rng.uniform(3.0, 3.8), warp=0.28, thickness=0.8)
    amplitude = np.float32(0.2 + 0.35 * clear)
    skin.blood += inside * (net - np.float32(0.55)) * amplitude
    skin.keratin += inside * np.clip(0.8 - net, 0, 1) * np.float32(0.16 + 0.26 * clear)
    scale = step(fractal(rng, size, size, 11, 2), 0.75, 0.35) * step(smooth(rng, size, size, 2.5), -0.2, 0.5)
    skin.keratin += inside * scale * np.float32(0.2 + 0.4 * clear)
    return skin


def vascular(rng: np.random.Generator, size: int, clear: float) -> Pigment:
    """Lacunae: sharply bordered round lakes of blood, red to blue-black, with pale septa between them."""
    outside = outline(rng, size, asymmetry=0.06, irregularity=0.04)
    inside = 1 - step(outside, -0.02, 0.1)
    skin = _base(rng, inside, mottling=0.05)
    lakes = dots(rng, size, inside, count=int(rng.integers(16, 32)), radius=(0.08, 0.2), soft=0.012)
    deep = rng.random()
    tinge = rng.uniform(0.55, 1.0)
    skin.blood += lakes * np.float32(tinge * (0.35 + 0.4 * clear))
    skin.dermal += lakes * np.float32(deep * 0.35)
    skin.melanin *= 1 - np.float32(0.45) * (1 - lakes)
    skin.keratin += inside * (1 - lakes) * np.float32(0.1 + 0.15 * clear)
    return skin


def dermatofibroma(rng: np.random.Generator, size: int, clear: float) -> Pigment:
    """A white patch like a scar in the middle, a delicate network round it, and a border that fades."""
    outside = outline(rng, size, asymmetry=0.05, irregularity=0.03)
    inside = 1 - step(outside, -0.12, rng.uniform(0.34, 0.5))
    skin = _base(rng, inside, mottling=0.06)
    x, y, _, _ = coordinates(size)
    shift = rng.normal(0, 0.07, 2)
    apart = np.hypot(x - np.float32(shift[0]), y - np.float32(shift[1])) + fractal(rng, size, size, 4, 2) * np.float32(
        0.06
    )
    patch = 1 - step(apart, rng.uniform(0.3, 0.46), 0.34)
    skin.melanin *= 1 - np.float32(0.25 + 0.5 * clear) * patch
    strands = np.clip(1 + np.float32(0.3) * fractal(rng, size, size, 9, 2), 0.3, 1.6)
    skin.keratin += patch * strands * np.float32(0.16 + 0.36 * clear)
    net = honeycomb(rng, size, cells=rng.uniform(6.0, 7.0), warp=0.25, thickness=0.3)
    skin.melanin += inside * (1 - patch) * (net - np.float32(0.25)) * np.float32(0.15 + 0.2 * clear)
    return skin


RECIPES: Mapping[str, Recipe] = {
    "nv": nevus,
    "mel": melanoma,
    "bkl": keratosis,
    "bcc": basal_cell_carcinoma,
    "akiec": actinic_keratosis,
    "vasc": vascular,
    "df": dermatofibroma,
}
