"""Settings: a bad one says so in one sentence, and no address or key is ever shown."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from shared.errors import InputError
from shared.settings import SETTINGS, markdown, read_settings

ROOT = Path(__file__).parents[1]
STORES = {
    "LAMPLIGHTER_JOURNAL": "https://myaccount.table.core.windows.net",
    "LAMPLIGHTER_QUEUE": "https://myaccount.queue.core.windows.net",
}
HOSTED = {"FUNCTIONS_WORKER_RUNTIME": "python", "WEBSITE_SITE_NAME": "lamplighter-prod"}


def refusal(**environ: str) -> str:
    with pytest.raises(InputError) as caught:
        read_settings(environ)
    return str(caught.value)


def test_a_laptop_needs_no_setting_at_all() -> None:
    settings = read_settings({"PATH": "/bin"})
    assert (settings.policy, settings.cloud, settings.table_prefix) == (
        "policy.yaml",
        "AzurePublicCloud",
        "lamplighter",
    )
    assert (settings.journal, settings.queue, settings.hold, settings.client_id) == ("", "", "", "")
    assert not settings.custom_cloud


def test_a_hosted_app_reads_what_it_was_told() -> None:
    settings = read_settings(
        {
            **HOSTED,
            **STORES,
            "LAMPLIGHTER_POLICY": "https://myaccount.blob.core.windows.net/lamplighter/policy.yaml",
            "LAMPLIGHTER_CLOUD": "azureusgovernment",
            "LAMPLIGHTER_CLIENT_ID": "7C9E6679-7425-40DE-944B-E07FC1F90AE7",
            "LAMPLIGHTER_HOLD": "On",
            "LAMPLIGHTER_TICK_SCHEDULE": "0 */5 * * * *",
        }
    )
    assert settings.journal == STORES["LAMPLIGHTER_JOURNAL"]
    assert settings.cloud == "AzureUSGovernment"
    assert settings.hold == "on"


def test_every_example_of_the_table_is_itself_accepted() -> None:
    """Advice that would be refused is worse than none."""
    for setting in SETTINGS:
        environ = {setting.name: setting.example}
        if setting.name == "LAMPLIGHTER_CA_FILE":
            environ["LAMPLIGHTER_CLOUD"] = "https://127.0.0.1:8443"
        read_settings(environ)
        if setting.default:
            assert setting.read(setting.default) == setting.default


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAMPLIGHTER_POLICY", "http://myaccount.blob.core.windows.net/policy.yaml"),
        ("LAMPLIGHTER_POLICY", "https://myaccount.blob.core.windows.net/c/policy.yaml?sv=2024&sig=SECRET"),
        ("LAMPLIGHTER_JOURNAL", "myaccount"),
        ("LAMPLIGHTER_JOURNAL", "http://myaccount.table.core.windows.net"),
        ("LAMPLIGHTER_JOURNAL", "https://myaccount.queue.core.windows.net"),
        ("LAMPLIGHTER_JOURNAL", "https://user:SECRET@myaccount.table.core.windows.net"),
        ("LAMPLIGHTER_JOURNAL", "sqlite://lamplighter.sqlite"),
        ("LAMPLIGHTER_JOURNAL", "sqlite:///"),
        ("LAMPLIGHTER_QUEUE", "https://myaccount.table.core.windows.net"),
        ("LAMPLIGHTER_QUEUE", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=SECRET"),
        ("LAMPLIGHTER_TABLE_PREFIX", "lamp-lighter"),
        ("LAMPLIGHTER_TABLE_PREFIX", "1lamp"),
        ("LAMPLIGHTER_CLOUD", "AzureGermanCloud"),
        ("LAMPLIGHTER_CLOUD", "http://127.0.0.1:8443"),
        ("LAMPLIGHTER_CLOUD", "https://management.azure.com/subscriptions"),
        ("LAMPLIGHTER_CLIENT_ID", "lamplighter-identity"),
        ("LAMPLIGHTER_HOLD", "true"),
        ("LAMPLIGHTER_TICK_SCHEDULE", "*/5 * * * *"),
        ("LAMPLIGHTER_JOURNAL", "https://[broken"),
    ],
)
def test_a_bad_value_names_the_setting_what_was_expected_and_an_example(name: str, value: str) -> None:
    """One sentence, one line; and a key pasted into the wrong place is not repeated in the log."""
    message = refusal(**{name: value})
    example = next(setting.example for setting in SETTINGS if setting.name == name)
    assert message.startswith(f"{name} ")
    assert message.endswith(f"such as {name}={example}")
    assert "\n" not in message
    assert "SECRET" not in message


@pytest.mark.parametrize("sign", ["WEBSITE_SITE_NAME", "WEBSITE_INSTANCE_ID"])
@pytest.mark.parametrize("name", ["LAMPLIGHTER_JOURNAL", "LAMPLIGHTER_QUEUE"])
def test_sqlite_is_refused_in_azure(sign: str, name: str) -> None:
    """The disk of an instance is neither kept nor shared: two instances would each have a journal of their own."""
    message = refusal(**{**STORES, sign: "x", name: "sqlite:///lamplighter.sqlite"})
    assert message.startswith(f"{name} is a SQLite file")
    assert "Azure" in message


def test_sqlite_is_fine_under_core_tools() -> None:
    settings = read_settings(
        {
            **STORES,
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "LAMPLIGHTER_JOURNAL": "sqlite:///lamplighter.sqlite",
        }
    )
    assert settings.journal == "sqlite:///lamplighter.sqlite"


def test_a_function_app_without_a_journal_or_queue_says_which() -> None:
    message = refusal(FUNCTIONS_WORKER_RUNTIME="python")
    assert [line.split()[0] for line in message.splitlines()] == ["LAMPLIGHTER_JOURNAL", "LAMPLIGHTER_QUEUE"]
    assert message.count("is not set") == 2


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("LAMPLIGHTER_HOLDS", "LAMPLIGHTER_HOLD"),
        ("LAMPLIGHTER_JORNAL", "LAMPLIGHTER_JOURNAL"),
        ("LAMPLIGHTER_POLICY_URL", "LAMPLIGHTER_POLICY"),
        ("lamplighter_hold", "LAMPLIGHTER_HOLD"),
    ],
)
def test_a_misspelt_name_is_told_instead_of_ignored(typo: str, meant: str) -> None:
    """Somebody who sets LAMPLIGHTER_HOLDS=on in an emergency believes that nothing will be stopped."""
    assert refusal(**{typo: "on"}) == f"{typo} is no setting of Lamplighter: did you mean {meant}?"


def test_an_unknown_name_lists_the_known_ones() -> None:
    message = refusal(LAMPLIGHTER_ZZZZ="true")
    assert message.startswith("LAMPLIGHTER_ZZZZ is no setting of Lamplighter: expected one of LAMPLIGHTER_POLICY, ")


def test_all_problems_come_at_once() -> None:
    message = refusal(LAMPLIGHTER_CLOUD="Azure", LAMPLIGHTER_HOLD="yes", LAMPLIGHTER_POLICYS="x")
    assert len(message.splitlines()) == 3


def test_a_ca_file_beside_a_named_cloud_is_refused() -> None:
    """It would be ignored without a word; beside an endpoint of one's own it is what makes TLS work."""
    assert refusal(LAMPLIGHTER_CA_FILE="ca.pem").startswith("LAMPLIGHTER_CA_FILE is set, but")
    settings = read_settings({"LAMPLIGHTER_CA_FILE": "ca.pem", "LAMPLIGHTER_CLOUD": "https://127.0.0.1:8443/"})
    assert settings.custom_cloud
    assert settings.cloud == "https://127.0.0.1:8443"


