"""The chapters of the demo, one file each. A new one: a file, its clusters in fleet.yaml, its rules in policy.yaml."""

from __future__ import annotations

from operator import attrgetter

from lamplighter.demo.chapters import idle, money, office, rings, storm
from lamplighter.demo.story import Chapter, Scene
from lamplighter.rehearsal import Rehearsal

CHAPTERS: tuple[Chapter, ...] = (office.CHAPTER, idle.CHAPTER, rings.CHAPTER, storm.CHAPTER, money.CHAPTER)


def before(rehearsal: Rehearsal) -> None:
    """Everything that happened before the week."""
    for chapter in CHAPTERS:
        chapter.before(rehearsal)


def scenes() -> tuple[Scene, ...]:
    """Of all chapters, in time order."""
    return tuple(sorted((scene for chapter in CHAPTERS for scene in chapter.scenes), key=attrgetter("at")))
