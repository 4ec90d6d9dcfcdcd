"""What is kept of an address and a user agent: country, class of network, class of device, family of agent.

The address and the agent themselves end here. An agent is a ``bot`` where it says so of itself; a program's
HTTP library or a headless browser is no such word (docs/decisions/0011-what-the-door-keeps.md).
"""

import ipaddress
import re
from functools import lru_cache

import msgspec
import ua_parser
from crawlerdetect import CrawlerDetect

from mcsp.contracts.events import Device

LONGEST_AGENT = 256
"""Characters of a user agent that are looked at: what a stranger sends must not cost more."""

_TOOLS = re.compile(
    r"\b(HeadlessChrome|python-requests|python-httpx|aiohttp|okhttp|curl|libcurl|axios|undici|node-fetch|"
    r"Go-http-client|Apache-HttpClient|Java|Dart|CFNetwork|LibVLC|VLC)\b(/[\w.]+)?", re.IGNORECASE
)  # fmt: skip
_CLASSES: tuple[tuple[Device, re.Pattern[str]], ...] = (
    ("tv", re.compile(
        r"smart-?tv|apple ?tv|google ?tv|android ?tv|hbbtv|bravia|roku|crkey|web0s|netcast|tizen.*\btv|"
        r"\bAFT[A-Z]|playstation|xbox", re.IGNORECASE)),
    ("tablet", re.compile(r"ipad|tablet|kindle|silk/|playbook|android(?!.*mobile)", re.IGNORECASE)),
    ("phone", re.compile(r"iphone|ipod|mobile|android|windows phone", re.IGNORECASE)),
    ("desktop", re.compile(r"windows nt|macintosh|x11|cros|linux", re.IGNORECASE)),
)  # fmt: skip


class Agent(msgspec.Struct, frozen=True):
    """What is kept of a user agent."""

    device: Device
    family: str | None


@lru_cache(maxsize=4096)
def agent_of(user_agent: str) -> Agent:
    """Class of device and family of the agent; the agent is cut to ``LONGEST_AGENT`` by the caller."""
    family = ua_parser.parse_user_agent(user_agent)
    return Agent(_device(user_agent), family.family[:64] if family else None)


def _device(user_agent: str) -> Device:
    if CrawlerDetect(user_agent=_TOOLS.sub("", user_agent)).is_crawler():
        return "bot"
    for device, words in _CLASSES:
        if words.search(user_agent):
            return device
    return "unknown"


@lru_cache(maxsize=4096)
def network_of(address: str) -> str | None:
    """``public``, or ``private`` for an address that is not routed in the internet; None for no address."""
    try:
        return "public" if ipaddress.ip_address(address).is_global else "private"
    except ValueError:
        return None
