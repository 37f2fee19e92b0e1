"""The keypoints of a whole collection of images, kept on disk as far as they're large."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nevus.data.duplicates.keypoints import DESCRIPTOR, Keypoints, extract_keypoints

Reader = Callable[[int], NDArray[np.uint8]]
"""Number of an image -> pixels uint8 [H, W, 3]. Called from several threads, and again for pairs that are compared."""


class Collection:
    """Keypoints by image; the descriptors lie in a file, so that memory holds 16 bytes a keypoint instead of 144."""

    def __init__(self, images: int, keypoints: int, scratch: Path) -> None:
        self.counts = np.zeros(images, np.int32)
        self.frames = np.zeros((images, keypoints, 4), np.float32)
        self._descriptors = np.memmap(
            scratch / "descriptors.uint8", np.uint8, mode="w+", shape=(images, keypoints, DESCRIPTOR)
        )

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, image: int) -> Keypoints:
        count = self.counts[image]
        return Keypoints(self.frames[image, :count], np.asarray(self._descriptors[image, :count]))

    def put(self, image: int, keypoints: Keypoints) -> None:
        """Keep the keypoints of an image."""
        count = len(keypoints)
        self.counts[image] = count
        self.frames[image, :count] = keypoints.frames
        self._descriptors[image, :count] = keypoints.descriptors


def collect_keypoints(
    reader: Reader,
    collection: Collection,
    *,
    workers: int,
    done: Callable[[int], None],
) -> None:
    """Extract the keypoints of all images, read at the working size, into `collection`, on `workers` threads."""
    most = collection.frames.shape[1]

    def extract(image: int) -> None:
        collection.put(image, extract_keypoints(reader(image), most))

    with ThreadPoolExecutor(workers) as pool:
        for count, _ in enumerate(pool.map(extract, range(len(collection))), start=1):
            done(count)
