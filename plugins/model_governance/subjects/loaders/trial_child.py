"""Read a model file as its library does, in a process that may die of it. Run by path (`trial`); imports nothing of ours.

Arguments: format, megabytes of memory, CPU seconds, number of features. The file comes on standard input. The exit status is 0
also where the library refuses the file, because the loader says that better.
"""

from __future__ import annotations

import contextlib
import resource
import sys

NUMPY_TYPES = {
    "tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64", "tensor(int32)": "int32",
    "tensor(bool)": "bool", "tensor(string)": "object",
}  # fmt: skip
OUT_OF_MEMORY = 77


def limit(megabytes: int, seconds: int) -> None:
    """Limit memory and processor time of this process; no core file of a model is written."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


def read_xgboost(content: bytes, features: int) -> None:
    """Load the booster and ask it for one row."""
    import numpy as np
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(content))
    row = xgboost.DMatrix(
        np.zeros((1, features)), feature_names=booster.feature_names, feature_types=booster.feature_types,
        enable_categorical=True, nthread=1,
    )  # fmt: skip
    booster.predict(row)


def read_lightgbm(content: bytes, features: int) -> None:
    """Load the booster and ask it for one row."""
    import lightgbm
    import numpy as np

    lightgbm.Booster(model_str=content.decode()).predict(np.zeros((1, features)), num_threads=1)


def read_onnx(content: bytes, features: int) -> None:
    """Make a session and ask it for one row."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, sess_options=options, providers=["CPUExecutionProvider"])
    row = {}
    for tensor in session.get_inputs():
        shape = [1, *(size if isinstance(size, int) else features for size in tensor.shape[1:])]
        row[tensor.name] = np.zeros(shape, dtype=NUMPY_TYPES.get(tensor.type, "float32"))
    session.run(None, row)


def read_torchscript(content: bytes, features: int) -> None:
    """Load the program and ask it for one row of one tensor."""
    from io import BytesIO

    import torch

    torch.set_num_threads(1)
    module = torch.jit.load(BytesIO(content), map_location="cpu").eval()
    with torch.no_grad():
        module(torch.zeros(1, features))


READERS = {
    "xgboost": read_xgboost, "lightgbm": read_lightgbm, "onnx": read_onnx, "torchscript": read_torchscript,
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Read the file on standard input; the exit status."""
    kind, megabytes, seconds, features = arguments[0], *map(int, arguments[1:4])
    content = sys.stdin.buffer.read()
    limit(megabytes, seconds)
    try:
        with contextlib.suppress(Exception):
            READERS[kind](content, features)
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
