"""When to stop: a time limit, or Ctrl-C, after which the best plan so far is given with its true gap."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

__all__ = ["Clock", "stoppable"]


@dataclass(slots=True)
class Clock:
    """A deadline that Ctrl-C brings forward.

    Attributes
    ----------
    limit_s
        Seconds in all; None: no limit.
    begin
        When it began (:func:`time.monotonic`).
    stopped
        Whether somebody pressed Ctrl-C.
    raises
        Whether Ctrl-C raises as ever: for work that looks at the time alone.
    """

    limit_s: float | None = None
    begin: float = field(default_factory=time.monotonic)
    stopped: bool = False
    raises: bool = False

    @property
    def deadline(self) -> float | None:
        """When the time is up; None: never."""
        return None if self.limit_s is None else self.begin + self.limit_s

    def late(self, share: float = 1.0) -> bool:
        """Whether that share of the time is up, or somebody pressed Ctrl-C."""
        return self.stopped or (self.limit_s is not None and time.monotonic() > self.begin + share * self.limit_s)

    def left_s(self, share: float = 1.0) -> float:
        """Return how many seconds of that share are left, infinite without a limit."""
        return float("inf") if self.limit_s is None else max(self.begin + share * self.limit_s - time.monotonic(), 0.0)

    def upto(self, share: float) -> Callable[[], bool]:
        """Return whether that share of the time is up, as a function."""
        return lambda: self.late(share)


@contextmanager
def stoppable(clock: Clock) -> Iterator[None]:
    """Let the first Ctrl-C stop a clock, and the second end the program as ever.

    Signals reach the main thread alone: elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        clock.stopped = True
        signal.signal(signal.SIGINT, before)
        if clock.raises:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
