"""The table of all settings: what people read in docs/settings.md is what the code checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.settings import values


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table."""

    name: str
    default: str
    expected: str
    example: str
    why: str
    read: Callable[[str], str | None]
    """The clean value, or None when the text is not what was expected."""


JOURNAL = Setting(
    "LAMPLIGHTER_JOURNAL",
    "",
    "the https URL of a storage account's table service without key or signature, or `sqlite:///path` on a laptop",
    "https://myaccount.table.core.windows.net",
    "What Lamplighter did, saw and owes. Read and written by the app's identity; required in a Function App.",
    values.storage("table"),
)
QUEUE = Setting(
    "LAMPLIGHTER_QUEUE",
    "",
    "the https URL of a storage account's queue service without key or signature, or `sqlite:///path` on a laptop",
    "https://myaccount.queue.core.windows.net",
    "Decisions on their way to `act`. The same account as `AzureWebJobsStorage`, where the trigger listens; "
    "required in a Function App.",
    values.storage("queue"),
)
_SIX_FIELDS = values.matching(r"\S+(\s+\S+){5}")
_CRON = "six fields of NCRONTAB in UTC: second, minute, hour, day, month, weekday"
SETTINGS: tuple[Setting, ...] = (
    Setting(
        "LAMPLIGHTER_POLICY",
        "policy.yaml",
        "a path in the package, or the https URL of a blob without a signature",
        "https://myaccount.blob.core.windows.net/lamplighter/policy.yaml",
        "From a blob, a merge alone changes what happens; the app's identity reads it.",
        values.policy,
    ),
    JOURNAL,
    QUEUE,
    Setting(
        "LAMPLIGHTER_TABLE_PREFIX",
        "lamplighter",
        "1 to 40 letters and digits, a letter first",
        "lamplighterdev",
        "Lets two installations share one storage account.",
        values.matching(r"[A-Za-z][A-Za-z0-9]{0,39}"),
    ),
    Setting(
        "LAMPLIGHTER_CLOUD",
        "AzurePublicCloud",
        "AzurePublicCloud, AzureUSGovernment, AzureChinaCloud, or the https URL of a Resource Manager endpoint",
        "AzureUSGovernment",
        "Sovereign clouds, and the simulator.",
        values.cloud,
    ),
    Setting(
        "LAMPLIGHTER_CA_FILE",
        "",
        "the path of a PEM bundle",
        "/etc/ssl/private-cloud.pem",
        "Whom to trust at a Resource Manager endpoint of your own; refused beside a named cloud.",
        values.plain,
    ),
    Setting(
        "LAMPLIGHTER_CLIENT_ID",
        "",
        "the client id (a UUID) of a user-assigned identity",
        "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "Which identity to be, when the app has several; none means the system-assigned one, or yours on a laptop.",
        values.matching(values.UUID),
    ),
    Setting(
        "LAMPLIGHTER_HOLD",
        "",
        "`on` (nothing disruptive), `all` (starts wait too), or `off`",
        "on",
        "The emergency stop that needs no journal. Changing a setting restarts the app, so it is in force at once, "
        "for messages already queued too.",
        values.hold,
    ),
    Setting(
        "LAMPLIGHTER_API_AUDIENCE",
        "",
        "the client id (a UUID) of the app registration that stands for Lamplighter, or its application ID URI",
        "2f1c7c5e-7d53-4c5c-9a83-3a3f0d6f5b11",
        "Whom a caller's Entra token must be meant for; with a client id, `api://` and that id is taken too. "
        "Without it nobody is let in over HTTP.",
        values.audience,
    ),
    Setting(
        "LAMPLIGHTER_API_TENANT",
        "",
        "the id (a UUID) of the Entra tenant that callers belong to",
        "9b6c1f0e-4a1d-4d2b-8f37-5c2e7f9d1a60",
        "Tokens of every other tenant are refused. Without it nobody is let in over HTTP.",
        values.tenant,
    ),
    Setting(
        "LAMPLIGHTER_API_ROLE",
        "Clusters.Keep",
        "the name of an app role or a scope of the app registration",
        "Clusters.Keep",
        "What a token must carry, in `roles` or `scp`, to keep clusters on or off and to wake them.",
        values.matching(r"[A-Za-z0-9._:/-]{1,120}"),
    ),
    Setting(
        "LAMPLIGHTER_ALERT_ROLE",
        "ActionGroupsSecureWebhook",
        "the name of an app role of the app registration",
        "ActionGroupsSecureWebhook",
        "What the token of an action group's secure webhook must carry to report an alert.",
        values.matching(r"[A-Za-z0-9._:/-]{1,120}"),
    ),
    Setting(
        "LAMPLIGHTER_ALERT_KEYS",
        "refuse",
        "`refuse`, or `allow` where a function key is to be enough",
        "allow",
        "The lesser choice: a key says that somebody knew it, not who. For action groups without a secure webhook.",
        values.one_of("refuse", "allow"),
    ),
    Setting(
        "LAMPLIGHTER_COST_EXPORTS",
        "",
        "the https URL of a blob container without a signature, or of a folder in it",
        "https://myaccount.blob.core.windows.net/cost-exports/focus",
        "Where cost exports (FOCUS or amortised, CSV, also compressed) are written: the source of costs for large "
        "tenants. Without it Cost Management is asked. The app's identity reads it.",
        values.blobs,
    ),
    Setting(
        "LAMPLIGHTER_DIGESTS",
        "",
        "the https URL of a blob container without a signature, or a folder on a laptop",
        "https://myaccount.blob.core.windows.net/digests",
        "Where sent digests are kept, never changed again; what is restated later is compared with them. "
        "Without it they are sent all the same, and nothing is compared.",
        values.container,
    ),
    Setting(
        "LAMPLIGHTER_KEEP_DAYS",
        "400",
        "days between 60 and 3650",
        "400",
        "How long history is kept. Realised savings compare with what ran before, and `restore` and `history` read it.",
        values.matching(r"[6-9]\d|[1-9]\d\d|[12]\d{3}|3[0-5]\d\d|36[0-4]\d|3650"),
    ),
    Setting(
        "LAMPLIGHTER_EVENTS_TOPIC",
        "",
        "the https URL of the endpoint of a custom topic of Event Grid that takes CloudEvents 1.0",
        "https://evgt-lamplighter.westeurope-1.eventgrid.azure.net/api/events",
        "Where own events go (docs/events.md), sent by the app's identity; without it nothing is published.",
        values.https,
    ),
    Setting(
        "LAMPLIGHTER_PUBLIC_URL",
        "",
        "the https URL at which people reach the Function App",
        "https://func-lamplighter.azurewebsites.net",
        "Warnings then carry a link that puts the stop off; without it they carry none.",
        values.https,
    ),
    Setting(
        "LAMPLIGHTER_TICK_SCHEDULE",
        "0 */5 * * * *",
        _CRON,
        "0 */5 * * * *",
        "When the fleet is looked at and decided. Read by the host alone: without it the host has no `tick`.",
        _SIX_FIELDS,
    ),
    Setting(
        "LAMPLIGHTER_PULSE_SCHEDULE",
        "15 * * * * *",
        _CRON,
        "15 * * * * *",
        "When open actions are followed up. Read by the host alone.",
        _SIX_FIELDS,
    ),
    Setting(
        "LAMPLIGHTER_TELL_SCHEDULE",
        "45 * * * * *",
        _CRON,
        "45 * * * * *",
        "When pending notices are grouped and sent. Read by the host alone.",
        _SIX_FIELDS,
    ),
    Setting(
        "LAMPLIGHTER_DIGEST_SCHEDULE",
        "0 7 * * * *",
        _CRON,
        "0 7 * * * *",
        "When it is looked whether a weekly digest is due, by the policy's own day, time and zone. Hourly is enough: "
        "one that has to wait for Cost Management goes on by a message in the queue. Read by the host alone.",
        _SIX_FIELDS,
    ),
    Setting(
        "LAMPLIGHTER_SWEEP_SCHEDULE",
        "0 20 3 * * *",
        _CRON,
        "0 20 3 * * *",
        "When old history goes, and what is remembered of clusters that are no more. Read by the host alone.",
        _SIX_FIELDS,
    ),
)
