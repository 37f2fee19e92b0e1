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


def test_every_opening_counts_for_its_own_split(store):
    assert count_test_openings(store, SPLIT) == 0
    first = record_test_opening(store, split_fingerprint=SPLIT, bundle_digest="1" * 64, run="/runs/1", by="ops")
    second = record_test_opening(store, split_fingerprint=SPLIT, bundle_digest="1" * 64, run="/runs/1", by="ops")
    record_test_opening(store, split_fingerprint=OTHER, bundle_digest="2" * 64, run="/runs/2", by="ops")
    assert (first, second) == (1, 2)
    assert count_test_openings(store, SPLIT) == 2
    assert count_test_openings(store, OTHER) == 1
    opening = list_test_openings(store, OTHER)[0]
    assert (opening.run, opening.actor, opening.bundle_digest) == ("/runs/2", "ops", "2" * 64)
    assert opening.opened_at <= datetime.now(UTC)


def test_openings_stand_in_the_audit(store):
    record_test_opening(store, split_fingerprint=SPLIT, bundle_digest="1" * 64, run="/runs/1", by="ops")
    entry = entries(store, action="test.open")[0]
    assert (entry.subject, entry.details["opening"]) == (f"split:{SPLIT}", 1)


def test_a_test_image_stays_test_for_ever(store):
    assert fix_test_groups(store, "ham10000", {"i1": "g1", "i2": "g1", "i3": "g2"}, split_fingerprint=SPLIT) == 3
    assert fix_test_groups(store, "ham10000", {"i3": "g9", "i4": "g3"}, split_fingerprint=OTHER) == 1
    fix_test_groups(store, "isic2020", {"i1": "p1", "i9": "p9"}, split_fingerprint=OTHER)
    assert known_test_images(store, ["ham10000"]) == {"i1", "i2", "i3", "i4"}
    assert known_test_images(store, ["isic2020", "isic2020"]) == {"i1", "i9"}
    assert known_test_images(store) == {"i1", "i2", "i3", "i4", "i9"}
    assert known_test_images(store, []) == set()


def test_fixing_again_what_is_fixed_leaves_no_noise(store):
    groups = {f"i{n}": f"g{n // 2}" for n in range(12_000)}
    assert fix_test_groups(store, "d", groups, split_fingerprint=SPLIT) == 12_000
    assert fix_test_groups(store, "d", groups, split_fingerprint=SPLIT) == 0
    assert [(e.details["images"], e.details["groups"]) for e in entries(store)] == [(12_000, 6_000)]
    assert verify(store).intact
