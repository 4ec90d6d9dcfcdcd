"""Bad files end in a card with code, message and action; nothing hangs, crashes or reaches elsewhere."""

import struct
from pathlib import Path

import pytest

from mcsp.errors import BadMediaError, TransientWorkError
from media_ops.failures import CARDS
from media_ops.inspect import inspect
from tests.media_ops.functions.clips import AAC, H264, Clips, picture, tone
from tests.media_ops.functions.readback import make_all, size_of
from tests.media_ops.functions.server import Store


async def refusal(store: Store, path: Path) -> BadMediaError:
    with pytest.raises(BadMediaError) as caught:
        await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    error = caught.value
    assert (error.failure.message, error.failure.action) == CARDS[error.code]
    assert not error.retryable
    return error


async def test_empty_file(clips: Clips, store: Store) -> None:
    assert (await refusal(store, clips.write("empty.mp4", b""))).code == "source_empty"
    assert store.requests == 0


async def test_text_renamed_to_mp4(clips: Clips, store: Store) -> None:
    path = clips.write("text.mp4", b"Dear diary, nothing moved today.\n" * 400)
    assert (await refusal(store, path)).code == "not_media"


async def test_random_bytes(clips: Clips, store: Store) -> None:
    noise = bytes((n * n * 31 + n * 7) % 251 for n in range(50_000))
    assert (await refusal(store, clips.write("noise.bin", noise))).code in ("not_media", "codec_unknown")


@pytest.mark.parametrize(
    "script",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n%s\n#EXT-X-ENDLIST\n",
        b"\xef\xbb\xbf#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '%s'\n",
        b"file '/etc/passwd'\n",
        b"<?xml version='1.0'?><MPD><Period><BaseURL>%s</BaseURL></Period></MPD>",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
    ],
    ids=["hls", "hls with byte order mark", "ffconcat", "bare concat", "dash", "sdp"],
)
async def test_script_in_disguise_reads_nothing_else(clips: Clips, store: Store, script: bytes) -> None:
    bait = clips.streamable("bait.mp4")
    path = clips.write("disguise.mp4", script.replace(b"%s", store.address(bait).encode()))
    assert (await refusal(store, path)).code == "playlist_not_media"
    assert store.requests == 1


async def test_script_that_the_sniffer_does_not_know_is_stopped_by_the_allow_list(
    clips: Clips, store: Store
) -> None:
    bait = clips.streamable("bait.mp4")
    listing = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{store.address(bait)}\n#EXT-X-ENDLIST\n"
    path = clips.write("late-playlist.mp4", b"\x00" + listing.encode())
    assert (await refusal(store, path)).code == "not_media"
    assert "bait" not in store.asked


async def test_cut_in_the_middle(clips: Clips, store: Store) -> None:
    whole = clips.streamable().read_bytes()
    assert (await refusal(store, clips.write("cut.mp4", whole[: len(whole) // 2]))).code == "source_truncated"


async def test_without_index(clips: Clips, store: Store) -> None:
    whole = clips.make("index-last.mp4", [*picture(seconds=3), *tone(3), *H264, *AAC]).read_bytes()
    path = clips.write("no-index.mp4", whole[: whole.rindex(b"moov") - 4])
    assert (await refusal(store, path)).code == "index_missing"


async def test_index_that_contradicts_itself(clips: Clips, store: Store) -> None:
    whole = bytearray(clips.streamable().read_bytes())
    place = whole.index(b"stss")
    whole[place + 8 : place + 12] = struct.pack(">I", 0x7FFFFFFF)
    assert (await refusal(store, clips.write("lying.mp4", bytes(whole)))).code == "source_damaged"


async def test_attached_picture_only(clips: Clips, store: Store) -> None:
    cover = clips.make("cover.jpg", [*picture("64x64", seconds=1), "-frames:v", "1", "-update", "1"])
    song = clips.make("one.m4a", [*tone(1), *AAC])
    covered = clips.make(
        "picture-only.m4a",
        ["-i", str(song), "-i", str(cover), "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic"],
    )
    assert (await refusal(store, covered)).code == "nothing_to_play"


async def test_still_picture(clips: Clips, store: Store) -> None:
    path = clips.make("still.png", [*picture(seconds=1), "-frames:v", "1", "-update", "1"])
    assert (await refusal(store, path)).code == "picture_not_media"


async def test_claimed_length_of_100_hours(clips: Clips, store: Store) -> None:
    whole = bytearray(clips.make("claims.mp4", [*picture(seconds=1), *H264]).read_bytes())
    for box, at in ((b"mvhd", 16), (b"tkhd", 20), (b"mdhd", 16)):
        place = whole.index(box)
        scale = 1000 if box == b"tkhd" else struct.unpack_from(">I", whole, place + at)[0]
        struct.pack_into(">I", whole, place + at + 4, min(0xFFFFFFFF, 360_000 * scale))
    edit = whole.index(b"elst")
    struct.pack_into(">I", whole, edit + 12, 360_000_000)
    times = whole.index(b"stts")
    struct.pack_into(">I", whole, times + 16, 0xFFFFFFFF // 25)
    assert (await refusal(store, clips.write("100-hours.mp4", bytes(whole)))).code == "too_long"


async def test_picture_of_16384_pixels(clips: Clips, store: Store) -> None:
    small = ["-c:v", "mpeg4", "-frames:v", "1"]
    whole = bytearray(clips.make("huge-base.mp4", [*picture("64x64", seconds=1), *small]).read_bytes())
    entry = whole.index(b"mp4v", whole.index(b"stsd"))
    struct.pack_into(">HH", whole, entry + 28, 16384, 16384)
    path = clips.write("huge.mp4", bytes(whole))
    assert (await refusal(store, path)).code == "too_big_picture"


async def test_picture_of_two_pixels(clips: Clips, store: Store) -> None:
    path = clips.make("tiny.mkv", [*picture("4x4", seconds=1), "-c:v", "ffv1"])
    assert (await refusal(store, path)).code == "too_small_picture"


async def test_damage_inside_still_plays_what_is_left(clips: Clips, store: Store, scratch: Path) -> None:
    whole = bytearray(clips.streamable("to-damage.mp4").read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 600] = bytes(600)
    source, made = await make_all(store, clips.write("damaged.mp4", bytes(whole)))
    assert source.kind == "video"
    assert all(parts for parts in made.segments.values())


async def test_store_away_is_tried_again(clips: Clips, store: Store) -> None:
    path = clips.streamable()
    store.down = True
    with pytest.raises(TransientWorkError) as caught:
        await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    assert caught.value.code == "source_unreadable"
