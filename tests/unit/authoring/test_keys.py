"""`keys init`: three files, the private one for its user only, and nothing is overwritten."""

from __future__ import annotations

import stat

import pytest

from model_governance.cli import main
from model_governance.evidence.envelope import seal
from model_governance.evidence.signing import read_private_key
from model_governance.evidence.trust import read_trust


def test_the_pair_fits_the_trust_file(tmp_path, capsys):
    folder = tmp_path / "a" / "keys"
    assert main(["keys", "init", str(folder), "--owner", "ML risk"]) == 0
    signer = read_private_key((folder / "signing_key.pem").read_bytes(), origin="test")
    trust = read_trust(folder / "trust.yaml")
    trusted = trust.keys[signer.keyid]
    assert trusted.owner == "ML risk"
    assert trust.problem_of(seal(b"{}", signer), moment=trusted.valid_from) == ""
    told = capsys.readouterr().out
    assert signer.keyid in told
    assert "PRIVATE KEY" not in told


def test_the_private_key_is_for_its_user_only(tmp_path):
    main(["keys", "init", str(tmp_path)])
    assert stat.S_IMODE((tmp_path / "signing_key.pem").stat().st_mode) == 0o600


@pytest.mark.parametrize("existing", ["signing_key.pem", "signing_key.pub", "trust.yaml"])
def test_nothing_is_overwritten(tmp_path, existing, capsys):
    (tmp_path / existing).write_text("mine")
    assert main(["keys", "init", str(tmp_path)]) == 2
    assert "is not overwritten" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [existing]


def test_a_folder_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["keys", "init", str(tmp_path / "file" / "keys")]) == 3
    assert "cannot write keys" in capsys.readouterr().err
