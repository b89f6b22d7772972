"""ONNX: tensors in other files, operators that need native code of others, tensors larger than the file.

Field numbers are those of onnx.proto (IR version 3 and later).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.artifact_scan.findings import Part
from model_governance.checks.supply_chain.artifact_scan.pickle_calls import REFUSE, REVIEW
from model_governance.contract.text import library_words
from model_governance.formats.protobuf import read_fields, read_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog

INNER = {
    "model": {7: "graph", 8: "opset", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 9: "opset"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
DOMAINS = frozenset(
    {
        "", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training", "com.microsoft",
        "com.microsoft.nchwc", "com.microsoft.experimental", "org.pytorch.aten",
    }
)  # fmt: skip
RUNS_PYTHON = frozenset({"PyOp", "PythonOp", "PythonOpGrad", "ATen", "ExternalOp"})
WIDTH = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 14: 8, 15: 16, 16: 2}
HUGE = 1 << 20  # bytes a tensor may claim beyond what it holds


def scan_graph(content: bytes, where: str, log: ScanLog) -> None:
    """A model in ONNX's own encoding."""
    log.parts.append(Part(where=where, kind="onnx", size=len(content)))
    graphs = 0
    try:
        for kind, message in _messages(memoryview(content)):
            graphs += kind == "graph"
            judge = JUDGES.get(kind)
            if judge is not None:
                judge(dict(read_fields(message)), list(read_fields(message)), where, log)
    except (ValueError, UnicodeError) as error:
        log.skip(where, f"not readable as ONNX: {library_words(error)}", "save the model again")
        return
    if graphs == 0:
        log.add("suspicious", "other format", where, "holds no graph, so it is no ONNX model", REVIEW)


def _judge_external(_: dict[int, object], fields: list[tuple[int, object]], where: str, log: ScanLog) -> None:
    key, value = (_text(dict(fields).get(number)) for number in (1, 2))
    if key != "location":
        return
    if value.startswith(("/", "\\", "~")) or ".." in value.replace("\\", "/").split("/") or ":" in value:
        log.add("dangerous", "path traversal", where, f"a tensor is read from {value}, outside its folder", REFUSE)
    else:
        log.add(
            "suspicious", "external data", where, f"a tensor lies in another file, {value}, which no digest covers",
            "save the model with all tensors inside",
        )  # fmt: skip


def _judge_node(fields: dict[int, object], _: list[tuple[int, object]], where: str, log: ScanLog) -> None:
    operator, domain = _text(fields.get(4)), _text(fields.get(7))
    if operator in RUNS_PYTHON:
        log.add("dangerous", "code inside", where, f"the operator {operator} calls code outside of the graph", REFUSE)
    _judge_domain(domain, where, log)


def _judge_opset(fields: dict[int, object], _: list[tuple[int, object]], where: str, log: ScanLog) -> None:
    _judge_domain(_text(fields.get(1)), where, log)


def _judge_domain(domain: str, where: str, log: ScanLog) -> None:
    if domain not in DOMAINS and domain not in log.params.trusted:
        log.names[domain] = "undeclared"
        log.add("suspicious", "custom operator", where, f"needs operators of {domain}, native code of others", REVIEW)


def _judge_tensor(fields: dict[int, object], every: list[tuple[int, object]], where: str, log: ScanLog) -> None:
    """A tensor whose shape promises far more than the bytes it brings."""
    if any(number == 14 and value == 1 for number, value in every):
        return
    dimensions: list[int] = []
    for number, value in every:
        if number == 1:
            dimensions += [value] if isinstance(value, int) else list(_packed(value))
    held = sum(
        len(value) for number, value in every if number in (4, 5, 6, 7, 9, 10, 11) and isinstance(value, memoryview)
    )
    single = sum(1 for number, value in every if number in (4, 5, 6, 7, 10, 11) and isinstance(value, int))
    kind = fields.get(2)
    claimed = prod(dimensions) * WIDTH.get(kind if isinstance(kind, int) else 0, 0)
    # Small numbers may be packed into one byte each, eight times less than they claim.
    if claimed > HUGE + 8 * (held + 8 * single):
        log.add("suspicious", "huge tensor", where, f"a tensor claims {claimed:,} bytes and brings {held:,}", REVIEW)


JUDGES = {"external": _judge_external, "node": _judge_node, "opset": _judge_opset, "tensor": _judge_tensor}


def _text(value: object) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, memoryview) else ""


def _messages(model: memoryview) -> Iterator[tuple[str, memoryview]]:
    waiting = [("model", model)]
    while waiting:
        kind, message = waiting.pop()
        yield kind, message
        for number, value in read_fields(message) if kind in INNER else ():
            if number in INNER[kind] and isinstance(value, memoryview):
                waiting.append((INNER[kind][number], value))


def _packed(message: object) -> Iterator[int]:
    position = 0
    while isinstance(message, memoryview) and position < len(message):
        value, position = read_number(message, position)
        yield value
