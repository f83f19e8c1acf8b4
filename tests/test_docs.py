"""What the documents promise is there, and what is there is documented."""

import re
from pathlib import Path

from shared.model.decisions import Reason
from shared.policy.document import read_policy
from shared.policy.notice_kinds import NOTICE_KINDS
from shared.policy.tags import NAMES

ROOT = Path(__file__).parent.parent


def runbook_rows(*headings: str) -> dict[str, list[str]]:
    """Word -> the other cells of its row, of the tables under these headings."""
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for heading in headings:
        section = runbook.partition(f"\n## {heading}")[2].partition("\n## ")[0]
        for first, rest in re.findall(r"^\| (`.+?) \| (.*) \|$", section, re.MULTILINE):
            for word in re.findall(r"`(\w+)`", first):
                assert word not in found, f"{word} has two rows"
                found[word] = [cell.strip() for cell in rest.split(" | ")]
    return found


def test_the_runbook_says_of_every_reason_what_it_means_and_what_to_do():
    act = runbook_rows("Reasons to act")
    others = runbook_rows("Nothing to do", "Refused: Lamplighter will not do it", "Deferred: wanted, but not now")
    assert set(act) | set(others) == {reason.value for reason in Reason}
    assert set(act) & set(others) == set()
    assert {word for word, cells in others.items() if len(cells) != 2 or not all(cells)} == set()
    assert {word for word, cells in act.items() if len(cells) != 1 or not cells[0]} == set()


def test_the_runbook_says_of_every_notice_when_it_comes_and_what_to_do():
    rows = runbook_rows("Notices")
    assert set(rows) == set(NOTICE_KINDS)
    assert {word for word, cells in rows.items() if len(cells) != 2 or not all(cells)} == set()


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
    from lamplighter.command_line import COMMANDS

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
