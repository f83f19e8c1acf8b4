"""`lamplighter keep-off CLUSTER`: a person's word that it is not needed."""

from __future__ import annotations

from lamplighter.keep_command import keep_command

command = keep_command(
    "stopped",
    "Keep a cluster off for a while, whatever its schedule says. A keep-on by tag or policy is heard first.",
)
