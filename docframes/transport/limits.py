"""Rates that a vendor allows, as plain values; the limiter of the session stack keeps to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RateLimit:
    """At most *calls* in any window of *seconds*."""

    calls: int
    seconds: float

    def scaled(self, time_scale: float) -> RateLimit:
        """The same rate where a second lasts *time_scale* seconds (sandbox and tests)."""
        return RateLimit(self.calls, self.seconds * time_scale)
