"""What a route of the policy can ask for: the kinds of notices there are."""

from __future__ import annotations

NOTICE_KINDS = (
    "stop_soon",
    "start_late",
    "nodes_late",
    "stop_stuck",
    "action_failed",
    "no_capacity",
    "undone",
    "unreadable_tag",
    "unreadable_policy",
    "unreadable_fleet",
    "breaker_open",
    "size_differs",
    "alert",
    "alert_left",
    "alert_stays",
    "poison",
    "channel_unreachable",
    "ring_halted",
    "repair_escalated",
    "support_ending",
)
