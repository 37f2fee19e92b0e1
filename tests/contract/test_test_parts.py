"""What the store promises about test parts: openings are counted, and what was test once stays test."""

from __future__ import annotations

from datetime import UTC, datetime

from nevus.store import (
    count_test_openings,
    entries,
    fix_test_groups,
    known_test_images,
    list_test_openings,
    record_test_opening,
    verify,
)

SPLIT, OTHER = "a" * 64, "b" * 64


def look(store, images, split=SPLIT, **changes):
    told = {"split_fingerprint": split, "bundle_digest": "1" * 64, "run": "/runs/1", "by": "ops"}
    return record_test_opening(store, images, **(told | changes))


def test_every_opening_counts_for_the_images_that_it_shows(store):
    assert count_test_openings(store, {"i1", "i2"}) == 0
    assert (look(store, {"i1", "i2"}), look(store, {"i1", "i2"})) == (1, 2)
    assert look(store, {"i7", "i8"}, OTHER, bundle_digest="2" * 64, run="/runs/2") == 1
    assert count_test_openings(store, {"i1", "i2"}) == 2
    assert count_test_openings(store, {"i7"}) == 1
    opening = list_test_openings(store, OTHER)[0]
    assert (opening.run, opening.actor, opening.bundle_digest) == ("/runs/2", "ops", "2" * 64)
    assert opening.opened_at <= datetime.now(UTC)


def test_no_other_split_of_the_same_images_starts_to_count_anew(store):
    """Another seed, an image more, an image less: the others have been looked at all the same."""
    look(store, {"i1", "i2", "i3"})
    assert look(store, {"i1", "i2"}, OTHER) == 2
    assert look(store, {"i2", "i3", "i4"}, "c" * 64) == 3
    assert look(store, {"i4", "i5"}, "d" * 64) == 2
    assert [count_test_openings(store, {image}) for image in ("i1", "i2", "i3", "i4", "i5")] == [2, 3, 2, 2, 1]


def test_a_large_test_part_is_counted_whole(store):
    images = [f"i{n:05d}" for n in range(12_000)]
    assert [look(store, images), look(store, images[::-1])] == [1, 2]
    assert [count_test_openings(store, [image]) for image in (images[0], images[6_000], images[-1])] == [2, 2, 2]


def test_openings_stand_in_the_audit(store):
    look(store, {"i1"})
    entry = entries(store, action="test.open")[0]
    assert (entry.subject, entry.details["opening"]) == (f"split:{SPLIT}", 1)


def test_a_test_image_stays_test_for_ever(store):
    assert known_test_images(store) == set()
    assert fix_test_groups(store, {"i1": "g1", "i2": "g1", "i3": "g2"}, split_fingerprint=SPLIT) == 3
    assert fix_test_groups(store, {"i3": "g9", "i4": "g3"}, split_fingerprint=OTHER) == 1
    assert known_test_images(store) == {"i1", "i2", "i3", "i4"}


def test_fixing_again_what_is_fixed_leaves_no_noise(store):
    groups = {f"i{n}": f"g{n // 2}" for n in range(12_000)}
    assert fix_test_groups(store, groups, split_fingerprint=SPLIT) == 12_000
    assert fix_test_groups(store, groups, split_fingerprint=SPLIT) == 0
    (entry,) = entries(store)
    assert (entry.details["identities"], entry.details["groups"]) == (12_000, 6_000)
    assert verify(store).intact
