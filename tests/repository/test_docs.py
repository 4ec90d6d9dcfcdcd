"""The documents name things that are there: files, make targets, commands."""

import re
import tomllib

import pytest

from deploy.stack import pages
from mcsp.settings import Settings

from .test_house_rules import ROOT, tracked

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#|mailto:)([^)#\s]+)")


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in tracked("*.md")
        for target in LINK.findall(path.read_text())
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_the_readme_shows_the_addresses_that_the_demo_prints() -> None:
    readme = (ROOT / "README.md").read_text()
    named = re.findall(r"^\| \w+, `(http://127\.0\.0\.1:80\d\d/[^`]*)` \|", readme, re.MULTILINE)
    assert set(named) == set(pages(Settings(port_base=8000)).values())


def test_every_make_target_that_a_document_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        (path.name, target)
        for path in tracked("*.md")
        for target in re.findall(r"(?:`|^)make ([a-z]+)", path.read_text(), re.MULTILINE)
    }
    assert named
    assert {(name, target) for name, target in named if target not in targets} == set()


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/operations.md"])
def test_every_mcsp_command_that_a_document_names_is_there(document: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = set(project["entry-points"]["mcsp.commands"])
    named = set(re.findall(r"(?:`|/|^)mcsp ([a-z]+)", (ROOT / document).read_text(), re.MULTILINE))
    assert named <= known


def test_the_product_has_the_pages_that_people_look_for() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/operations.md"):
        assert (ROOT / name).read_text().startswith("# "), name
    assert list((ROOT / "docs" / "decisions").glob("[0-9][0-9][0-9][0-9]-*.md"))
