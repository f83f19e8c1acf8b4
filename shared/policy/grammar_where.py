"""The grammar of policy.yaml: which clusters are meant, and what every block of it shares."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.policy.texts import OneOrMore, Text, Value
from shared.policy.values import ManagementGroup, Subscription, SubscriptionGlob


class Strict(BaseModel):
    """A key nobody knows is a mistake, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def shape(value: Any) -> str:
    return BLOCK if isinstance(value, dict | BaseModel) else WORD


# Names of the branches of a union: they appear in pydantic's paths, where no key of a file can look like them.
BLOCK, WORD = "<block>", "<word>"


class Scope(Strict):
    """The union of subscriptions and of what lies below management groups."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    subscriptions: Annotated[
        OneOrMore[Subscription] | None,
        Field(description="Subscription ids.", examples=[["11111111-1111-1111-1111-111111111111"]]),
    ] = None
    management_groups: Annotated[
        OneOrMore[ManagementGroup] | None,
        Field(description="Ids of management groups.", examples=[["platform-nonprod"]]),
    ] = None

    @model_validator(mode="after")
    def _says_something(self) -> Scope:
        if self.subscriptions is None and self.management_groups is None:
            raise ValueError("an empty scope holds no cluster; expected all, subscriptions or management_groups, "
                             "such as {management_groups: [platform-nonprod]}")  # fmt: skip
        return self


class Where(Strict):
    """Which clusters: all keys must hold, of each key any value. Globs such as web-*; upper and lower case are one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    tags: Annotated[
        dict[str, OneOrMore[Value]] | None,
        Field(description="Tag name and its values.", examples=[{"environment": ["dev", "test"]}], min_length=1),
    ] = None
    names: Annotated[OneOrMore[Text] | None, Field(description="Names of clusters.", examples=[["sbx-*"]])] = None
    resource_groups: Annotated[
        OneOrMore[Text] | None, Field(description="Names of their resource groups.", examples=[["rg-dev-*"]])
    ] = None
    subscriptions: Annotated[
        OneOrMore[SubscriptionGlob] | None,
        Field(description="Subscription ids.", examples=[["22222222-2222-2222-2222-222222222222"]]),
    ] = None
    locations: Annotated[OneOrMore[Text] | None, Field(description="Regions.", examples=[["westeurope"]])] = None

    @model_validator(mode="after")
    def _says_something(self) -> Where:
        if not self.model_fields_set:
            raise ValueError("an empty block matches nothing; expected at least one key, such as {names: [sbx-*]}")
        return self


class Match(Where):
    environments: Annotated[
        OneOrMore[Text] | None, Field(description="Names of environments of this file.", examples=[["dev"]])
    ] = None


Matches = OneOrMore[Match]


MATCH = Field(description="Which clusters: a block, or a list of blocks.", examples=[{"environments": ["dev"]}])
EXCEPT = Field(alias="except", description="But not these; same shape as match.", examples=[{"names": ["*-demo"]}])
