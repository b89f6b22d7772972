"""A disk that is full and a limit of file sizes, from the kernel itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WRITE = """
import sys
from pathlib import Path
from model_governance.errors import StoreError
from model_governance.store.local import LocalStore

store = LocalStore(sys.argv[1])
store.put_once("v1/small", b"x" * 100, media_type="text/plain")
try:
    store.put_once("v1/large", b"x" * 200_000, media_type="text/plain")
except StoreError as error:
    print(error)
print(sorted(path.name for path in Path(sys.argv[1]).rglob("*") if path.is_file()))
store.put_once("v1/other", b"y" * 100, media_type="text/plain")
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "plugins")},
    )  # fmt: skip


def test_a_limit_of_file_sizes_is_told_and_leaves_nothing(tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))\n"
    done = run(sys.executable, "-c", limit + WRITE, str(tmp_path))
    assert done.returncode == 0, done.stderr
    sentence, names = done.stdout.splitlines()
    assert sentence.startswith(f"cannot store 200000 bytes at {tmp_path}/v1/large: File too large; raise the limit")
    assert names == "['small']"


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a mount of its own: `unshare` of util-linux")
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    mount = f"mount -t tmpfs -o size=128k governance {tmp_path}"
    if run("unshare", "--mount", "--map-root-user", "sh", "-c", mount).returncode:
        pytest.skip("this user may not mount a small file system")
    script = tmp_path.parent / "write.py"
    script.write_text(WRITE)
    done = run("unshare", "--mount", "--map-root-user", "sh", "-c", f"{mount} && {sys.executable} {script} {tmp_path}")
    assert done.returncode == 0, done.stderr
    sentence, names = done.stdout.splitlines()
    assert sentence.startswith(f"cannot store 200000 bytes at {tmp_path}/v1/large: No space left on device; free space")
    assert names == "['small']"
