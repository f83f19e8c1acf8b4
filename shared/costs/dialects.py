"""The headers of cost exports: EA, MCA, pay-as-you-go, FOCUS, old and new, camel case or not, German or not.

A header is known by its letters alone: case, blanks and punctuation do not count, and a localised header carries the
English name in brackets ("Ressourcengruppe (ResourceGroup)"). From:
https://learn.microsoft.com/azure/cost-management-billing/automate/understand-usage-details-fields
https://learn.microsoft.com/azure/cost-management-billing/dataset-schema/cost-usage-details-focus
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

# Our name -> headers that carry it, best first.
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "date": ("chargeperiodstart", "date", "usagedatetime", "usagedate"),
        "cost": ("costinbillingcurrency", "cost", "pretaxcost"),
        "billed": ("billedcost",),
        "effective": ("effectivecost",),
        "currency": ("billingcurrency", "billingcurrencycode", "currency"),
        "resource": ("resourceid", "instanceid", "instancename"),
        "group": ("resourcegroup", "resourcegroupname", "xresourcegroupname"),
        "subscription": ("subaccountid", "subscriptionid", "subscriptionguid"),
        "region": ("regionid", "resourcelocation", "location", "meterregion"),
        "service": ("servicename", "metercategory", "consumedservice"),
        "meter": ("metername", "chargedescription", "metersubcategory"),
        "category": ("chargecategory", "chargetype"),
        "pricing": ("pricingcategory", "pricingmodel"),
        "status": ("commitmentdiscountstatus",),
        "quantity": ("consumedquantity", "quantity", "usagequantity"),
        "unit": ("consumedunit", "unitofmeasure"),
        "tags": ("tags",),
    }
)
NEEDED = ("date",)
AMOUNTS = ("cost", "billed", "effective")
_BRACKETS = re.compile(r"\(([^()]+)\)\s*$")
_NOT_LETTERS = re.compile(r"[^0-9a-z]")


def canonical(header: str) -> str:
    """
    The letters of a header, of its English name where it is localised.

    >>> canonical("Ressourcengruppe (ResourceGroup)"), canonical("Subscription-Guid")
    ('resourcegroup', 'subscriptionguid')
    """
    found = _BRACKETS.search(header)
    return _NOT_LETTERS.sub("", (found[1] if found else header).casefold())


def positions(header: Sequence[str]) -> dict[str, int]:
    """Our name -> column. Names without a column are absent."""
    known: dict[str, int] = {}
    for index, name in enumerate(header):
        known.setdefault(canonical(name), index)
    return {
        ours: next(known[name] for name in names if name in known)
        for ours, names in COLUMNS.items()
        if any(name in known for name in names)
    }
