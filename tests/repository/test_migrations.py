"""Migrations of one owner are told apart by their numbers: two of one number would end the first start."""

from collections import Counter
from pathlib import Path

import pytest

from .test_house_rules import ROOT

FOLDERS = sorted(
    {path.parent for path in ROOT.glob("[a-z]*/**/migrations/[0-9]*.sql") if ".venv" not in path.parts}
)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_no_two_migrations_of_an_owner_have_one_number(folder: Path) -> None:
    numbers = Counter(path.name.partition("_")[0] for path in folder.glob("*.sql"))
    assert {number for number, count in numbers.items() if count > 1} == set()


def test_the_owners_are_found() -> None:
    assert {"media_ops/migrations", "streaming_api/content/migrations"} <= {
        str(folder.relative_to(ROOT)) for folder in FOLDERS
    }
