"""Names that Windows, and so alert processing rules, give to time zones; one for each of the common IANA zones.

From: https://github.com/unicode-org/cldr/blob/main/common/supplemental/windowsZones.xml
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

WINDOWS: Mapping[str, str] = MappingProxyType(
    {
        "UTC": "UTC",
        "Etc/UTC": "UTC",
        "Europe/London": "GMT Standard Time",
        "Europe/Dublin": "GMT Standard Time",
        "Europe/Lisbon": "GMT Standard Time",
        "Europe/Berlin": "W. Europe Standard Time",
        "Europe/Amsterdam": "W. Europe Standard Time",
        "Europe/Vienna": "W. Europe Standard Time",
        "Europe/Zurich": "W. Europe Standard Time",
        "Europe/Rome": "W. Europe Standard Time",
        "Europe/Stockholm": "W. Europe Standard Time",
        "Europe/Oslo": "W. Europe Standard Time",
        "Europe/Paris": "Romance Standard Time",
        "Europe/Madrid": "Romance Standard Time",
        "Europe/Brussels": "Romance Standard Time",
        "Europe/Copenhagen": "Romance Standard Time",
        "Europe/Prague": "Central Europe Standard Time",
        "Europe/Budapest": "Central Europe Standard Time",
        "Europe/Warsaw": "Central European Standard Time",
        "Europe/Athens": "GTB Standard Time",
        "Europe/Bucharest": "GTB Standard Time",
        "Europe/Helsinki": "FLE Standard Time",
        "Europe/Kyiv": "FLE Standard Time",
        "Europe/Istanbul": "Turkey Standard Time",
        "America/New_York": "Eastern Standard Time",
        "America/Toronto": "Eastern Standard Time",
        "America/Chicago": "Central Standard Time",
        "America/Denver": "Mountain Standard Time",
        "America/Phoenix": "US Mountain Standard Time",
        "America/Los_Angeles": "Pacific Standard Time",
        "America/Vancouver": "Pacific Standard Time",
        "America/Halifax": "Atlantic Standard Time",
        "America/Mexico_City": "Central Standard Time (Mexico)",
        "America/Bogota": "SA Pacific Standard Time",
        "America/Santiago": "Pacific SA Standard Time",
        "America/Sao_Paulo": "E. South America Standard Time",
        "America/Argentina/Buenos_Aires": "Argentina Standard Time",
        "Africa/Johannesburg": "South Africa Standard Time",
        "Africa/Lagos": "W. Central Africa Standard Time",
        "Africa/Nairobi": "E. Africa Standard Time",
        "Africa/Cairo": "Egypt Standard Time",
        "Asia/Jerusalem": "Israel Standard Time",
        "Asia/Riyadh": "Arab Standard Time",
        "Asia/Dubai": "Arabian Standard Time",
        "Asia/Karachi": "Pakistan Standard Time",
        "Asia/Kolkata": "India Standard Time",
        "Asia/Dhaka": "Bangladesh Standard Time",
        "Asia/Bangkok": "SE Asia Standard Time",
        "Asia/Jakarta": "SE Asia Standard Time",
        "Asia/Singapore": "Singapore Standard Time",
        "Asia/Shanghai": "China Standard Time",
        "Asia/Hong_Kong": "China Standard Time",
        "Asia/Taipei": "Taipei Standard Time",
        "Asia/Tokyo": "Tokyo Standard Time",
        "Asia/Seoul": "Korea Standard Time",
        "Australia/Perth": "W. Australia Standard Time",
        "Australia/Brisbane": "E. Australia Standard Time",
        "Australia/Sydney": "AUS Eastern Standard Time",
        "Australia/Melbourne": "AUS Eastern Standard Time",
        "Pacific/Auckland": "New Zealand Standard Time",
    }
)
