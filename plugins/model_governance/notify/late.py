"""The note about a run that has not ended at its deadline. Nothing of it was judged, so that it holds no finding."""

from __future__ import annotations

from model_governance.notify.note import Note, Section

WHAT_TO_DO = "Look for tasks that wait for a pool, a worker or data."


def late_note(model: str, *, owner: str, dag_id: str, run_id: str, minutes: int, link: str = "") -> Note:
    """The note of a late run. A pager is not told when it is over: the message of the run says how it ended.

    Args:
        model: name of the model.
        owner: who is responsible for it.
        dag_id: DAG of the run.
        run_id: the run.
        minutes: the deadline, counted from the moment at which the run was queued.
        link: address of the run.
    """
    return Note(
        title=f"{model}: run is late",
        lead=f"Run {run_id} of DAG {dag_id} has not ended {minutes} minutes after it was queued.",
        sections=(Section(title="What to do", lines=(WHAT_TO_DO, f"Owner: {owner}.")),),
        level="fail", subject=f"{model}/late", link=link,
        facts={"schema": "model-governance/message/v1", "kind": "late", "model": model, "owner": owner, "dag_id": dag_id,
               "run_id": run_id, "minutes": minutes, "link": link},
    )  # fmt: skip
