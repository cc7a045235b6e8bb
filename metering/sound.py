"""How long a recording can be at most, told from its bytes. What its header claims is not taken.

Transcriptions are charged by the duration of what the provider decodes. A WAV lasts as long as its
bytes do at its rate, which a decoder takes from the same place; but FFmpeg looks for frames of
other codecs where it says 16-bit PCM (libavformat/wavdec.c, `handle_stream_probing`), so there must
be none. Of other formats no bound holds: FLAC and Opus put an hour of silence into some hundred
bytes, an MP4 may play the same bytes again and again, and FFmpeg takes an MP3 for any of them whose
frames stand in its own (twelve that held AAC played for 175 seconds, in 17,280 bytes).
"""

import re
import struct
from typing import Final

_WAV: Final = struct.Struct("<4xI4s4sIHHI4xHH")
"""RIFF, its size, WAVE, `fmt `, its size, format, channels, rate, (bytes a second), block, bits."""
_STRAIGHT: Final = frozenset({1, 3, 6, 7})
"""PCM in whole numbers and in floats, A-law and µ-law: what has a fixed number of bits a sample."""
_EXTENSIBLE: Final = 0xFFFE
_SUBFORMAT: Final = 44
_SLOWEST_RATE: Final = 4_000
_FIRST_CHUNK: Final = 12
_HARMLESS: Final = frozenset({b"fmt ", b"LIST", b"fact", b"JUNK", b"bext", b"PEAK"})
"""Chunks that may stand before the samples: FFmpeg takes a codec from some others."""
_FEWEST_FRAMES: Final = 3
_MOST_FRAMES: Final = 50
"""FFmpeg wants three frames at the beginning, or a hundred in a row anywhere."""
_PROBED: Final = 131_072 + 8_192
"""Bytes in which frames are looked for: FFmpeg looks at 32 packets of 4,096, and a frame more."""
_SYNC: Final = re.compile(rb"[\xff\x56](?=[\xe0-\xff])")
_OTHER_SYNCS: Final = re.compile(
    rb"\x0b\x77|\x7f\xfe\x80\x01|\xfe\x7f\x01\x80|\x1f\xff\xe8\x00|\xff\x1f\x00\xe8"
    rb"|\xf8\x72\x6f\xba|\x72\xf8\x1f\x4e|\x4e\x1f\xf8\x72"
)
"""AC-3, DTS, TrueHD, and what S/PDIF wraps them in. Chance makes AC-3's four times in so many."""
_MOST_BY_CHANCE: Final = 24
_KBITS: Final = {
    # By MPEG-1 or later, and by layer.
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES: Final = {
    3: (44_100, 48_000, 32_000),
    2: (22_050, 24_000, 16_000),
    0: (11_025, 12_000, 8_000),
}


def most_seconds(sound: memoryview) -> int | None:
    """Give the seconds that a recording lasts at most, rounded up; None where no bound is known."""
    return _wav(sound) if bytes(sound[:4]) == b"RIFF" else None


def _wav(sound: memoryview) -> int | None:
    if len(sound) < _WAV.size:
        return None
    _, wave, chunk, size, form, channels, rate, block, bits = _WAV.unpack_from(sound)
    if form == _EXTENSIBLE and len(sound) >= _SUBFORMAT + 2:
        (form,) = struct.unpack_from("<H", sound, _SUBFORMAT)
    plain = wave == b"WAVE" and chunk == b"fmt " and size >= 16 and form in _STRAIGHT  # noqa: PLR2004 - as the format has it
    if not plain or not block or rate < _SLOWEST_RATE or block * 8 != channels * bits:
        return None
    samples = _samples(sound)
    if samples is None or (form == 1 and bits == 16 and _holds_frames(samples)):  # noqa: PLR2004 - likewise
        return None
    return -(-len(sound) // int(rate * block))


def _samples(wav: memoryview) -> memoryview | None:
    """Give what stands from the samples on; None where it is not sure where they begin."""
    at = _FIRST_CHUNK
    while at + 8 <= len(wav):
        name, size = struct.unpack_from("<4sI", wav, at)
        at += 8
        if name == b"data":
            return wav[at:]
        if name not in _HARMLESS or size % 2 or (name == b"fmt ") != (at == _FIRST_CHUNK + 8):
            return None
        at += max(size, 8)
    return None


def _holds_frames(samples: memoryview) -> bool:
    """Say whether frames of another codec may be found in what is called plain samples."""
    looked_at = bytes(samples[:_PROBED])
    if len(_OTHER_SYNCS.findall(looked_at)) > _MOST_BY_CHANCE:
        return True
    begins = {0, len(looked_at) - len(looked_at.lstrip(b"\0"))}
    following: dict[int, int] = {}
    # From the end on, so that no chain of frames is walked twice.
    for at in reversed([found.start() for found in _SYNC.finditer(looked_at)]):
        length = _frame(looked_at[at : at + 6])
        if length is not None:
            count = following[at] = 1 + following.get(at + length, 0)
            if count >= _MOST_FRAMES or (at in begins and count >= _FEWEST_FRAMES):
                return True
    return False


def _frame(header: bytes) -> int | None:
    """Give how long a frame of MPEG audio or AAC is; None where none begins."""
    if len(header) == 6 and header[0] == 0xFF and header[1] & 0xF6 == 0xF0:  # noqa: PLR2004 - ADTS
        return ((header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5) or None
    if len(header) >= 3 and header[0] == 0x56 and header[1] & 0xE0 == 0xE0:  # noqa: PLR2004 - LOAS
        return ((header[1] & 0x1F) << 8 | header[2]) + 3
    return _mpeg_frame(header)


def _mpeg_frame(header: bytes) -> int | None:
    """Give how long a frame of MPEG audio of a rate that is named is; None where none begins."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - as the format has it
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in {0, 15} or rate == 3:  # noqa: PLR2004 - likewise
        return None
    bits = 1_000 * _KBITS[version == 3, layer][bitrate - 1]  # noqa: PLR2004 - likewise
    hertz = _RATES[version][rate]
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding  # noqa: PLR2004 - likewise
