"""What a policy says of idleness: the block of the rule `idle`, and of what an environment gives such rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.policy.durations import Duration
from shared.policy.foresight import Costs
from shared.policy.signals import Signals
from shared.policy.texts import Text

_HOUR = timedelta(hours=1)


class Block(BaseModel):
    """Stopped when idle. Costs are times of a running cluster: what else the money would have bought.

    What the rule does not say, the environment of a cluster may, under `idle`; one of them needs to say `after`.
    """

    NEEDED: ClassVar[tuple[str, ...]] = ("after",)
    """Keys that the rule or the environment says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[Duration, Field(description="The longest wait after the last use.", examples=["2h"])] = timedelta(
        0
    )
    starting_cost: Annotated[Duration, Field(description="What a stop and a start cost.", examples=["6m"])] = timedelta(
        minutes=6
    )
    waiting_cost: Annotated[
        Duration, Field(description="What it costs that people wait for a start.", examples=["24m"])
    ] = timedelta(minutes=24)
    learn: Annotated[
        bool,
        Field(description="Learn from the past when to stop sooner, and when to start ahead.", examples=[True]),
    ] = False
    calendar: Annotated[
        Text | None,
        Field(
            description="Its closed days teach no hours, and nothing is started ahead on them. Absent: all days count.",
            examples=["berlin"],
        ),
    ] = None
    ttl: Annotated[
        Duration | None, Field(description="Stopped this long after a start, in use or not.", examples=["72h"])
    ] = None
    windows: Annotated[
        int, Field(ge=1, le=288, description="Windows of 5 minutes in a row that must be idle.", examples=[3])
    ] = 1
    grace: Annotated[
        Duration, Field(description="A new cluster is not stopped for idleness before.", examples=["4h"])
    ] = timedelta(hours=4)
    signals: Annotated[Signals, Field(description="What counts as use.", examples=[{"cpu_percent": 10}])] = Signals()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if "after" in self.model_fields_set and self.after <= timedelta(0):
            raise ValueError("after: expected a time longer than 0m, such as 2h")
        if self.ttl is not None and self.ttl <= timedelta(0):
            raise ValueError("ttl: expected a time longer than 0m, such as 72h")
        return self

    @property
    def costs(self) -> Costs:
        return Costs(self.starting_cost / _HOUR, self.waiting_cost / _HOUR, self.after / _HOUR)
