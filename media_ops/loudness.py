"""EBU R128 out of ffmpeg's ``ebur128`` summary. Measuring happens in the audio pass (``filters``)."""

import re

from media_ops.output import Loudness

_SUMMARY = re.compile(
    r"Integrated loudness:.*?\bI:\s+(?P<integrated>-?[\d.]+) LUFS.*?\bLRA:\s+(?P<range>-?[\d.]+) LU\b"
    r".*?\bPeak:\s+(?P<peak>-?inf|-?[\d.]+) dBFS",
    re.DOTALL,
)


def loudness_of(log: str) -> Loudness | None:
    """The last summary in ``log``, None where there is none."""
    text = re.sub(r"(?m)^(\[[^\]\n]*\] )+", "", log)
    summaries = list(_SUMMARY.finditer(text))
    if not summaries:
        return None
    found = summaries[-1]
    peak = found["peak"]
    return Loudness(float(found["integrated"]), float(found["range"]), None if "inf" in peak else float(peak))
