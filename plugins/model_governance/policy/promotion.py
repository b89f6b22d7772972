"""How a new version of a model is trained, and what it must show before it replaces the present one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from model_governance.policy.part import Name, Part

ExecutionName = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A pool, queue or executor: up to 256 characters, none of them a control character, which databases refuse."""
Callable = Annotated[str, Field(max_length=500, pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
MarginLabel = Annotated[str, Field(min_length=1, max_length=300)]


class TrainingSpec(Part):
    """The training entry point: a function on the worker, or a DAG that is triggered."""

    callable: Callable | None = Field(
        default=None,
        description="function module:function, importable on the worker; it is given the request and a folder, and returns "
        "the keys of `model` that the new version changes, at least uri",
    )
    dag: str | None = Field(
        default=None, min_length=1, max_length=250,
        description="DAG that is triggered with the request as its conf; the task of `task` returns what a callable would",
    )  # fmt: skip
    task: str = Field(default="train", min_length=1, max_length=250, description="task of `dag` that returns the model")
    pool: ExecutionName | None = Field(default=None, description="Airflow pool of the task that trains")
    queue: ExecutionName | None = Field(default=None, description="queue of the task that trains")
    executor: ExecutionName | None = Field(default=None, description="executor of the task that trains")
    executor_config: dict[str, Any] = Field(default_factory=dict, description="what the task tells its executor")
    timeout_minutes: int = Field(default=720, ge=1, le=10_080, description="time after which training is stopped")

    @model_validator(mode="after")
    def _one_entry_point(self) -> TrainingSpec:
        if (self.callable is None) == (self.dag is None):
            raise ValueError("needs exactly one of callable (module:function) and dag (a DAG id)")
        if self.callable is not None and "task" in self.model_fields_set:
            raise ValueError("task names a task of dag; remove it, or name the DAG")
        return self


class PromotionSpec(Part):
    """What a challenger must show on the same rows as the champion before it replaces it."""

    margins: dict[Name, dict[MarginLabel, Annotated[float, Field(ge=0)]]] = Field(
        min_length=1,
        description="by check and metric, how much worse than the champion the challenger may be at most; the whole 95% "
        "interval of the difference must stay within it",
    )
    require: tuple[str, ...] = Field(
        default=(),
        description="checks that the challenger must pass; of the others it is enough that they do not stop the run",
    )
    approve: Literal["auto", "human"] = Field(
        default="auto", description="who has the last word: nobody, or one of the approvers"
    )

    @model_validator(mode="after")
    def _margins_name_metrics(self) -> PromotionSpec:
        empty = [check for check, metrics in self.margins.items() if not metrics]
        if empty:
            raise ValueError(f"margins: {', '.join(empty)}: no metric; a check without a margin is not compared")
        return self
