"""The public Python names, each as a directive that mkdocstrings turns into signature and docstring."""

from __future__ import annotations

import inspect

import model_governance


def page() -> str:
    """The page of the names in `model_governance.__all__`."""
    names = "\n".join(f"::: {path}\n" for path in public_names().values())
    return f"""# Python

These names are public: `from model_governance import …`. They are imported when they are first used, so
`import model_governance` alone costs nothing. Every other module is internal and may change in any release.

{names}"""


def public_names() -> dict[str, str]:
    """Every public name with the dotted path of what it names."""
    paths = {}
    for name in getattr(model_governance, "__all__", ()):
        thing = getattr(model_governance, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            paths[name] = f"{thing.__module__}.{thing.__qualname__}"
        elif callable(thing):
            paths[name] = f"{thing.__module__}.{thing.__name__}"
    return paths
