"""Which streams of a source browsers play as they are, so that they are packaged and not encoded.

What does not belong here: what is made besides (``ladder``).
"""

import msgspec

from media_ops.description import AudioStream, SourceDescription, VideoStream
from media_ops.keyframes import LONGEST_S

PROFILES = ("Constrained Baseline", "Baseline", "Main", "High")
MAX_LEVEL = 52
MAX_COPY_BITRATE = 40_000_000
"""A heavier stream stalls too many viewers to be the first thing they get; it is encoded instead."""
MAX_START_GAP_S = 0.25
"""Players cross a hole this long at the start by themselves."""


class Verdict(msgspec.Struct, frozen=True):
    """Which of the main streams are packaged as they are, and what speaks against the others."""

    video: bool
    audio: bool
    reasons: tuple[str, ...]


def streamable(source: SourceDescription) -> Verdict:
    """H.264 8-bit 4:2:0 progressive upright with a keyframe every 6 s at most; AAC-LC or HE-AAC."""
    against_video = _against_video(source, source.main_video) if source.main_video else ["no video"]
    against_audio = _against_audio(source, source.main_audio) if source.main_audio else ["no audio"]
    return Verdict(not against_video, not against_audio, (*against_video, *against_audio))


def _against_video(source: SourceDescription, video: VideoStream) -> list[str]:
    keyframes = source.keyframes
    checks = {
        f"codec {video.codec}": video.codec != "h264" or video.profile not in PROFILES,
        f"level {video.level}": not 0 < video.level <= MAX_LEVEL,
        f"pixels {video.pixel_format}": video.pixel_format not in ("yuv420p", "yuvj420p"),
        f"range {video.color_range}": video.color_range == "pc" or video.hdr != "sdr",
        f"fields {video.field_order}": video.field_order != "progressive",
        f"rotation {video.rotation}": video.rotation != 0 or video.mirrored,
        f"sample aspect {video.sample_aspect}": video.sample_aspect.fraction != 1,
        f"odd size {video.width}x{video.height}": bool(video.width % 2 or video.height % 2),
        f"{video.bitrate} bit/s": (video.bitrate or source.bitrate or 0) > MAX_COPY_BITRATE,
        f"frame rate {video.frame_rate}": float(video.frame_rate) > 60.5,
        "no index of keyframes": keyframes is None,
        "edit lists": keyframes is not None and not keyframes.simple_edits,
        "packaging failed": "video" in source.refused,
        "keyframes too far apart": keyframes is not None and keyframes.longest_gap_s > LONGEST_S,
    }
    return [reason for reason, against in checks.items() if against]


def _against_audio(source: SourceDescription, audio: AudioStream) -> list[str]:
    checks = {
        f"codec {audio.codec}": audio.codec != "aac" or audio.profile not in ("LC", "HE-AAC", "HE-AACv2"),
        f"container {source.container}": "mp4" not in source.container,
        "edit lists": source.keyframes is not None and not source.keyframes.simple_edits,
        "no stated bitrate": audio.bitrate is None,
        f"sample rate {audio.sample_rate}": not 16_000 <= audio.sample_rate <= 96_000,
        f"{audio.channels} channels": not 1 <= audio.channels <= 8,
        "packaging failed": "audio" in source.refused,
        "starts late": abs(audio.start_s - source.zero_s) > MAX_START_GAP_S,
    }
    return [reason for reason, against in checks.items() if against]
