"""TorchScript archives: the same answers, gradients by autograd, and nothing in them that leaves torch."""

from __future__ import annotations

import hashlib
import json
import zipfile
from io import BytesIO

import numpy as np
import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Feature
from model_governance.errors import ModelMisbehaved, SubjectError, UntrustedModel
from model_governance.policy import ModelSpec
from model_governance.subjects import load_model
from synthetic import COLUMNS, rows

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

NUMBERS = ["income", "debt", "age"]
NUMERIC = Columns(features={name: Feature(kind="numeric") for name in NUMBERS}, target="label", positive=1)
TODAY = rows(40, seed=2)


class Scaled(torch.nn.Module):
    def __init__(self, outputs: int):
        super().__init__()
        torch.manual_seed(0)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Dropout(0.5), torch.nn.Linear(8, outputs)
        )
        self.register_buffer("scale", torch.tensor([200.0, 100.0, 90.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x / self.scale)


class Named(torch.nn.Module):
    def forward(self, debt: torch.Tensor, income: torch.Tensor, age: torch.Tensor) -> torch.Tensor:
        return torch.stack([debt * debt / 100, income - age], dim=1)


class Flat(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0] * 2


class Sure(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(x[:, :2] / 50, dim=1)


class Random(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :2] + torch.rand_like(x[:, :2])


class Leaking(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print(x)
        return x[:, :2]


class Reading(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :2] + torch.from_file("planted", shared=True, size=2)


def archive(module, *, classes=(0, 1)):
    sink = BytesIO()
    extra = {"classes.json": json.dumps(classes)} if classes else {}
    torch.jit.save(torch.jit.script(module), sink, _extra_files=extra)
    return sink.getvalue()


@pytest.fixture
def load(tmp_path):
    def load_stored(content, *, columns=NUMERIC, **keys):
        (tmp_path / "model.pt").write_bytes(content)
        made = {"name": "network", "uri": "model.pt", "sha256": hashlib.sha256(content).hexdigest()}
        spec = ModelSpec(**made, **{"task": "binary_classification", "format": "torchscript", **keys})
        return load_model(spec, columns, folder=tmp_path, connections=PlainConnections())

    return load_stored


def differences(model, frame, weights):
    result = np.zeros((len(frame), len(NUMBERS)))
    for place, name in enumerate(NUMBERS):
        ends = [model.logits(frame.assign(**{name: frame[name] + side})) for side in (-0.5, 0.5)]
        result[:, place] = ((ends[1] - ends[0]) * weights).sum(axis=1)
    return result


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_network_answers_and_slopes_as_torch_does(load, outputs):
    module = Scaled(outputs).eval()
    model = load(archive(module))
    with torch.no_grad():
        expected = module(torch.from_numpy(TODAY[NUMBERS].to_numpy(dtype="float32"))).double().numpy()
    logits = model.logits(TODAY)
    np.testing.assert_allclose(logits[:, -outputs:], expected, atol=1e-6)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(TODAY), shares, atol=1e-9)
    np.testing.assert_array_equal(model.predict(TODAY), logits.argmax(axis=1))
    weights = np.random.default_rng(0).normal(size=(len(TODAY), 2))
    np.testing.assert_allclose(model.gradient(TODAY, weights), differences(model, TODAY, weights), rtol=0.02, atol=1e-5)
    assert model.classes == (0, 1)
    assert model.train is None


def test_the_answers_stay_the_same_to_the_bit(load):
    model = load(archive(Scaled(2)))
    answers = [model.logits(TODAY).tobytes() for _ in range(4)]
    assert len(set(answers)) == 1


def test_arguments_named_like_columns_take_one_tensor_each(load):
    model = load(archive(Named()))
    logits = model.logits(TODAY)
    np.testing.assert_allclose(logits[:, 0], TODAY["debt"] ** 2 / 100, rtol=1e-5)
    np.testing.assert_allclose(logits[:, 1], TODAY["income"] - TODAY["age"], rtol=1e-4, atol=1e-4)
    gradient = model.gradient(TODAY, np.ones((len(TODAY), 2)))
    np.testing.assert_allclose(gradient[:, 0], 1)
    np.testing.assert_allclose(gradient[:, 1], TODAY["debt"] / 50, rtol=1e-5)
    np.testing.assert_allclose(gradient[:, 2], -1)


def test_values_of_a_regression(load):
    model = load(archive(Flat(), classes=None), task="regression")
    np.testing.assert_allclose(model.predict(TODAY), TODAY["income"] * 2, rtol=1e-6)
    assert model.call_proba is None
    np.testing.assert_allclose(model.gradient(TODAY, np.ones((len(TODAY), 1)))[:, 0], 2)


def test_probabilities_are_taken_as_such_once_the_policy_says_so(load):
    with pytest.raises(SubjectError, match=r"look like probabilities.*model\.output"):
        load(archive(Sure()))
    model = load(archive(Sure()), output="probabilities")
    inputs = TODAY[["income", "debt"]].to_numpy() / 50
    expected = np.exp(inputs) / np.exp(inputs).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(TODAY), expected, atol=1e-6)
    np.testing.assert_allclose(np.diff(model.logits(TODAY))[:, 0], np.diff(inputs)[:, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("module", "keys", "told"),
    [
        (Scaled(2), {"classes": (1, 0)}, "the archive says"),
        (Scaled(3), {}, "answers 3 columns for 2"),
        (Scaled(2), {"task": "regression"}, "answers 2 columns for 1"),
        (Named(), {"columns": COLUMNS}, "channel"),
        (Random(), {}, "differently when asked twice"),
    ],
)
def test_what_does_not_fit_the_policy_is_refused(load, module, keys, told):
    with pytest.raises(SubjectError, match=told):
        load(archive(module), **keys)


def test_classes_must_be_known(load):
    with pytest.raises(SubjectError, match=r"set model\.classes"):
        load(archive(Scaled(2), classes=None))
    model = load(archive(Scaled(3), classes=None), classes=("a", "b", "c"), task="multiclass_classification",
                 columns=NUMERIC.model_copy(update={"positive": None}))  # fmt: skip
    assert set(model.predict(TODAY)) <= {"a", "b", "c"}


def test_a_word_where_a_number_belongs_is_not_quoted(load):
    columns = NUMERIC.model_copy(update={"features": {**NUMERIC.features, "age": Feature(kind="category")}})
    model = load(archive(Scaled(2)), columns=columns)
    with pytest.raises(ModelMisbehaved) as raised:
        model.predict(TODAY.assign(age="secret"))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("module", [Leaking(), Reading()])
def test_a_program_that_leaves_torch_is_refused_before_it_is_loaded(load, module, monkeypatch):
    content = archive(module)
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(UntrustedModel, match=r"from_file|print"):
        load(content)


def rewritten(content, change):
    """The archive with one entry changed by `change(name, bytes)`."""
    sink = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(sink, "w") as new:
        for one in old.infolist():
            new.writestr(one.filename, change(one.filename, old.read(one)))
    return sink.getvalue()


def test_a_pickle_that_names_python_is_refused(load, monkeypatch):
    evil = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("loaded"))
    for name in ("data.pkl", "constants.pkl"):
        content = rewritten(archive(Scaled(2)), lambda entry, old, name=name: evil if entry.endswith(name) else old)
        with pytest.raises(UntrustedModel, match="os system"):
            load(content)


def test_foreign_operators_are_refused(load):
    line = b"ops.symm_mem.get_remote_tensor"
    content = rewritten(archive(Scaled(2)), lambda name, old: old + b"\n# " + line if name.endswith(".py") else old)
    with pytest.raises(UntrustedModel, match="ops"):
        load(content)


def test_a_checkpoint_is_no_program(load):
    sink = BytesIO()
    torch.save(Scaled(2).state_dict(), sink)
    with pytest.raises(SubjectError, match=r"checkpoint.*torch\.jit\.script"):
        load(sink.getvalue())
    torch.save(Scaled(2).state_dict(), old := BytesIO(), _use_new_zipfile_serialization=False)
    with pytest.raises(SubjectError, match=r"pickle.*torch\.jit\.script"):
        load(old.getvalue())


@pytest.mark.parametrize(
    "damage",
    [lambda one: one[:300], lambda one: b"junk", lambda one: one + b"tail", lambda one: one[:-400] + one[-22:]],
)
def test_a_damaged_archive_is_a_subject_error(load, damage):
    with pytest.raises(SubjectError, match=r"model\.pt"):
        load(damage(archive(Scaled(2))))


def traced(module, *, training: bool) -> bytes:
    module.train(training)
    sink = BytesIO()
    rows_of_noise = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
    made = torch.jit.trace(module, rows_of_noise, check_trace=False)
    torch.jit.save(made, sink, _extra_files={"classes.json": "[0, 1]"})
    return sink.getvalue()


def normalising() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Linear(8, 2))


@pytest.mark.filterwarnings("ignore")
def test_a_program_traced_in_training_mode_is_refused(load):
    """M14: batch statistics gave an accuracy of .9951, and .9877 row by row."""
    load(traced(normalising(), training=False))
    with pytest.raises(SubjectError, match="depend on the rows beside them"):
        load(traced(normalising(), training=True))


@pytest.mark.filterwarnings("ignore")
def test_dynamic_quantisation_is_part_of_torchscript_and_refused_for_its_batches(load):
    """M15: its names are known; its scales are those of the whole batch, which is the true reason."""
    quantised = torch.ao.quantization.quantize_dynamic(Scaled(2).eval(), {torch.nn.Linear}, dtype=torch.qint8)
    with pytest.raises(SubjectError, match="dynamic quantisation") as caught:
        load(archive(quantised))
    assert not isinstance(caught.value, UntrustedModel)
