"""What the documents promise is there, and what is there is documented."""

import re
from pathlib import Path

from shared.model.decisions import Reason
from shared.policy.document import read_policy
from shared.policy.notice_kinds import NOTICE_KINDS
from shared.policy.tags import NAMES

ROOT = Path(__file__).parent.parent


def test_every_reason_and_every_notice_is_explained_in_the_runbook():
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`(\w+)`", runbook))

    assert {reason.value for reason in Reason} - explained == set()
    assert set(NOTICE_KINDS) - explained == set()


def test_the_policy_in_the_readme_is_a_good_policy():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)

    policy = read_policy(sample, "README.md")

    assert policy.mode == "plan"
    assert [rule.name for rule in policy.rules] == ["dev-office-hours"]


def test_the_readme_names_every_tag_that_is_read():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [name for name in NAMES if f"`{name}`" not in readme] == []


def test_links_between_documents_lead_somewhere():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_command_of_the_readme_exists():
    from lamplighter.__main__ import COMMANDS

    readme = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "docs" / "runbook.md").read_text(
        encoding="utf-8"
    )
    named = set(re.findall(r"lamplighter ([a-z]+(?:-[a-z]+)?) (?:--|web-dev|old)", readme))

    assert named
    assert named <= {entry.name for entry in COMMANDS}


def test_the_page_about_the_policy_is_current():
    from lamplighter.policy_page import page
    from shared.policy.schema import policy_schema

    assert (ROOT / "docs" / "policy.md").read_text(encoding="utf-8") == page(policy_schema()), (
        "run: lamplighter schema --page docs/policy.md"
    )
