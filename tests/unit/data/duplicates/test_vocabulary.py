from __future__ import annotations

import numpy as np

from nevus.data.duplicates.keypoints import extract_keypoints
from nevus.data.duplicates.vocabulary import WORDS, learn_vocabulary


def descriptors(lesion, seeds: range) -> np.ndarray:
    return np.concatenate([extract_keypoints(lesion(seed), 300).descriptors for seed in seeds])


def differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.bitwise_count(a ^ b).sum(axis=-1)


def test_alike_descriptors_share_words_and_bits_and_unrelated_ones_do_not(lesion) -> None:
    sample = descriptors(lesion, range(12))
    vocabulary = learn_vocabulary(sample, len(sample), seed=0)
    noise = np.random.default_rng(0).normal(scale=3, size=sample.shape)
    words, signatures = vocabulary.encode(sample)
    near_words, near_signatures = vocabulary.encode(np.clip(sample + noise, 0, 255).astype(np.uint8))
    assert words.shape == (len(sample), WORDS)
    assert signatures.shape == (len(sample), WORDS, 2)
    assert words.max() < vocabulary.size
    assert (words[:, 0, None] == near_words).any(axis=1).mean() > 0.9
    kept = words[:, 0] == near_words[:, 0]
    assert np.median(differing(signatures[kept, 0], near_signatures[kept, 0])) < 30
    shuffled = np.random.default_rng(1).permutation(len(sample))
    assert 55 < differing(signatures[:, 0], signatures[shuffled, 0]).mean() < 73


def test_the_vocabulary_grows_with_the_collection(lesion) -> None:
    sample = descriptors(lesion, range(3))
    assert learn_vocabulary(sample, 10_000, seed=0).size < learn_vocabulary(sample, 100_000, seed=0).size


def test_it_is_the_same_for_the_same_seed(lesion) -> None:
    sample = descriptors(lesion, range(3))
    first, second, other = (learn_vocabulary(sample, 20_000, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.words, second.words)
    assert not np.array_equal(first.words, other.words)


def test_a_handful_of_keypoints_is_enough(lesion) -> None:
    sample = extract_keypoints(lesion(0), 3).descriptors
    words, _ = learn_vocabulary(sample, 3, seed=0).encode(sample)
    assert words.shape == (3, WORDS)
