"""Where an object is, in stored documents, and the digest of its bytes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from model_governance.contract.documents import Form, Sha256

Name = Annotated[str, Field(min_length=1)]


class Address(Form):
    """Where an object is, and the digest of its bytes."""

    key: Name
    sha256: Sha256


class AddressPart(TypedDict):
    """An address among many: a record names forty, and to make an object of each takes twice as long as to look at it."""

    __pydantic_config__ = Address.model_config  # type: ignore[misc]  # pydantic reads it

    key: Name
    sha256: Sha256
