"""The world's clock: it stands still until it is moved, or it runs a number of times faster than the wall clock."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the world asks of its clock. `now` is aware UTC; `sleep` takes seconds of world time."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        msg = f"The clock needs an instant with an offset, such as 2026-11-23T07:00:00Z, and got {at.isoformat()}"
        raise ValueError(msg)
    return at.astimezone(UTC)


class VirtualClock:
    """A clock that moves only when told to. Sleeping moves it, so that waiting costs nothing."""

    def __init__(self, start: datetime) -> None:
        self._now = _utc(start)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move forward; ValueError on a negative step, since the world can't unhappen."""
        if by < timedelta(0):
            msg = f"The clock only moves forward, and was asked to move by {by}"
            raise ValueError(msg)
        self._now += by
        return self._now

    def set(self, at: datetime) -> datetime:
        """Move forward to that instant; ValueError when it has passed."""
        return self.advance(_utc(at) - self._now)

    def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=max(0.0, seconds)))


class SpeedClock:
    """The wall clock times `speed`, beginning at `start` (the present when None). Sleeping takes that much less."""

    def __init__(self, start: datetime | None = None, speed: float = 1.0) -> None:
        if speed <= 0:
            msg = f"--speed needs a number above 0, such as 60, and got {speed}"
            raise ValueError(msg)
        self._start = _utc(start) if start is not None else datetime.now(UTC)
        self._began = time.monotonic()
        self.speed = speed

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(time.monotonic() - self._began) * self.speed)

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(max(0.0, seconds) / self.speed)
