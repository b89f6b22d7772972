"""The laws of a store on Ceph's gateway, which drops the condition on versions and knows no SHA-256; needs its packages."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import children
from model_governance.contract.protection import Protection
from model_governance.evidence.verification import verify_model
from model_governance.store.doctor import examine
from model_governance.store.s3 import S3Store
from properties.test_store_laws import StoreLaws, StoreWithoutCanary, worm
from system.radosgw import RadosGateway, is_installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from properties.test_store_laws import Opener

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not is_installed(), reason="needs radosgw, ceph-mon, ceph-osd and ceph-common of Debian"),
]


@pytest.fixture(scope="module")
def rgw() -> Iterator[RadosGateway]:
    with RadosGateway() as server:
        yield server


class TestGatewayStore(StoreLaws):
    @pytest.fixture(scope="class")
    @classmethod
    def new_store(cls, rgw: RadosGateway) -> Opener:
        client, bucket, numbers = rgw.client(), rgw.new_bucket(), itertools.count()
        return lambda: S3Store(f"s3://{bucket}/store-{next(numbers)}", client=client)


class TestGatewayStoreWithObjectLock(StoreLaws):
    lock_mode = "COMPLIANCE"

    @pytest.fixture(scope="class")
    @classmethod
    def new_store(cls, rgw: RadosGateway) -> Opener:
        client, bucket, numbers = rgw.client(), rgw.new_bucket(locked=True), itertools.count()
        return lambda: StoreWithoutCanary(
            f"s3://{bucket}/store-{next(numbers)}", client=client, protection=worm(cls.lock_mode)
        )


def test_the_doctor_says_what_the_gateway_ignores_and_that_its_locks_hold(rgw: RadosGateway) -> None:
    store = S3Store(
        f"s3://{rgw.new_bucket(locked=True)}/gov", client=rgw.client(), protection=Protection(object_lock="COMPLIANCE")
    )
    outcomes = {trial.name: trial.outcome for trial in examine(store)}
    assert {outcomes[name] for name in ("lock", "marker", "locked_deletion", "shorten", "hold", "bypass")} == {"pass"}
    assert outcomes["checksum"] == "pass"
    assert "fail" not in outcomes.values()


def test_appends_of_four_processes_lose_nothing(rgw: RadosGateway) -> None:
    """This server drops the condition on versions: only the oldest version of a number says who was first."""
    uri = f"s3://{rgw.new_bucket(locked=True)}/gov"
    script = str(Path(__file__).resolve().parents[1] / "appending.py")
    children.run_all([[sys.executable, script, uri, str(number)] for number in range(4)], more=rgw.surroundings())
    found = verify_model(S3Store(uri, client=rgw.client()), "loans")
    assert found.links == 32
    errors = [problem for problem in found.problems if problem.severity == "error"]
    assert errors == []
