"""Somebody who watches an item all the while: asks for playback, and reads all that its lists name.

What does not belong here: what a test expects to see.
"""

import threading
from types import TracebackType
from urllib.parse import urljoin

import m3u8

from tests.streaming_api.api import Person


class Viewer:
    """While the block runs, reads the newest version again and again, whole, through the PoP.

    ``rounds``: how often it was read whole; ``troubles``: what could not be read; ``first``: the address of
    the first version seen.
    """

    def __init__(self, person: Person, media_id: str) -> None:
        self._person, self._media_id = person, media_id
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.first = self.newest()
        self.rounds, self.troubles = 0, list[str]()

    def __enter__(self) -> "Viewer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def read(self, master: str) -> set[str]:
        """Every address below a master playlist, after each was read; ValueError names what was not."""
        seen, lists = {master}, [master]
        while lists:
            address = lists.pop()
            for uri in self._uris(address):
                if uri not in seen:
                    seen.add(uri)
                    lists += [uri] if uri.endswith(".m3u8") else []
                    self._get(uri)
        return seen

    def _watch(self) -> None:
        while not self._over.is_set():
            try:
                self.read(self.newest())
                self.rounds += 1
            except ValueError as error:
                self.troubles.append(str(error))

    def newest(self) -> str:
        """The address that playback gives now."""
        answer = self._person.http.get(f"/v1/playback/{self._media_id}")
        if answer.status_code != 200:
            raise ValueError(f"playback: {answer.status_code} {answer.text}")
        return answer.json()["hls_url"]

    def _uris(self, playlist: str) -> set[str]:
        parsed = m3u8.loads(self._get(playlist))
        if playlist.endswith("/master.m3u8"):
            named = [one.uri for one in (*parsed.playlists, *parsed.media)]
        elif not parsed.is_endlist or not parsed.segments:
            raise ValueError(f"{playlist}: no end, or nothing in it")
        else:
            named = [one.uri for one in (*parsed.segments, *parsed.segment_map)]
        return {urljoin(playlist, uri) for uri in named if uri}

    def _get(self, address: str) -> str:
        answer = self._person.http.get(address, headers={"Authorization": ""})
        if answer.status_code != 200 or not answer.content:
            raise ValueError(f"{address}: {answer.status_code}")
        return answer.text if address.endswith(".m3u8") else ""
