"""`model-governance model approve`: write down what a model answers today, to be compared in every run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, get_args

from model_governance.authoring.suggest import CLOSED, FORMATS, from_folder
from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.contract.model import Task
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Feature
from model_governance.engine.column_kinds import NUMBERS, kind_of_series
from model_governance.errors import PolicyError
from model_governance.policy import DatasetSpec, ModelSpec, load_policy
from model_governance.subjects import load_dataset, load_model
from model_governance.subjects.approved_answers import approve
from model_governance.subjects.digests import digest_bytes
from model_governance.subjects.image_columns import with_pixel_columns
from model_governance.subjects.loaders.contract import OtherColumns
from model_governance.subjects.sources import read_source

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from model_governance.contract.connections import Connections

POLICIES = (".yaml", ".yml")


def add_model(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    model = commands.add_parser("model", help="approve the answers of a model").add_subparsers(
        required=True, metavar="COMMAND"
    )
    asked = model.add_parser("approve", help="write what the model answers on a sample of rows; runs compare with it")
    asked.add_argument("model", metavar="MODEL", help="model file, or policy that names it")
    asked.add_argument("--rows", required=True, metavar="REFERENCE", help="rows to ask (uri); they are not stored")
    asked.add_argument("--policy", type=Path, help="policy of the model, where MODEL is a file")
    asked.add_argument("--task", choices=get_args(Task), default="binary_classification", help="without a policy")
    asked.add_argument("--allow-pickle", action="store_true", help="without a policy: load a joblib or pickle file")
    asked.add_argument("--seed", type=int, default=0, help="of the sample (default: %(default)s)")
    asked.add_argument("--output", type=Path, help="file to write, default MODEL.approval.json beside the model")
    asked.set_defaults(command=_approve)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is loaded, from which folder, and the features it is asked with; None: those of the rows that it knows."""

    spec: ModelSpec
    folder: Path
    columns: Columns | None


def _approve(options: argparse.Namespace) -> int:
    connections = PlainConnections()
    asked = _described(options, connections)
    output: Path = options.output or _beside(asked)
    dataset = load_dataset("reference", DatasetSpec(uri=options.rows), folder=Path.cwd(), connections=connections)
    spec = asked.spec.model_copy(update={"approval": None, "decision_threshold": None})
    columns = asked.columns or _columns(spec, dataset.frame, folder=asked.folder, connections=connections)
    dataset = with_pixel_columns(dataset, columns)
    lacking = [name for name in columns.names if name not in dataset.names]
    if lacking:
        raise PolicyError(
            [f"--rows {options.rows}: lacks the feature(s) {', '.join(lacking)}; name rows that hold them"]
        )
    model = load_model(spec, columns, folder=asked.folder, connections=connections)
    rows = dataset.read(list(columns.names))
    uri = from_folder(options.rows, output.resolve().parent)
    approval = canonical_json(approve(model, columns, rows, uri=uri, sha256=dataset.sha256, seed=options.seed))
    output.write_bytes(approval)
    shown = from_folder(str(output), asked.folder.resolve())
    print(f"{output}: written; put it into the policy:")
    print(f"  model:\n    sha256: {spec.sha256}\n    approval: {{uri: {shown}, sha256: {digest_bytes(approval)}}}")
    return 0


def _described(options: argparse.Namespace, connections: Connections) -> _Asked:
    path = Path(options.model) if options.model.endswith(POLICIES) else options.policy
    if path is not None:
        policy = load_policy(path, catalogue())
        spec = policy.model
        if not options.model.endswith(POLICIES):
            _, digest = read_source(
                options.model, folder=Path.cwd(), connections=connections, connection=spec.connection, expected=None
            )
            if digest != spec.sha256:
                raise PolicyError([f"{options.model}: has sha256 {digest}, and {path} approves {spec.sha256}"])
        return _Asked(spec=spec, folder=policy.folder, columns=policy.columns)
    ending = PurePosixPath(options.model).suffix
    if ending not in FORMATS:
        raise PolicyError([f"{options.model}: the ending names no format of {', '.join(FORMATS)}; pass --policy"])
    _, digest = read_source(options.model, folder=Path.cwd(), connections=connections, connection=None, expected=None)
    values = {
        "name": PurePosixPath(options.model).stem, "uri": options.model, "sha256": digest, "format": FORMATS[ending],
        "task": options.task, "allow_pickle": options.allow_pickle,
    }  # fmt: skip
    if FORMATS[ending] in CLOSED and not options.allow_pickle:
        raise PolicyError([f"{options.model}: can run code while loading; pass --allow-pickle if the file is yours"])
    return _Asked(spec=ModelSpec.model_validate(values), folder=Path.cwd(), columns=None)


def _columns(spec: ModelSpec, frame: pd.DataFrame, *, folder: Path, connections: Connections) -> Columns:
    """The columns of the rows that the model knows, in its order."""
    kinds = {str(name): _kind(frame[name]) for name in frame.columns}
    columns = Columns(features={name: Feature.model_validate({"kind": kind}) for name, kind in kinds.items()})
    try:
        load_model(spec, columns, folder=folder, connections=connections)
    except OtherColumns as error:
        lacking = [name for name in error.known if name not in kinds]
        if lacking:
            raise
        return Columns(features={name: columns.features[name] for name in error.known})
    return columns


def _kind(column: pd.Series) -> str:
    kind = kind_of_series(column)
    if kind == "boolean":
        return "boolean"
    return "numeric" if kind in NUMBERS else "category"


def _beside(asked: _Asked) -> Path:
    uri = asked.spec.uri
    if "://" in uri or uri.startswith("mlflow:"):
        return asked.folder / f"{asked.spec.name}.approval.json"
    return asked.folder / f"{uri}.approval.json"
