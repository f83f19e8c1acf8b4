"""Every setting of the Function App, in one table; read once, at the first invocation, never at import.

App settings are environment variables: https://learn.microsoft.com/azure/azure-functions/functions-app-settings
This room knows no environment: whoever composes the app hands the mapping in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from urllib.parse import urlsplit

from shared.errors import InputError

PREFIX = "LAMPLIGHTER_"
NAMED_CLOUDS = ("AzurePublicCloud", "AzureUSGovernment", "AzureChinaCloud")
_HOLDS = {"": "", "off": "", "on": "on", "all": "all"}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_UUID = r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TEST_SUITE = frozenset({"LAMPLIGHTER_SOAK", "LAMPLIGHTER_REFERENCE"})
"""Names that the test suite reads; the app leaves them alone."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: what people read in docs/settings.md is what the code checks."""

    name: str
    default: str
    expected: str
    example: str
    why: str
    read: Callable[[str], str | None]
    """The clean value, or None when the text is not what was expected."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the app was told, checked. Nothing here is a credential; addresses of channels are never shown."""

    policy: str
    """A path, or the https URL of a blob."""
    journal: str
    """https or `sqlite:///` URL; '' outside a Function App when nothing was named."""
    queue: str
    """As `journal`, for the queue service."""
    table_prefix: str
    cloud: str
    """One of NAMED_CLOUDS, or the https URL of a Resource Manager endpoint without a path."""
    ca_file: str
    client_id: str
    hold: str
    """'' | 'on' | 'all'"""
    api_audience: str
    """A client id or an application ID URI; '' lets nobody in over HTTP."""
    api_tenant: str
    """The one tenant whose tokens are taken, a lower-case UUID."""
    api_role: str
    alert_role: str
    alert_keys: str
    """'refuse' | 'allow': whether a function key is enough to report an alert."""
    digests: str
    """The https URL of a blob container, or a folder on a laptop; '' keeps no digest."""
    cost_exports: str
    """The https URL of a container, or of a folder in it, that cost exports are written to; '' asks Cost Management."""
    keep_days: int
    """How long history is kept."""
    events_topic: str
    """The https URL of a custom topic's endpoint; '' publishes nothing."""
    public_url: str
    """Where people reach the functions, without a trailing slash; '' puts no link into messages."""
    environ: Mapping[str, str] = field(repr=False, hash=False, compare=False)
    """Where channel addresses come from. Kept out of `repr`, so that no log can show one."""

    @property
    def custom_cloud(self) -> bool:
        """True when `cloud` is an endpoint of its own, such as the simulator."""
        return self.cloud not in NAMED_CLOUDS

    def channel(self, name: str) -> str:
        """The address of a notification channel, from the setting that the policy names.

        Raises InputError when it is missing, or when Key Vault did not resolve it: the platform then leaves the
        reference itself as the value (https://learn.microsoft.com/azure/app-service/app-service-key-vault-references).
        """
        value = self.environ.get(name, "").strip()
        if not value:
            raise InputError(
                f"{name} is named by the policy but is not set: expected the address of a channel, "
                f"such as {name}=@Microsoft.KeyVault(SecretUri=https://my-vault.vault.azure.net/secrets/operators)"
            )
        if value.startswith("@Microsoft.KeyVault("):
            raise InputError(
                f"{name} is a Key Vault reference that did not resolve: expected the app's identity to have the role "
                "Key Vault Secrets User on the vault, and the secret to exist"
            )
        return value


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read and check all settings of `environ`; InputError tells every problem, one line each.

    In Azure (WEBSITE_SITE_NAME or WEBSITE_INSTANCE_ID is set) SQLite is refused: the disk is neither kept nor shared.
    In a Function App the journal and the queue must be named; on a laptop they may be ''.
    """
    problems = _unknown_names(environ)
    values: dict[str, str] = {}
    for setting in SETTINGS:
        text = environ.get(setting.name, "").strip() or setting.default
        value = setting.read(text) if text else ""
        if value is None:
            problems.append(_sentence(setting, f"is {_shown(text)!r}"))
        values[setting.name] = value or ""
    problems += _problems_together(values, environ)
    if problems:
        raise InputError("\n".join(problems))
    return Settings(
        policy=values["LAMPLIGHTER_POLICY"],
        journal=values["LAMPLIGHTER_JOURNAL"],
        queue=values["LAMPLIGHTER_QUEUE"],
        table_prefix=values["LAMPLIGHTER_TABLE_PREFIX"],
        cloud=values["LAMPLIGHTER_CLOUD"],
        ca_file=values["LAMPLIGHTER_CA_FILE"],
        client_id=values["LAMPLIGHTER_CLIENT_ID"],
        hold=values["LAMPLIGHTER_HOLD"],
        api_audience=values["LAMPLIGHTER_API_AUDIENCE"],
        api_tenant=values["LAMPLIGHTER_API_TENANT"],
        api_role=values["LAMPLIGHTER_API_ROLE"],
        alert_role=values["LAMPLIGHTER_ALERT_ROLE"],
        alert_keys=values["LAMPLIGHTER_ALERT_KEYS"],
        events_topic=values["LAMPLIGHTER_EVENTS_TOPIC"],
        digests=values["LAMPLIGHTER_DIGESTS"],
        cost_exports=values["LAMPLIGHTER_COST_EXPORTS"],
        keep_days=int(values["LAMPLIGHTER_KEEP_DAYS"] or 0),
        public_url=values["LAMPLIGHTER_PUBLIC_URL"],
        environ=MappingProxyType(dict(environ)),
    )


def in_azure(environ: Mapping[str, str]) -> bool:
    """Azure sets one of these in every hosted app; Core Tools sets neither."""
    return bool(environ.get("WEBSITE_SITE_NAME") or environ.get("WEBSITE_INSTANCE_ID"))


def markdown() -> str:
    """The table of docs/settings.md, which a test keeps current."""
    lines = ["| setting | default | expected | example | why |", "| --- | --- | --- | --- | --- |"]
    for one in SETTINGS:
        default = f"`{one.default}`" if one.default else "none"
        lines.append(f"| `{one.name}` | {default} | {one.expected} | `{one.example}` | {one.why} |")
    return "\n".join(lines) + "\n"


def _sentence(setting: Setting, what: str) -> str:
    return f"{setting.name} {what}: expected {setting.expected}, such as {setting.name}={setting.example}"


def _shown(text: str) -> str:
    """The value without what may be a password, a signature or a key: this ends in a log."""
    return re.sub(r"[?;].*", lambda cut: f"{cut[0][0]}...", re.sub(r"//[^/]*@", "//...@", text), flags=re.DOTALL)


def _unknown_names(environ: Mapping[str, str]) -> list[str]:
    """A misspelt setting would otherwise be a wish that nobody hears."""
    known = [setting.name for setting in SETTINGS]
    problems = []
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX) or name in known or name in _TEST_SUITE:
            continue
        near = _near(name.upper().removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known])
        hint = f"did you mean {PREFIX}{near[0]}?" if near else f"expected one of {', '.join(known)}"
        problems.append(f"{name} is no setting of Lamplighter: {hint}")
    return problems


def _near(name: str, known: list[str]) -> list[str]:
    """A known name with something after it was meant, before one that is only spelt alike."""
    return [one for one in known if name.startswith(f"{one}_")][:1] or get_close_matches(name, known, n=1)


def _problems_together(values: Mapping[str, str], environ: Mapping[str, str]) -> list[str]:
    """What only shows when settings are seen side by side."""
    problems = []
    hosted = in_azure(environ)
    for setting in (JOURNAL, QUEUE):
        if hosted and values[setting.name].startswith("sqlite:"):
            problems.append(
                f"{setting.name} is a SQLite file, but this app runs in Azure, where the disk is neither kept nor "
                f"shared: expected an https URL, such as {setting.name}={setting.example}"
            )
        if (hosted or environ.get("FUNCTIONS_WORKER_RUNTIME")) and not environ.get(setting.name, "").strip():
            problems.append(_sentence(setting, "is not set"))
    if values["LAMPLIGHTER_CA_FILE"] and values["LAMPLIGHTER_CLOUD"] in NAMED_CLOUDS:
        problems.append(
            f"LAMPLIGHTER_CA_FILE is set, but LAMPLIGHTER_CLOUD is {values['LAMPLIGHTER_CLOUD']}, whose certificates "
            "are public: expected it only beside an endpoint of your own, such as "
            "LAMPLIGHTER_CLOUD=https://127.0.0.1:8443"
        )
    return problems


def _plain(text: str) -> str | None:
    return text


def _matching(pattern: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)

    def read(text: str) -> str | None:
        return text if compiled.fullmatch(text) else None

    return read


def _policy(text: str) -> str | None:
    return _https(text) if "://" in text else text


def _https(text: str) -> str | None:
    """An https URL without user, query or fragment: a key or a shared access signature would be a stored credential."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        return None
    # Azurite, the storage emulator, speaks plain http on this machine.
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return None
    return text.rstrip("/")


