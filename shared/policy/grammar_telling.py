"""The grammar of policy.yaml: who hears of what, and what the weeks cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shared.policy.grammar_where import EXCEPT, MATCH, Matches, Strict
from shared.policy.notice_kinds import NOTICE_KINDS
from shared.policy.texts import OneOrMore, Text
from shared.policy.values import Channel, Name, Weekly


class RouteEntry(Strict):
    """Who hears of what. Without match and reasons: of everything."""

    to: Annotated[
        OneOrMore[Channel],
        Field(description="Names of app settings that hold a channel's address.", examples=[["OPERATORS_CHANNEL"]]),
    ]
    match: Annotated[Matches | None, MATCH] = None
    unless: Annotated[Matches | None, EXCEPT] = None
    reasons: Annotated[
        OneOrMore[Literal[NOTICE_KINDS]] | None,  # type: ignore[valid-type]  # one list of kinds, kept elsewhere
        Field(description="Only notices of these kinds.", examples=[["stop_soon", "start_late"]]),
    ] = None


class Notify(Strict):
    """Who hears of what."""

    routes: Annotated[
        list[RouteEntry], Field(description="Who hears of what.", examples=[[{"to": ["OPERATORS_CHANNEL"]}]])
    ] = []


class AudienceEntry(Strict):
    """Who is told what a week cost. Without match: the whole scope, tied out against Azure's own total."""

    name: Annotated[Name, Field(description="What people call it.", examples=["checkout"])]
    match: Annotated[Matches | None, MATCH] = None
    unless: Annotated[Matches | None, EXCEPT] = None
    to: Annotated[
        OneOrMore[Channel],
        Field(description="Names of app settings that hold a channel's address.", examples=[["FINANCE_CHANNEL"]]),
    ]


class Digest(Strict):
    """The weekly cost digest: the last week as provisional, the one before as final."""

    weekly: Annotated[Weekly, Field(description="When it is sent, in the file's time zone.", examples=["Mon 08:00"])]
    team_tag: Annotated[Text, Field(description="The tag that names a team.", examples=["team"])] = "team"
    audiences: Annotated[
        list[AudienceEntry],
        Field(description="Who is told.", examples=[[{"name": "finance", "to": ["FINANCE_CHANNEL"]}]]),
    ] = []
