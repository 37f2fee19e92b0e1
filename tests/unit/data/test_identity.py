"""An image is known by its bytes and by its number in the ISIC archive."""

from __future__ import annotations

from manifest_factory import manifest
from nevus.data.identity import identities


def test_an_image_is_its_bytes_and_its_number_in_the_archive_whatever_it_is_called() -> None:
    rows = manifest(
        {"image_id": "ISIC_0024306", "sha256": "a" * 64, "group_id": "g1"},
        {"image_id": "isic2019/ISIC_0024307_downsampled.jpg", "sha256": "b" * 64, "group_id": "g2"},
        {"image_id": "mel/1.jpg", "sha256": "c" * 64, "group_id": "g3"},
        {"image_id": "mel/2.jpg", "group_id": "g4"},
    )
    assert sorted(identities(rows).select("identity", "group_id").rows()) == [
        ("ISIC_0024306", "g1"),
        ("ISIC_0024307", "g2"),
        ("a" * 64, "g1"),
        ("b" * 64, "g2"),
        ("c" * 64, "g3"),
    ]
