"""Every key of a policy, from the models that read it."""

from __future__ import annotations

from model_governance.policy.model import Policy
from reference.markdown import prose
from reference.schemas import key_tables


def page() -> str:
    """The page of the policy keys."""
    return f"""# Policy keys

A policy is one YAML file. An unknown key is a mistake with its line and the nearest known key. `model-governance policy
schema` prints the JSON schema of the same keys, with which editors complete and check policies while you type. The
params and metrics of a check stand on [its own page](checks.md).

{"".join(_section(keys.path, keys.description, keys.text) for keys in key_tables(Policy, prefix=""))}"""


def _section(path: str, description: str, text: str) -> str:
    title = f"`{path}`" if path else "The outermost keys"
    return f"## {title}\n\n{prose(description)}\n{text}\n"
