"""What an epoch draws is a function of seed and epoch alone, and the ranks share it out."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nevus.training.sampling import Draw, EpochSampler

LABELS = np.array([0] * 80 + [1] * 15 + [2] * 5)


def sampler(labels=LABELS, *, epoch=0, rank=0, world=1, batch=8, power=0.0, draws=None, seed=0):
    return EpochSampler(
        labels,
        batch_size=batch,
        sampler_power=power,
        images_per_epoch=draws or len(labels),
        seed=seed,
        epoch=lambda: epoch,
        rank=rank,
        world=world,
    )


def test_the_order_depends_on_seed_and_epoch_and_nothing_else():
    for power in (0.0, 0.5):
        first = sampler(power=power)
        list(first)  # what was drawn before plays no part
        np.random.default_rng(5).random(100)
        assert np.array_equal(first.order(3), sampler(power=power).order(3))
        assert not np.array_equal(first.order(3), first.order(4))
        assert not np.array_equal(first.order(3), sampler(power=power, seed=1).order(3))


def test_the_epoch_is_asked_for_at_each_iteration():
    epochs = iter([0, 7])
    drawn = EpochSampler(
        LABELS, batch_size=8, sampler_power=0.0, images_per_epoch=100, seed=0, epoch=lambda: next(epochs)
    )
    first, second = list(drawn), list(drawn)
    assert {draw.epoch for batch in first for draw in batch} == {0}
    assert [d.row for b in second for d in b] == [d.row for b in sampler(epoch=7) for d in b]


def test_without_power_every_image_is_drawn_once():
    assert sorted(sampler().order(2)) == list(range(100))
    assert Counter(sampler(draws=250).order(0)).most_common(1)[0][1] == 3
    assert set(Counter(sampler(draws=250).order(0)).values()) == {2, 3}


def test_an_epoch_may_draw_fewer_images_than_there_are():
    some = sampler(draws=32)
    assert len(some) == 4
    assert len({draw.row for batch in some for draw in batch}) == 32


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_classes_are_drawn_in_the_shares_that_the_power_asks_for(power):
    drawn = sampler(power=power, draws=40_000).order(0)
    shares = np.bincount(LABELS[drawn], minlength=3) / 40_000
    counts = np.array([80, 15, 5]) ** (1 - power)
    assert shares == pytest.approx(counts / counts.sum(), abs=0.012)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(2, 9), st.integers(20, 130), st.sampled_from([0.0, 0.7]))
def test_ranks_share_out_each_batch_without_overlap(world, batch, draws, power):
    ranks = [list(sampler(rank=r, world=world, batch=batch, draws=draws, power=power)) for r in range(world)]
    whole = list(sampler(batch=batch * world, draws=draws, power=power))
    assert {len(r) for r in ranks} == {len(whole)}
    for number, together in enumerate(whole):
        parts = [draw for r in ranks for draw in r[number]]
        assert all(len(r[number]) == batch for r in ranks)
        assert parts == together
        if draws >= batch * world:
            assert len({draw.place for draw in parts}) == batch * world


def test_fewer_images_than_a_batch_still_make_one():
    tiny = list(sampler(np.array([0, 1, 1]), batch=8))
    assert len(tiny) == 1
    assert len(tiny[0]) == 8
    assert {draw.row for draw in tiny[0]} == {0, 1, 2}


def test_a_draw_says_where_it_stands():
    batches = list(sampler(epoch=2, batch=8))
    assert [draw.place for batch in batches for draw in batch] == list(range(96))
    assert batches[1][0] == Draw(2, 8, int(sampler().order(2)[8]))
