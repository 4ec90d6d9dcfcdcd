"""Where the set-up reads and writes. Paths only."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
JAR_SPECS = ROOT / "deploy" / "jars"
WEB = ROOT / "streaming_api" / "web"

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
JARS = ROOT / ".jars"
ASSETS = WEB / "assets"
COUNTRIES = ROOT / "streaming_api" / "events" / "country.mmdb"
CACHE = ROOT / ".cache"
BROWSER = CACHE / "chromium"
LOGS = CACHE / "setup"

LOCKED_GROUPS = ("api", "worker", "pipelines", "warehouse", "spark", "ml", "dev")
"""Every group of requirements, locked together by one resolution."""
INSTALLED_GROUPS = ("api", "worker", "pipelines", "warehouse", "dev")
"""The groups that a laptop gets. A group joins with the first room that needs it
(docs/decisions/0005-locked-groups.md)."""
