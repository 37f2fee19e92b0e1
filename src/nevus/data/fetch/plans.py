"""Which datasets can be fetched: from whom, how much, and how by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nevus.data.fetch.errors import UnknownDatasetError


@dataclass(frozen=True)
class FetchPlan:
    """One dataset.

    Attributes:
        name: what the command calls it.
        client: whose program brings it.
        key: the ISIC archive's collection, or Kaggle's competition.
        images: how many there are when it is whole.
        gigabytes: about how much room it needs.
        source: the layout (`data.source`) in which it arrives.
        by_hand: where a person gets it.
        by_hand_files: what to put into the folder then.
        by_hand_source: the layout of that.
    """

    name: str
    client: Literal["isic", "kaggle"]
    key: str
    images: int
    gigabytes: float
    source: str
    by_hand: str
    by_hand_files: str
    by_hand_source: str


_PLANS = (
    FetchPlan(
        "ham10000",
        "isic",
        "66",
        10_015,
        2.7,
        "isic_archive",
        "https://doi.org/10.7910/DVN/DBW86T",
        "HAM10000_metadata.csv, and the images of both parts in images/",
        "ham10000",
    ),
    FetchPlan(
        "isic2019",
        "isic",
        "65",
        25_331,
        9.1,
        "isic_archive",
        "https://challenge.isic-archive.com/data/#2019",
        "ISIC_2019_Training_GroundTruth.csv, ISIC_2019_Training_Metadata.csv and the folder ISIC_2019_Training_Input/",
        "isic2019",
    ),
    FetchPlan(
        "isic2020",
        "isic",
        "70",
        33_126,
        23.0,
        "isic_archive",
        "https://challenge.isic-archive.com/data/#2020",
        "ISIC_2020_Training_GroundTruth.csv, and the JPEG images in train/",
        "isic2020",
    ),
    FetchPlan(
        "bcn20000",
        "isic",
        "249",
        18_946,
        6.5,
        "bcn20000",
        "https://api.isic-archive.com/collections/249/",
        "metadata.csv, and the images in images/",
        "bcn20000",
    ),
    FetchPlan(
        "isic2024",
        "kaggle",
        "isic-2024-challenge",
        401_059,
        2.0,
        "isic2024",
        "https://www.kaggle.com/competitions/isic-2024-challenge/data",
        "train-metadata.csv and train-image.hdf5",
        "isic2024",
    ),
)

PLANS: Mapping[str, FetchPlan] = {plan.name: plan for plan in _PLANS}


def find_plan(name: str) -> FetchPlan:
    """The plan of a dataset.

    Raises:
        UnknownDatasetError: there is none.
    """
    try:
        return PLANS[name]
    except KeyError:
        raise UnknownDatasetError(
            f"there is no dataset {name!r} to fetch; those that can be fetched are {', '.join(PLANS)}. (The source "
            "synthetic needs no download: `nevus data synth`.)"
        ) from None
