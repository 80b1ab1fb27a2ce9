"""Every limit of the product in one frozen place: bytes, pixels, channels, cache entries.

Import `LIMITS` and read a field; nothing else in the library writes such a number down.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Units stand in the names; the reasons stand beside the numbers."""

    # networks
    min_resolution: int = 8  # px; below it the first strides leave nothing to look at
    max_resolution: int = 4096  # px
    max_channels: int = 65_536  # widest tensor of a network; L2 needs 8,256
    max_blocks: int = 1_000  # MBConv blocks; L2 has 88
    max_classes: int = 100_000

    # pictures
    image_bytes: int = 10_000_000
    image_pixels: int = 25_000_000  # from the header, before anything is decoded
    image_aspect: int = 20  # longer side : shorter side
    images_held: int = 12  # pictures that one session keeps

    # weight files
    checkpoint_bytes: int = 300_000_000  # an uploaded file
    checkpoint_header_bytes: int = 1_000_000  # a real header of B7 has 110 kB
    class_names_bytes: int = 5_000_000

    # gate profiles
    profile_rows: int = 20_000_000
    profile_bytes: int = 1_500_000_000  # of the rows in memory

    # caches of the app: entries
    cached_models: int = 2
    cached_results: int = 32
    cached_baselines: int = 2  # a visitor's: B7 at 600 px holds about 150 MB
    cached_drawings: int = 256
    cached_tables: int = 32

    # several people at once
    computing_at_once: int = 1  # forward passes; torch spreads one over the cores
    waiting_seconds: float = 60.0  # then the page says that the machine is busy

    # drawing
    label_chars: int = 200
    dot_bytes: int = 2_000_000
    layout_seconds: float = 20.0


LIMITS = Limits()
