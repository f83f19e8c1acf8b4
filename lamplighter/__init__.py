"""Lamplighter on the laptop: the command, the simulator, the demo. Never deployed."""
