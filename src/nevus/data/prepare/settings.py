"""How images are prepared for training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nevus.settings import Section, fingerprint

Encoding = Literal["jpeg", "raw"]


class PrepareSettings(Section):
    """The images' size and encoding in the shards, and how many make one shard."""

    short_side: int = Field(default=288, ge=16, le=4096)
    """Pixels of the shorter side; the aspect ratio is kept. A smaller image is stored at its own size, never upscaled:
    invented pixels cost room and add nothing, and training frames every image anyway."""
    encoding: Encoding = "jpeg"
    """`jpeg`: re-encoded without chroma subsampling; `raw`: exact pixels, about eight times the room, no decoding."""
    quality: int = Field(default=95, ge=1, le=100)
    """JPEG quality; plays no part with `raw`."""
    images_per_shard: int = Field(default=1024, ge=1)
    workers: int = Field(default=0, ge=0)
    """Threads that read, decode and encode; 0 for one a usable CPU. Changes the speed, not the result."""

    def result_fingerprint(self) -> str:
        """SHA-256 (hex) over what decides the shards' bytes."""
        return fingerprint(self.result_settings())

    def result_settings(self) -> dict[str, int | str]:
        """The settings that decide the shards' bytes, for comparing and for naming a difference."""
        kept: dict[str, int | str] = {
            "short_side": self.short_side,
            "encoding": self.encoding,
            "images_per_shard": self.images_per_shard,
        }
        return kept | ({"quality": self.quality} if self.encoding == "jpeg" else {})
