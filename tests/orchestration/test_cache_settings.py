from __future__ import annotations

from pathlib import Path

from model_governance.orchestration.stores import DEFAULT_CACHE_BYTES, AirflowConnections


def test_the_cache_of_a_worker_is_on_and_lies_in_airflow_home(monkeypatch):
    from airflow.configuration import AIRFLOW_HOME

    settings = AirflowConnections().cache
    assert settings is not None
    assert settings.folder == Path(AIRFLOW_HOME) / "governance-cache"
    assert settings.max_bytes == DEFAULT_CACHE_BYTES


def test_the_configuration_moves_bounds_and_turns_it_off(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__MODEL_GOVERNANCE__CACHE_FOLDER", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__MODEL_GOVERNANCE__CACHE_BYTES", "1000")
    settings = AirflowConnections().cache
    assert settings is not None
    assert (settings.folder, settings.max_bytes) == (tmp_path, 1000)
    monkeypatch.setenv("AIRFLOW__MODEL_GOVERNANCE__CACHE_BYTES", "0")
    assert AirflowConnections().cache is None
