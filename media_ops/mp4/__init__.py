"""ISO base media file format (ISO/IEC 14496-12), as far as publishing needs it: boxes, index, fragments."""
