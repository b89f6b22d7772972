"""Attacks on arrays: ART's interface above, pure functions over small callables below.

Nothing here knows of policies, checks or frames. Every attack advances all rows in lock-step, draws from streams of
its own (one per row, from one seed) and returns what it reached.
"""

from __future__ import annotations
