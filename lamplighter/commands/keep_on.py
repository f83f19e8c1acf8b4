"""`lamplighter keep-on CLUSTER`: a person's word that it is needed."""

from __future__ import annotations

from lamplighter.keep_command import keep_command

command = keep_command(
    "running",
    "Keep a cluster on for a while, and start it if it is off. At most as long as keep_on_at_most allows.",
)
