"""What a policy says of alerts and what they may change: the block of the rule `on_alert`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.policy.durations import Duration, show_duration
from shared.policy.texts import OneOrMore, Text

LONGEST = timedelta(days=7)
_SIZES = ("pools", "by", "to", "min", "max")
Sev = Annotated[int, Field(ge=0, le=4)]
SignalName = Literal["metric", "log", "activity", "prometheus", "budget", "service_health", "resource_health", "custom"]


class Block(BaseModel):
    """What an alert may change: only what is listed here, inside these bounds, for this long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alert: Annotated[
        OneOrMore[Text],
        Field(description="Names of alert rules; globs, upper and lower case are one.", examples=["pending-pods*"]),
    ]
    severity: Annotated[
        OneOrMore[Sev] | None, Field(description="Only these severities, 0 (critical) to 4.", examples=[[0, 1, 2]])
    ] = None
    signal: Annotated[
        OneOrMore[SignalName] | None,
        Field(description="Only alerts made from these.", examples=[["metric", "prometheus"]]),
    ] = None
    target: Annotated[
        OneOrMore[Text] | None,
        Field(
            description="Globs of resource ids. With it, alerts about these (a queue) are about every cluster that the "
            "rule matches; without it, only about the cluster they name.",
            examples=["*/servicebus/namespaces/orders*"],
        ),
    ] = None
    do: Annotated[
        Literal["scale", "wake", "keep_on", "notify"],
        Field(
            description="Change pools, start a stopped cluster, let no stop happen, or only tell.", examples=["scale"]
        ),
    ]
    pools: Annotated[
        OneOrMore[Text] | None, Field(description="scale: globs of user node pools.", examples=[["user*"]])
    ] = None
    by: Annotated[
        int | None,
        Field(ge=-1000, le=1000, description="scale: so many nodes more than there are; below 0: fewer.", examples=[2]),
    ] = None
    to: Annotated[int | None, Field(ge=0, le=1000, description="scale: to this many nodes.", examples=[6])] = None
    min: Annotated[int | None, Field(ge=0, le=1000, description="scale: never fewer nodes.", examples=[2])] = None
    max: Annotated[int | None, Field(ge=1, le=1000, description="scale: never more nodes.", examples=[12])] = None
    lasting: Annotated[
        Duration,
        Field(alias="for", description="It ends after this in any case, and earlier when resolved.", examples=["2h"]),
    ] = timedelta(hours=2)
    cooldown: Annotated[
        Duration, Field(description="Alerts that fire this soon after a step are part of it.", examples=["15m"])
    ] = timedelta(minutes=15)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not timedelta(0) < self.lasting <= LONGEST:
            raise ValueError(
                f"for: {show_duration(self.lasting)} is no time to act in; expected up to 7d, such as for: 2h"
            )
        if self.do == "scale":
            self._scales()
        elif given := [name for name in _SIZES if getattr(self, name) is not None]:
            raise ValueError(f"'{given[0]}' belongs to do: scale; expected no such line with do: {self.do}")
        return self

    def _scales(self) -> None:
        example = "such as pools: [user*], by: 2, max: 12"
        if self.pools is None:
            raise ValueError(f"do: scale does not say which pools; expected {example}")
        if (self.by is None) == (self.to is None) or self.by == 0:
            raise ValueError(f"do: scale takes either by or to, and by is not 0; expected {example}")
        if self.by is not None and self.by > 0 and self.max is None:
            raise ValueError(f"do: scale with by: {self.by} has no bound above; expected max, {example}")
        if self.by is not None and self.by < 0 and self.min is None:
            raise ValueError(f"do: scale with by: {self.by} has no bound below; expected min, such as by: -1, min: 2")
        if self.min is not None and self.max is not None and self.max < self.min:
            raise ValueError(f"{self.min} to {self.max} is no range; expected max at least min, {example}")
