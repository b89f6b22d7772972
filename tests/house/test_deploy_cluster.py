"""The examples of a cluster name options that Airflow, its Celery provider and this package have, and fit one another."""

from __future__ import annotations

import re

from deploy_examples import COMPOSE, FOLDER, ROOT, VALUES, named_settings
from model_governance.orchestration.provider_info import get_provider_info

DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
AIRFLOW_PARTS = ("api-server", "scheduler", "dag-processor", "triggerer", "worker-1", "worker-2")


def options() -> set[tuple[str, str]]:
    """Sections and options of Airflow and of this package."""
    from airflow.configuration import retrieve_configuration_description

    sections = [retrieve_configuration_description(include_providers=False), get_provider_info()["config"]]
    return {(name, option) for each in sections for name, section in each.items() for option in section["options"]}


def test_every_option_that_they_set_exists():
    """Those of the Celery provider are looked up by the system tests, where it is installed."""
    assert {each for each in named_settings() - options() if each[0] != "celery"} == set()


def test_every_part_of_airflow_has_the_same_image_and_settings():
    services = COMPOSE["services"]
    image, settings = services["scheduler"]["image"], services["scheduler"]["environment"]
    assert image.split(":")[1] == VALUES["images"]["airflow"]["tag"]
    for name in (*AIRFLOW_PARTS, "migrate"):
        assert (services[name]["image"], services[name]["environment"]) == (image, settings), name
    slots = 2 * int(settings["AIRFLOW__CELERY__WORKER_CONCURRENCY"])
    assert int(settings["AIRFLOW__CORE__PARALLELISM"]) == slots, "a task that waits in the broker counts as lost"


def test_what_a_service_waits_for_and_where_it_keeps_its_data_exist():
    services = COMPOSE["services"]
    for name, service in services.items():
        for other, condition in service.get("depends_on", {}).items():
            assert condition["condition"] != "service_healthy" or "healthcheck" in services[other], (name, other)
    named = {
        volume.split(":")[0] for each in services.values() for volume in each.get("volumes", []) if volume[0] != "."
    }
    assert named == set(COMPOSE["volumes"])


def test_no_secret_stands_in_them():
    """What is secret is a variable of the environment, without a default."""
    secret = re.compile(r"(?i)password|secret|fernet_key")
    given = {name: text for each in COMPOSE["services"].values() for name, text in each.get("environment", {}).items()}
    given |= {each["name"]: each["value"] for each in VALUES["env"]}
    named = {name: text for name, text in given.items() if secret.search(f"{name} {text}")}
    assert len(named) >= 7
    assert {name for name, text in named.items() if "${" not in text} == set()
    assert ":-" not in " ".join(named.values())


def test_the_image_has_the_versions_of_the_package():
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    airflow = re.search(r"FROM apache/airflow:slim-([\d.]+)-python3\.\d+", DOCKERFILE)
    assert airflow is not None
    assert f"apache-airflow=={airflow[1]}\n" in constraints
    assert VALUES["airflowVersion"] == airflow[1]
    extras = re.search(r"\$\{wheel\}\[([a-z,]+)\]", DOCKERFILE)
    assert extras is not None
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for extra in extras[1].split(","):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra
