"""Time stamps over links, by an authority that openssl plays."""

from __future__ import annotations

import shutil

import pytest

import project
import time_stamps
from baseline_cases import Nights
from model_governance.cli import main
from model_governance.evidence.chain import link_key

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl plays the authority")
BOUND = {"metric": "accuracy", "geq_to": 0.5}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authority") / "tsa"
    certificate = time_stamps.make_authority(folder)
    with time_stamps.serving(folder) as address:
        yield address, certificate


@pytest.fixture
def made(tmp_path):
    small = project.small_project(tmp_path, checks={"quality": {"kind": "model_quality", "thresholds": [BOUND]}})
    made = Nights(small)
    for day in (1, 2):
        made.night(day, 0.9)
    return made


def anchor(made, authority) -> int:
    address, certificate = authority
    return main(
        [
            "archive",
            "anchor",
            str(made.small.folder / "archive"),
            "--tsa",
            address,
            "--tsa-certificate",
            str(certificate),
        ]
    )


def verify(made, *more: object) -> int:
    return main(["verify", str(made.small.folder / "archive"), *map(str, more)])


def test_the_newest_link_is_stamped_once_and_the_stamp_verifies(made, authority, capsys):
    assert anchor(made, authority) == 0
    told = capsys.readouterr().out
    assert told.startswith("synthetic: link 2 stamped at 20")
    assert anchor(made, authority) == 0
    assert capsys.readouterr().out == told
    assert verify(made, "--tsa-certificate", authority[1]) == 0
    assert "time stamp over link 2 of 20" in capsys.readouterr().out
    assert verify(made) == 0
    assert "time stamps were not checked" in capsys.readouterr().out


def test_a_stamped_link_that_was_removed_is_found_without_an_expected_head(made, authority, capsys):
    anchor(made, authority)
    store = made.small.store
    (store.root / link_key("synthetic", 2)).unlink()
    for key in list(store.keys("v1/runs/")):
        if "2026-03-02" in key:
            (store.root / key).unlink()
    assert verify(made) == 0, "without the anchor nothing shows that the end was cut off"
    assert verify(made, "--tsa-certificate", authority[1]) == 1
    assert "link 2 of synthetic was anchored and is not there" in capsys.readouterr().out


def test_a_stamp_over_another_link_or_by_another_authority_proves_nothing(made, authority, tmp_path, capsys):
    anchor(made, authority)
    store = made.small.store
    stranger = time_stamps.make_authority(tmp_path / "stranger")
    assert verify(made, "--tsa-certificate", stranger) == 1
    path = store.root / "v1/anchors/model=synthetic/0000000002.tsr"
    path.with_name("0000000001.tsr").write_bytes(path.read_bytes())
    assert verify(made, "--tsa-certificate", authority[1]) == 1
    assert "is no time stamp of this authority over link 1" in capsys.readouterr().out
    path.with_name("0000000001.tsr").write_bytes(b"nonsense")
    assert verify(made, "--tsa-certificate", authority[1]) == 1


def test_an_authority_that_does_not_answer_is_infrastructure(made, authority, capsys):
    assert anchor(made, ("http://127.0.0.1:9/", authority[1])) == 3
    assert "does not answer" in capsys.readouterr().err
    assert not list(made.small.store.keys("v1/anchors/"))


def test_files_that_are_no_certificate_are_refused(made, tmp_path, capsys):
    (tmp_path / "none.pem").write_text("nothing")
    assert verify(made, "--tsa-certificate", tmp_path / "none.pem") == 3
    assert verify(made, "--tsa-certificate", tmp_path / "missing.pem") == 3
    assert "pass the right path" in capsys.readouterr().err
