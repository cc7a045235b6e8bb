"""How long a recording can be at most, told from its bytes. What its header claims is not taken.

Transcriptions are charged by the duration of what the provider decodes. A WAV lasts as long as its
bytes do at its rate, which a decoder takes from the same place. An MP3 has no fewer than 1,000
bytes to the second: 8 kbit/s is the slowest rate of any layer (ISO/IEC 11172-3 and 13818-3). Of
other formats no bound holds: FLAC and Opus put an hour of silence into some hundred bytes, and an
MP4 may play the same bytes again and again.
"""

import struct
from typing import Final

_WAV: Final = struct.Struct("<4xI4s4sIHHI4xHH")
"""RIFF, its size, WAVE, `fmt `, its size, format, channels, rate, (bytes a second), block, bits."""
_STRAIGHT: Final = frozenset({1, 3, 6, 7})
"""PCM in whole numbers and in floats, A-law and µ-law: what has a fixed number of bits a sample."""
_EXTENSIBLE: Final = 0xFFFE
_SUBFORMAT: Final = 44
_SLOWEST_RATE: Final = 4_000
_SLOWEST_MP3: Final = 1_000
_ID3_HEADER: Final = 10


def most_seconds(sound: memoryview) -> int | None:
    """Give the seconds that a recording lasts at most, rounded up; None where no bound is known."""
    if bytes(sound[:4]) == b"RIFF":
        return _wav(sound)
    start = 0
    if bytes(sound[:3]) == b"ID3" and len(sound) >= _ID3_HEADER:
        # Seven bits a byte, and what follows may be of any format. https://id3.org/id3v2.4.0
        start = _ID3_HEADER + sum(
            (byte & 0x7F) << shift for byte, shift in zip(sound[6:10], (21, 14, 7, 0), strict=True)
        )
    return (
        -(-len(sound) // _SLOWEST_MP3) if _is_mpeg_audio(bytes(sound[start : start + 4])) else None
    )


def _wav(sound: memoryview) -> int | None:
    if len(sound) < _WAV.size:
        return None
    _, wave, chunk, size, form, channels, rate, block, bits = _WAV.unpack_from(sound)
    if form == _EXTENSIBLE and len(sound) >= _SUBFORMAT + 2:
        (form,) = struct.unpack_from("<H", sound, _SUBFORMAT)
    plain = wave == b"WAVE" and chunk == b"fmt " and size >= 16 and form in _STRAIGHT  # noqa: PLR2004 - as the format has it
    if not plain or not block or rate < _SLOWEST_RATE or block * 8 != channels * bits:
        return None
    return -(-len(sound) // int(rate * block))


def _is_mpeg_audio(header: bytes) -> bool:
    """Say whether a frame of MPEG audio of a rate that is named begins here."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - as the format has it
        return False
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate, rate = header[2] >> 4, header[2] >> 2 & 3
    return version != 1 and layer != 0 and bitrate not in {0, 15} and rate != 3  # noqa: PLR2004 - likewise
