"""CRC-32C (RFC 3720, appendix B.4), by which a payload is known to have arrived whole."""

from __future__ import annotations

_POLYNOMIAL = 0x82F63B78
"""Castagnoli's, its bits reversed."""


def _entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = tuple(_entry(value) for value in range(256))


def crc32c(data: bytes) -> int:
    """The checksum of some bytes."""
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF
