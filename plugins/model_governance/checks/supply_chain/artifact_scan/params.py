"""What a policy may set for `artifact_scan`."""

from __future__ import annotations

from pydantic import Field

from model_governance.contract.check import Params


class ScanParams(Params):
    """The limits of the scan, and the names that the owner has reviewed."""

    trusted: tuple[str, ...] = Field(
        default=(),
        description="names that the owner has read and accepts: my_package.features.Cleaner, or my_package.* for all of "
        "a package; a name that can run code is never trusted this way",
    )
    max_unpacked_bytes: int = Field(
        default=2**30, ge=2**20, description="bytes that compressed parts may unpack to, all together"
    )
    max_compression_ratio: float = Field(
        default=200.0, gt=1, description="unpacked over packed size above which a part counts as a bomb"
    )
    max_depth: int = Field(default=4, ge=1, le=16, description="archives and pickles inside one another")
    max_opcodes: int = Field(default=20_000_000, ge=1000, description="pickle opcodes that are read")
