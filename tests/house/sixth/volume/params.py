"""What a policy may choose."""

from __future__ import annotations

from pydantic import Field

from model_governance.contract.check import Params


class VolumeParams(Params):
    """Parameters of the volume check."""

    batches: int = Field(default=1, ge=1, description="deliveries that current holds; the ratio is that of one of them")
