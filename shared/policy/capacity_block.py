"""What a policy says of capacity groups: the block of the rule `spot`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.policy.durations import Duration


class Nodes(BaseModel):
    """How many nodes the workload has; equal values mean a fixed number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min: Annotated[int, Field(ge=1, le=1000, description="Never fewer ready nodes than this.", examples=[3])]
    max: Annotated[int, Field(ge=1, le=1000, description="Stood in for up to this many.", examples=[12])]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"{self.min} to {self.max} is no range; expected max at least min, "
                             "such as {min: 3, max: 12}")  # fmt: skip
        return self


class CapacityGroup(BaseModel):
    """Pools that stand in for each other: the workload may run on any of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=63, description="What people call it.", examples=["web"])]
    spot: Annotated[
        list[str],
        Field(min_length=1, description="Globs of spot pools, the preferred ones first.", examples=[["spot*"]]),
    ]
    fallback: Annotated[str, Field(min_length=1, description="The on-demand pool.", examples=["ondemand"])]
    nodes: Annotated[Nodes, Field(description="How many nodes it takes.", examples=[{"min": 3, "max": 12}])]
    surplus: Annotated[
        Annotated[int, Field(ge=0, le=1000)] | Literal["auto"],
        Field(description="Spot nodes to spare; auto: as many as are worth their price.", examples=["auto"]),
    ] = "auto"
    on_demand_floor: Annotated[
        int, Field(ge=0, le=1000, description="On-demand nodes that always stay.", examples=[1])
    ] = 0


class Block(BaseModel):
    """Back on on-demand within minutes of an eviction, home on spot when it is safe, never to and fro."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    groups: Annotated[
        Annotated[list[CapacityGroup], Field(min_length=1)] | Literal["auto"],
        Field(
            description="The groups, each in the clusters that have its pools; auto: inferred, shown by plan, and "
            "only what Lamplighter raised is given back.",
            examples=[[{"name": "web", "spot": ["spot*"], "fallback": "ondemand", "nodes": {"min": 3, "max": 12}}]],
        ),
    ]
    nodes: Annotated[
        Nodes | None,
        Field(
            description="Of inferred groups; without it, as many as each has while all is calm.",
            examples=[{"min": 3, "max": 12}],
        ),
    ] = None
    return_after: Annotated[
        Duration | Literal["auto"],
        Field(
            union_mode="left_to_right",
            description="Spot carries all for this long before on-demand goes; auto: half as long as a fallback takes.",
            examples=["30m"],
        ),
    ] = "auto"
    moves_per_day: Annotated[
        int, Field(ge=0, le=10_000, description="Moves to spot in 24 hours; falling back is free.", examples=[12])
    ] = 12
    moves_per_hour: Annotated[int, Field(ge=0, le=1000, description="The same in one hour.", examples=[4])] = 4

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.groups == "auto":
            return self
        if self.nodes is not None:
            raise ValueError("nodes is for inferred groups; expected groups: auto, or nodes in each group")
        names = [group.name.casefold() for group in self.groups]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two groups are called '{twice}'; expected a name of its own for each")
        return self


ANY_NUMBER = Nodes(min=1, max=1000)
"""Of an inferred group for which nobody said how many nodes it takes."""
