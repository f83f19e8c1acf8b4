"""What a route of the policy can ask for: the kinds of notices there are."""

from __future__ import annotations

NOTICE_KINDS = ("stop_soon",)