def test_a_channel_address_is_found_and_never_shown() -> None:
    settings = read_settings({"OPERATORS_CHANNEL": "slack://SECRET-A/SECRET-B"})
    assert settings.channel("OPERATORS_CHANNEL") == "slack://SECRET-A/SECRET-B"
    assert "SECRET" not in repr(settings)


@pytest.mark.parametrize("value", ["", "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/SECRET)"])
def test_a_channel_without_an_address_says_what_to_do(value: str) -> None:
    """A Key Vault reference that does not resolve arrives as its own text, not as an error."""
    settings = read_settings({"OPERATORS_CHANNEL": value})
    with pytest.raises(InputError, match=r"^OPERATORS_CHANNEL is .*: expected ") as caught:
        settings.channel("OPERATORS_CHANNEL")
    assert "SECRET" not in str(caught.value)


def test_settings_do_not_change_after_they_are_read() -> None:
    environ = {"OPERATORS_CHANNEL": "slack://one"}
    settings = read_settings(environ)
    environ["OPERATORS_CHANNEL"] = "slack://two"
    assert settings.channel("OPERATORS_CHANNEL") == "slack://one"
    with pytest.raises(FrozenInstanceError):
        settings.hold = "on"  # type: ignore[misc]


def test_the_table_of_the_docs_is_current() -> None:
    """If this fails, put what the comment in docs/settings.md prints between its two comments."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- settings: generated")
    table = rest.partition("-->")[2].partition("<!-- /settings -->")[0]
    assert table.strip() == markdown().strip()
