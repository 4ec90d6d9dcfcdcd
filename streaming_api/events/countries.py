"""The country of an address, from a table in a local file (MMDB, CC0), which the set-up fetches."""

import ipaddress
from pathlib import Path

import maxminddb
import structlog

TABLE = Path(__file__).with_name("country.mmdb")

log = structlog.get_logger()


class Countries:
    """Looks addresses up; without the table every country is unknown, and the log says so once."""

    def __init__(self, table: Path = TABLE) -> None:
        self._reader = None
        if table.is_file():
            self._reader = maxminddb.open_database(table)
        else:
            log.warning(
                "no table of countries, every country is unknown", table=str(table), action="make setup"
            )

    def of(self, address: str) -> str | None:
        """ISO 3166-1 alpha-2, or None where the table knows none."""
        if self._reader is None:
            return None
        try:
            found = self._reader.get(ipaddress.ip_address(address))
        except ValueError:
            return None
        code = found.get("country_code") if isinstance(found, dict) else None
        return code if isinstance(code, str) and len(code) == 2 and code.isupper() else None

    async def check(self) -> None:
        """Readiness: the table is there. Raises FileNotFoundError."""
        if self._reader is None:
            raise FileNotFoundError("no table of countries: run `make setup`")

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
