"""What is remembered of a cluster, in words."""

from datetime import UTC, datetime

from lamplighter.memory_lines import memory_lines
from shared.model.memory import Failure, Memory, TargetMemory
from shared.policy.endings import NODES_NOT_READY

NOW = datetime(2026, 12, 7, 8, 0, tzinfo=UTC)


def test_nodes_that_did_not_come_are_no_action_that_is_tried_again():
    late = Failure("start_cluster", NODES_NOT_READY, "pool system has 0 of 3 nodes ready", NOW, 1, NOW)
    stop = Failure("stop_cluster", "ScopeLocked", "somebody locked it", NOW, 1, NOW)
    memory = Memory("/c", targets={"": TargetMemory(failure=stop, setbacks={NODES_NOT_READY: late})})
    assert [line for line in memory_lines(memory, "UTC") if line[0] in ("failed", "nodes")] == [
        ("failed", "stop cluster, once: somebody locked it; again Mon 7 Dec 08:00"),
        ("nodes", "runs without them: pool system has 0 of 3 nodes ready"),
    ]
