"""What is left of an address and a user agent."""

from pathlib import Path

import pytest

from streaming_api.events.countries import TABLE, Countries
from streaming_api.events.reduction import agent_of, network_of

KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
AGENTS = {
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {IOS}": ("phone", "Mobile Safari"),
    f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {IOS}": ("tablet", "Mobile Safari"),
    f"Mozilla/5.0 (Linux; Android 10; K) {KHTML} Chrome/126.0.0.0 Mobile Safari/537.36":
        ("phone", "Chrome Mobile"),
    f"Mozilla/5.0 (Linux; Android 13; SM-X706B) {KHTML} Chrome/126.0.0.0 Safari/537.36": ("tablet", "Chrome"),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0":
        ("desktop", "Firefox"),
    f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.5) {KHTML} Version/6.5 TV Safari/537.36": ("tv", "Safari"),
    f"Mozilla/5.0 (Linux; Android 9; AFTKA) {KHTML} Chrome/120.0.0.0 Mobile Safari/537.36":
        ("tv", "Chrome Mobile"),
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": ("bot", "Googlebot"),
    f"Mozilla/5.0 (X11; Linux x86_64) {KHTML} HeadlessChrome/126.0.0.0 Safari/537.36":
        ("desktop", "HeadlessChrome"),
    "okhttp/4.12.0": ("unknown", "okhttp"),
    "": ("unknown", None),
}  # fmt: skip


@pytest.mark.parametrize("user_agent", AGENTS)
def test_an_agent_becomes_a_class_and_a_family(user_agent: str) -> None:
    found = agent_of(user_agent)
    assert (found.device, found.family) == AGENTS[user_agent]


LIBRARIES = ["python-httpx/0.28", "curl/8.5.0", "Go-http-client/1.1", "VLC/3.0.18 LibVLC/3.0.18"]


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_program_that_uses_the_api_is_not_called_a_bot_for_its_library(name: str) -> None:
    assert agent_of(name).device == "unknown"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("41.206.11.1", "public"), ("2a00:1450:4001::8", "public"), ("127.0.0.1", "private"),
        ("10.0.0.7", "private"), ("100.64.3.1", "private"), ("fe80::1", "private"), ("", None),
        ("somewhere", None),
    ],
)  # fmt: skip
def test_an_address_becomes_a_class_of_network(address: str, network: str | None) -> None:
    assert network_of(address) == network


def test_the_country_comes_from_the_table_that_the_setup_fetched() -> None:
    assert TABLE.is_file(), "make setup"
    countries = Countries()
    assert countries.of("41.206.11.1") == "NG"
    assert [countries.of(address) for address in ("127.0.0.1", "", "nowhere")] == [None, None, None]
    countries.close()


async def test_without_the_table_countries_are_unknown_and_readiness_says_so(tmp_path: Path) -> None:
    countries = Countries(tmp_path / "none.mmdb")
    assert countries.of("41.206.11.1") is None
    with pytest.raises(FileNotFoundError, match="make setup"):
        await countries.check()
