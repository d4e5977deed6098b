"""What a case is, and where its expected screen comes from."""

from __future__ import annotations

from typing import NamedTuple

E = "\x1b"
C = "\x1b["
FILL = "1111111111\r\n2222222222\r\n3333333333\r\n4444444444"
ABCD = "aa\r\nbb\r\ncc\r\ndd"
FULL = "0123456789"
"""A full row: what follows finds the wrap delayed."""


class Case(NamedTuple):
    """What is sent to a screen of 10 x 4, and what the screen shows then."""

    name: str
    source: str
    """A key of SOURCES."""
    sent: str
    rows: list[str]
    """The rows from the top, without blanks at their ends; those left out are blank."""
    cursor: tuple[int, int] | None
    """The cursor's column and row from 0; None: it does not matter."""


SOURCES: dict[str, str] = {
    # ECMA-48, fifth edition: its section.
    "APC": "ECMA-48 8.3.2",
    "BEL": "ECMA-48 8.3.3",
    "BS": "ECMA-48 8.3.5",
    "CAN": "ECMA-48 8.3.6; VT510, CAN: ends a sequence, which does nothing",
    "CBT": "ECMA-48 8.3.7",
    "CHA": "ECMA-48 8.3.9",
    "CHT": "ECMA-48 8.3.10",
    "CNL": "ECMA-48 8.3.12; VT510, CNL: not beyond the margin",
    "CPL": "ECMA-48 8.3.13; VT510, CPL: not beyond the margin",
    "CR": "ECMA-48 8.3.15",
    "CUB": "ECMA-48 8.3.18; VT510, CUB",
    "CUD": "ECMA-48 8.3.19; VT510, CUD: not beyond the margin",
    "CUF": "ECMA-48 8.3.20; VT510, CUF",
    "CUP": "ECMA-48 8.3.21; VT510, CUP",
    "CUU": "ECMA-48 8.3.22; VT510, CUU: not beyond the margin",
    "DCH": "ECMA-48 8.3.26",
    "DCS": "ECMA-48 8.3.27",
    "DL": "ECMA-48 8.3.32; VT510, DL: only between the margins, then to the left margin",
    "ECH": "ECMA-48 8.3.38",
    "ED": "ECMA-48 8.3.39",
    "EL": "ECMA-48 8.3.41",
    "ENQ": "ECMA-48 8.3.44; xterm ctlseqs, ENQ: an answerback that is empty unless configured",
    "FF": "xterm ctlseqs, Single-character functions: FF is the same as LF",
    "HPA": "ECMA-48 8.3.57",
    "HPR": "ECMA-48 8.3.59",
    "HT": "ECMA-48 8.3.60; VT510, HT: without a stop, to the right margin",
    "HTS": "ECMA-48 8.3.62",
    "HVP": "ECMA-48 8.3.63",
    "ICH": "ECMA-48 8.3.64",
    "IL": "ECMA-48 8.3.67; VT510, IL: only between the margins, then to the left margin",
    "IND": "VT510, IND",
    "IRM": "ECMA-48 7.2.10; VT510, IRM",
    "LF": "ECMA-48 8.3.74; VT510, LF: scrolls at the bottom margin",
    "LNM": "VT510, LNM",
    "LS2": "ECMA-48 8.3.78; VT510, LS2",
    "LS3": "ECMA-48 8.3.80; VT510, LS3",
    "MC": "ECMA-48 8.3.82; without a printer nothing is passed to one",
    "NEL": "ECMA-48 8.3.86; VT510, NEL",
    "NUL": "ECMA-48 8.3.88 and ECMA-35: NUL and DEL may be left out and put in without effect",
    "OSC": "ECMA-48 8.3.89; xterm ctlseqs, Operating System Commands: ended by BEL or ST",
    "PM": "ECMA-48 8.3.94",
    "REP": "ECMA-48 8.3.103: as though the character had been sent as often",
    "RI": "ECMA-48 8.3.104; VT510, RI: scrolls at the top margin",
    "RIS": "ECMA-48 8.3.105; VT510, RIS",
    "SCS": "VT510, SCS",
    "SD": "ECMA-48 8.3.113",
    "SGR": "ECMA-48 8.3.117",
    "SI SO": "ECMA-48 8.3.119 and 8.3.126; VT510, Locking shifts",
    "SOS": "ECMA-48 8.3.128",
    "SS2": "ECMA-48 8.3.141; VT510, SS2",
    "SS3": "ECMA-48 8.3.142; VT510, SS3",
    "ST": "ECMA-48 8.3.143",
    "SU": "ECMA-48 8.3.147",
    "SUB": "ECMA-48 8.3.148; VT510, SUB: ends a sequence, which does nothing",
    "TBC": "ECMA-48 8.3.154",
    "VPA": "ECMA-48 8.3.158",
    "VPR": "ECMA-48 8.3.160; VT510, VPR: not beyond the last line",
    "VT": "xterm ctlseqs, Single-character functions: VT is the same as LF",
    "CSI": "ECMA-48 5.4: parameters, intermediates, a final",
    "C0": "ECMA-48 5.2; VT510: controls within a sequence are carried out at once",
    "C1": "ECMA-48 5.3; xterm ctlseqs, C1 (8-Bit) Control Characters; here from UTF-8, by code point",
    "ESC": "ECMA-48 5.3 and ECMA-35: ESC begins anew; unknown functions do nothing",
    # DEC.
    "DECALN": "VT510, DECALN",
    "DECAWM": "VT510, DECAWM: a full row waits with the wrap for the next character",
    "DECCOLM": "xterm ctlseqs, DECSET 3 and 40: 132 columns only where they were allowed",
    "DECKPAM": "VT510, DECKPAM and DECKPNM",
    "DECOM": "VT510, DECOM",
    "DECRC": "VT510, DECSC and DECRC; home when nothing was saved",
    "DECSED": "VT510, DECSED: nothing is protected",
    "DECSEL": "VT510, DECSEL: nothing is protected",
    "DECSET": "xterm ctlseqs, DECSET: modes in one sequence, unknown ones without effect",
    "DECST8C": "VT510, DECST8C",
    "DECSTBM": "VT510, DECSTBM: at least two rows, then home",
    "DECSTR": "VT510, DECSTR",
    "S7C1T": "VT510, S7C1T and S8C1T",
    "DECDHL": "VT510, DECDHL, DECDWL and DECSWL: rows of one height and width here",
    "VT100 graphics": "VT510, DEC Special Graphic character set; Unicode's names for them",
    # xterm, and who it points to.
    "XTerm 47": "xterm ctlseqs, DECSET 47, 1047, 1048 and 1049",
    "XTSAVE": "xterm ctlseqs, XTSAVE and XTRESTORE",
    "XTHIMOUSE": "xterm ctlseqs, CSI T with five parameters: highlight mouse tracking, no scrolling",
    "XTMODKEYS": "xterm ctlseqs, XTMODKEYS: no SGR",
    "SCORC": "xterm ctlseqs, SCOSC and SCORC",
    "kitty keyboard": "kitty, Comprehensive keyboard handling: CSI > u, CSI < u",
    "kitty graphics": "kitty, Terminal graphics protocol: an APC",
    "OSC 8": "Hyperlinks in terminal emulators (OSC 8)",
    # Unicode.
    "UAX 11": "Unicode UAX #11: wide characters take two cells",
    "UAX 29": "Unicode UAX #29: one grapheme cluster, one cell (or two)",
    "UTS 51": "Unicode UTS #51: an emoji sequence is one wide cell",
    "halves": "UAX #11 and xterm: of a wide character half overwritten, erased or pushed out nothing is left",
    "Cf": "Unicode 23.2 and 23.8: format controls and joiners show nothing",
}
