"""The checks of one run fetch an S3 object once, and the cache never stands between a run and what is stored."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from model_governance.contract.connections import CacheSettings, PlainConnections
from model_governance.engine.stored import PREFIX, Spool, sweep_spools
from model_governance.errors import DigestMismatch, SubjectError
from model_governance.subjects.content_cache import ContentCache, open_cache
from model_governance.subjects.sources import read_source, store_source

URI = "s3://inputs/rows.bin"
CONTENT = bytes(range(256)) * 40


class Counting(PlainConnections):
    """One S3 client whose requests are counted by name, with a cache."""

    def __init__(self, client, settings):
        self.client, self.cache, self.calls = client, settings, []
        client.meta.events.register("before-parameter-build.s3", lambda model, **_: self.calls.append(model.name))

    def s3(self, name):
        return self.client

    @property
    def fetches(self):
        return self.calls.count("GetObject")


@pytest.fixture
def client():
    with mock_aws():
        made = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        made.create_bucket(Bucket="inputs")
        made.put_object(Bucket="inputs", Key="rows.bin", Body=CONTENT)
        yield made


@pytest.fixture
def settings(tmp_path):
    return CacheSettings(folder=tmp_path / "cache", max_bytes=100_000)


@pytest.fixture
def reached(client, settings):
    return Counting(client, settings)


def read(reached, uri=URI, *, expected=None):
    return read_source(uri, folder=Path(), connections=reached, connection=None, expected=expected)


def store(reached, uri=URI):
    return store_source(uri, folder=Path(), connections=reached, connection=None, expected=None)


def entries(settings):
    return sorted((settings.folder / "objects").iterdir())


def test_two_checks_fetch_once_whether_they_read_bytes_or_a_file(reached):
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert read(reached) == (CONTENT, digest)
    stored = store(reached)
    assert (stored.sha256, stored.path.read_bytes()) == (digest, CONTENT)
    assert read(reached, expected=digest)[1] == digest
    assert reached.fetches == 1


def test_without_a_cache_every_check_fetches(client):
    plain = Counting(client, None)
    read(plain)
    store(plain)
    assert plain.calls == ["GetObject", "GetObject"]


def test_an_object_that_was_replaced_is_fetched_and_compared_with_the_approved_digest(reached, client):
    _, digest = read(reached)
    client.put_object(Bucket="inputs", Key="rows.bin", Body=b"replaced")
    with pytest.raises(DigestMismatch):
        read(reached, expected=digest)
    assert read(reached)[0] == b"replaced"
    client.delete_object(Bucket="inputs", Key="rows.bin")
    with pytest.raises(SubjectError, match="nothing is stored there"):
        read(reached)


@pytest.mark.parametrize("use", [read, store])
def test_a_corrupted_entry_is_noticed_and_fetched_again(reached, settings, use, caplog):
    use(reached)
    (entry,) = entries(settings)
    entry.chmod(0o600)
    entry.write_bytes(b"forged" + CONTENT[6:])
    use(reached)
    assert reached.fetches == 2
    assert "other bytes" in caplog.text
    assert read(reached)[0] == CONTENT
    assert reached.fetches == 2


def test_the_bound_evicts_what_was_not_used_for_longest(reached, client, settings):
    for number in range(12):
        client.put_object(Bucket="inputs", Key=f"{number}.bin", Body=bytes([number]) * 20_000)
    for number in (0, 1, 2, 3, 0, 4, 0, 5):
        read(reached, f"s3://inputs/{number}.bin")
    assert sum(entry.stat().st_size for entry in entries(settings)) <= settings.max_bytes
    held = {entry.read_bytes()[0] for entry in entries(settings)}
    assert held == {0, 2, 3, 4, 5}
    client.put_object(Bucket="inputs", Key="large.bin", Body=bytes(200_000))
    assert len(read(reached, "s3://inputs/large.bin")[0]) == 200_000
    assert {entry.read_bytes()[0] for entry in entries(settings)} == held


def test_an_eviction_takes_nothing_from_a_reader_and_a_hit_does_not_change_its_stamp(reached, settings):
    stored = store(reached)
    time.sleep(0.01)
    again = store(reached)
    stored.verify()
    ContentCache(CacheSettings(folder=settings.folder, max_bytes=0)).evict()
    assert entries(settings) == []
    again.verify()
    assert again.path.read_bytes() == CONTENT
    folder = again.path.parent
    del stored, again
    assert not folder.exists()


def test_other_servers_and_versions_have_entries_of_their_own(reached, client, settings):
    client.put_bucket_versioning(Bucket="inputs", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        client.put_object(Bucket="inputs", Key="rows.bin", Body=CONTENT)
        read(reached)
    assert reached.fetches == 2
    assert len(entries(settings)) == 2
    assert len({entry.name.split("-")[1] for entry in entries(settings)}) == 1


def test_the_spool_of_a_killed_task_is_swept_and_one_in_use_is_not(tmp_path):
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom model_governance.engine.stored import Spool\n"
        "spool = Spool(Path(sys.argv[1]))\n(spool.folder / 'content').write_bytes(b'x')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=60)
    (killed,) = tmp_path.glob(f"{PREFIX}*")
    used = Spool(tmp_path)
    for folder in (killed, used.folder):
        os.utime(folder, (time.time() - 300, time.time() - 300))
    (unlocked := tmp_path / f"{PREFIX}other").mkdir()
    assert sweep_spools(tmp_path) == [killed]
    assert not killed.exists()
    assert used.folder.exists()
    os.utime(unlocked, (time.time() - 90_000, time.time() - 90_000))
    assert sweep_spools(tmp_path) == [unlocked]
    used.close()
    assert list(tmp_path.iterdir()) == []


def test_opening_a_cache_sweeps_what_killed_tasks_left_in_it(settings):
    settings.folder.mkdir(mode=0o700)
    stale = settings.folder / f"{PREFIX}killed"
    stale.mkdir()
    (stale / ".lock").touch()
    os.utime(stale, (time.time() - 300, time.time() - 300))
    assert open_cache(settings) is not None
    assert not stale.exists()


def test_a_folder_that_others_can_write_is_not_used(settings, reached, caplog):
    settings.folder.mkdir()
    settings.folder.chmod(0o777)
    assert read(reached)[0] == CONTENT
    assert read(reached)[0] == CONTENT
    assert reached.fetches == 2
    assert "no content cache" in caplog.text


def take(folder, number, results):
    """One task: takes the object a hundred times and counts what it had to download."""
    cache = ContentCache(CacheSettings(folder=Path(folder), max_bytes=100_000))
    downloads = 0

    def download(path):
        nonlocal downloads
        downloads += 1
        time.sleep(0.05)
        path.write_bytes(CONTENT)
        return "a" * 64

    def digest(path):
        content = path.read_bytes()
        return content, hashlib.sha256(content).hexdigest()

    good = sum(cache.fetch("a" * 64, download, digest=digest)[2] == CONTENT for _ in range(100))
    results.put((number, good, downloads))


def test_processes_at_once_wait_for_one_download_and_all_get_the_bytes(settings):
    open_cache(settings)
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    tasks = [context.Process(target=take, args=(str(settings.folder), number, results)) for number in range(2)]
    for task in tasks:
        task.start()
    found = [results.get(timeout=60) for _ in tasks]
    for task in tasks:
        task.join(timeout=60)
    assert [task.exitcode for task in tasks] == [0, 0]
    assert [good for _, good, _ in found] == [100, 100]
    assert sum(downloads for _, _, downloads in found) == 1
    assert list(settings.folder.glob(f"{PREFIX}*")) == []
