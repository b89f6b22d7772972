"""The address under which a browser finds a stored page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.sdk import conf

from model_governance.orchestration.served_stores import is_served
from model_governance.orchestration.stores import URL_PREFIX

if TYPE_CHECKING:
    from model_governance.store import ArtifactStore, Stored


def report_url(
    stored: Stored, *, store: ArtifactStore, dag_id: str, connection: str | None = None, task: Any = None
) -> str:
    """Where a browser finds a stored page: in the viewer if it serves this store, else at the object's uri.

    Args:
        stored: the page.
        store: that holds it.
        dag_id: the DAG whose readers may see it.
        connection: over which the DAG reaches the store.
        task: the task instance that stored it, where its run is not archived yet.
    """
    if not is_served(store, connection):
        return stored.uri
    root = f"{urlsplit(conf.get('api', 'base_url', fallback='')).path.rstrip('/')}{URL_PREFIX}/dags/{quote(dag_id, safe='')}"
    if task is None:
        return f"{root}/store/{quote(stored.key, safe='/=')}"
    index = task.map_index if task.map_index is not None else -1
    place = f"runs/{quote(task.run_id, safe='')}/tasks/{quote(task.task_id, safe='')}"
    return f"{root}/{place}/report?map_index={index}"