def _storage(service: str) -> Callable[[str], str | None]:
    others = {"table", "queue", "blob", "file", "dfs"} - {service}

    def read(text: str) -> str | None:
        if text.startswith("sqlite:"):
            return text if text.startswith("sqlite:///") and len(text) > len("sqlite:///") else None
        url = _https(text)
        # Named accounts only: the emulator and private names say nothing about the service.
        return None if url is None or others & set((urlsplit(url).hostname or "").split(".")[1:2]) else url

    return read


def _container(text: str) -> str | None:
    """A container is one name below the account: the emulator puts the account's name before it."""
    if "://" not in text:
        return text
    url = _https(text)
    return url if url and urlsplit(url).path.strip("/") else None


def _blobs(text: str) -> str | None:
    url = _storage("blob")(text)
    return url if url and url.startswith("http") and urlsplit(url).path.strip("/") else None


def _cloud(text: str) -> str | None:
    for name in NAMED_CLOUDS:
        if text.casefold() == name.casefold():
            return name
    url = _https(text)
    return url if url and url.startswith("https:") and not urlsplit(url).path else None


def _tenant(text: str) -> str | None:
    """Not `common` or `organizations`: a token of any tenant would then do."""
    return text.casefold() if re.fullmatch(_UUID, text) else None


def _audience(text: str) -> str | None:
    if re.fullmatch(_UUID, text):
        return text.casefold()
    return text if re.fullmatch(r"(api|https)://[\x21-\x7e]{1,240}", text) else None


