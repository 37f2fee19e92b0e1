from __future__ import annotations

import numpy as np

from nevus.data.duplicates.keypoints import MIRROR, extract_keypoints, to_working_size


def test_descriptors_are_root_histograms_of_one_length(lesion) -> None:
    keypoints = extract_keypoints(lesion(0), 200)
    assert len(keypoints) == 200
    lengths = np.linalg.norm(keypoints.descriptors.astype(float), axis=1)
    np.testing.assert_allclose(lengths, 255, rtol=0.02)


def test_the_strongest_are_kept_first(lesion) -> None:
    many, few = extract_keypoints(lesion(0), 200), extract_keypoints(lesion(0), 50)
    np.testing.assert_array_equal(few.frames, many.frames[:50])
    np.testing.assert_array_equal(few.descriptors, many.descriptors[:50])


def test_a_blank_image_has_none() -> None:
    keypoints = extract_keypoints(np.full((225, 300, 3), 128, np.uint8), 100)
    assert len(keypoints) == 0
    assert keypoints.descriptors.shape == (0, 128)


def test_mirroring_the_keypoints_gives_those_of_the_mirrored_image(lesion) -> None:
    image = lesion(1)
    mirrored = extract_keypoints(image, 150).mirrored()
    real = extract_keypoints(np.ascontiguousarray(image[::-1]), 150)
    agree = 0
    for frame, descriptor in zip(mirrored.frames, mirrored.descriptors, strict=True):
        place = np.array([frame[0], frame[1] + image.shape[0] - 1])
        near = np.hypot(*(real.frames[:, :2] - place).T) < 1.0
        turn = np.abs(np.angle(np.exp(1j * (real.frames[:, 3] - frame[3]))))
        same = near & (turn < 0.2)
        if same.any():
            cosine = real.descriptors[same].astype(float) @ descriptor.astype(float) / 255**2
            agree += bool(cosine.max() > 0.97)
    assert agree > 110


def test_mirroring_twice_changes_nothing() -> None:
    assert np.array_equal(MIRROR[MIRROR], np.arange(128))
    assert not np.array_equal(MIRROR, np.arange(128))


def test_larger_images_are_scaled_down_and_smaller_ones_left(lesion) -> None:
    image = lesion(2)
    assert to_working_size(image, 150).shape == (150, 200, 3)
    assert to_working_size(image, 400) is image
