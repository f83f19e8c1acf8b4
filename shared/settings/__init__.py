"""Every setting of the Function App (table.py), read once, at the first invocation, never at import.

App settings are environment variables: https://learn.microsoft.com/azure/azure-functions/functions-app-settings
This room knows no environment: whoever composes the app hands the mapping in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType

from shared.errors import InputError
from shared.settings.table import JOURNAL, QUEUE, SETTINGS, Setting
from shared.settings.values import NAMED_CLOUDS

PREFIX = "LAMPLIGHTER_"
_TEST_SUITE = frozenset({"LAMPLIGHTER_SOAK", "LAMPLIGHTER_REFERENCE"})
"""Names that the test suite reads; the app leaves them alone."""


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