def _one_of(*words: str) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        return text.casefold() if text.casefold() in words else None

    return read


def _hold(text: str) -> str | None:
    return _HOLDS.get(text.casefold())


JOURNAL = Setting(
    "LAMPLIGHTER_JOURNAL",
    "",
    "the https URL of a storage account's table service without key or signature, or `sqlite:///path` on a laptop",
    "https://myaccount.table.core.windows.net",
    "What Lamplighter did, saw and owes. Read and written by the app's identity; required in a Function App.",
    _storage("table"),
)
QUEUE = Setting(
    "LAMPLIGHTER_QUEUE",
    "",
    "the https URL of a storage account's queue service without key or signature, or `sqlite:///path` on a laptop",
    "https://myaccount.queue.core.windows.net",
    "Decisions on their way to `act`. The same account as `AzureWebJobsStorage`, where the trigger listens; "
    "required in a Function App.",
    _storage("queue"),
)
_SIX_FIELDS = _matching(r"\S+(\s+\S+){5}")
_CRON = "six fields of NCRONTAB in UTC: second, minute, hour, day, month, weekday"
SETTINGS: tuple[Setting, ...] = (
    Setting(
        "LAMPLIGHTER_POLICY",
        "policy.yaml",
        "a path in the package, or the https URL of a blob without a signature",
        "https://myaccount.blob.core.windows.net/lamplighter/policy.yaml",
        "From a blob, a merge alone changes what happens; the app's identity reads it.",
        _policy,
    ),
    JOURNAL,
    QUEUE,
    Setting(
        "LAMPLIGHTER_TABLE_PREFIX",
        "lamplighter",
        "1 to 40 letters and digits, a letter first",
        "lamplighterdev",
        "Lets two installations share one storage account.",
        _matching(r"[A-Za-z][A-Za-z0-9]{0,39}"),
    ),
    Setting(
        "LAMPLIGHTER_CLOUD",
        "AzurePublicCloud",
        "AzurePublicCloud, AzureUSGovernment, AzureChinaCloud, or the https URL of a Resource Manager endpoint",
        "AzureUSGovernment",
        "Sovereign clouds, and the simulator.",
        _cloud,
    ),
    Setting(
        "LAMPLIGHTER_CA_FILE",
        "",
        "the path of a PEM bundle",
        "/etc/ssl/private-cloud.pem",
        "Whom to trust at a Resource Manager endpoint of your own; refused beside a named cloud.",
        _plain,
    ),
    Setting(
        "LAMPLIGHTER_CLIENT_ID",
        "",
        "the client id (a UUID) of a user-assigned identity",
        "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "Which identity to be, when the app has several; none means the system-assigned one, or yours on a laptop.",
        _matching(_UUID),
    ),
    Setting(
        "LAMPLIGHTER_HOLD",
        "",
        "`on` (nothing disruptive), `all` (starts wait too), or `off`",
        "on",
        "The emergency stop that needs no journal. Changing a setting restarts the app, so it is in force at once, "
        "for messages already queued too.",
        _hold,
    ),
    Setting(
        "LAMPLIGHTER_API_AUDIENCE",
        "",
        "the client id (a UUID) of the app registration that stands for Lamplighter, or its application ID URI",
        "2f1c7c5e-7d53-4c5c-9a83-3a3f0d6f5b11",
        "Whom a caller's Entra token must be meant for; with a client id, `api://` and that id is taken too. "
        "Without it nobody is let in over HTTP.",
        _audience,
    ),
    Setting(
        "LAMPLIGHTER_API_TENANT",
        "",
        "the id (a UUID) of the Entra tenant that callers belong to",
        "9b6c1f0e-4a1d-4d2b-8f37-5c2e7f9d1a60",
        "Tokens of every other tenant are refused. Without it nobody is let in over HTTP.",
        _tenant,
    ),
    Setting(
        "LAMPLIGHTER_API_ROLE",
        "Clusters.Keep",
        "the name of an app role or a scope of the app registration",
        "Clusters.Keep",
        "What a token must carry, in `roles` or `scp`, to keep clusters on or off and to wake them.",
        _matching(r"[A-Za-z0-9._:/-]{1,120}"),
    ),
    Setting(
        "LAMPLIGHTER_ALERT_ROLE",
        "ActionGroupsSecureWebhook",
        "the name of an app role of the app registration",
        "ActionGroupsSecureWebhook",
        "What the token of an action group's secure webhook must carry to report an alert.",
        _matching(r"[A-Za-z0-9._:/-]{1,120}"),
    ),
    Setting(
        "LAMPLIGHTER_ALERT_KEYS",
        "refuse",
        "`refuse`, or `allow` where a function key is to be enough",
        "allow",
        "The lesser choice: a key says that somebody knew it, not who. For action groups without a secure webhook.",
        _one_of("refuse", "allow"),
    ),
    Setting(
        "LAMPLIGHTER_COST_EXPORTS",
        "",
        "the https URL of a blob container without a signature, or of a folder in it",
        "https://myaccount.blob.core.windows.net/cost-exports/focus",
        "Where cost exports (FOCUS or amortised, CSV, also compressed) are written: the source of costs for large "
        "tenants. Without it Cost Management is asked. The app's identity reads it.",
        _blobs,
    ),
    Setting(
        "LAMPLIGHTER_DIGESTS",
        "",
        "the https URL of a blob container without a signature, or a folder on a laptop",
        "https://myaccount.blob.core.windows.net/digests",
        "Where sent digests are kept, never changed again; what is restated later is compared with them. "
        "Without it they are sent all the same, and nothing is compared.",
        _container,
    ),
    Setting(
        "LAMPLIGHTER_KEEP_DAYS",
        "400",
        "days between 60 and 3650",
        "400",
        "How long history is kept. Realised savings compare with what ran before, and `restore` and `history` read it.",
        _matching(r"[6-9]\d|[1-9]\d\d|[12]\d{3}|3[0-5]\d\d|36[0-4]\d|3650"),
    ),
    Setting(
        "LAMPLIGHTER_EVENTS_TOPIC",
        "",
        "the https URL of the endpoint of a custom topic of Event Grid that takes CloudEvents 1.0",
        "https://evgt-lamplighter.westeurope-1.eventgrid.azure.net/api/events",
        "Where own events go (docs/events.md), sent by the app's identity; without it nothing is published.",
        _https,
    ),
    Setting(
        "LAMPLIGHTER_PUBLIC_URL",
        "",
        "the https URL at which people reach the Function App",
        "https://func-lamplighter.azurewebsites.net",
        "Warnings then carry a link that puts the stop off; without it they carry none.",
        _https,
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
