"""Retries with exponential pauses and jitter, for every place that waits for another writer or a busy server.

Jitter keeps tasks that failed together from asking together again (Brooker, "Exponential Backoff And Jitter", AWS
Architecture Blog, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How often something is tried and how long the pauses are, in seconds.

    The pause before try k + 1 is `first * factor**(k - 1)` plus up to `first` at random, at most `longest`.
    """

    attempts: int
    first: float
    longest: float
    factor: float = 2.0

    def until(
        self,
        attempt: Callable[[], T],
        *,
        done: Callable[[T], bool],
        at_least: Callable[[T], float] = lambda _: 0.0,
    ) -> T:
        """Call `attempt` until its result is done or the attempts are used up; returns the last result.

        Args:
            attempt: one try; what it raises is not retried.
            done: whether a result ends the tries.
            at_least: seconds that a result asks to wait before the next try.
        """
        from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_exponential_jitter

        jittered = wait_exponential_jitter(
            initial=self.first, max=self.longest, exp_base=self.factor, jitter=self.first
        )

        def last(state: RetryCallState) -> T:
            result: T = state.outcome.result()  # type: ignore[union-attr]  # set after every attempt
            return result

        return Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=lambda state: max(jittered(state), at_least(last(state))),
            retry=retry_if_result(lambda result: not done(result)),
            retry_error_callback=last,
        )(attempt)
