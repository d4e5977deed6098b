"""Scrolling, scroll regions, the two screens, modes and resets."""

from __future__ import annotations

from tests.terminal.cases.case import ABCD, FULL, C, Case, E

SCROLLING: list[Case] = [
    Case("scroll up", "SU", f"{ABCD}{C}S", ["bb", "cc", "dd"], (2, 3)),
    Case("scroll up by two", "SU", f"{ABCD}{C}2S", ["cc", "dd"], (2, 3)),
    Case("scroll up by more than there is", "SU", f"{ABCD}{C}99S", [""], (2, 3)),
    Case("scroll up in a region", "SU", f"{ABCD}{C}2;3r{C}S", ["aa", "cc", "", "dd"], (0, 0)),
    Case("scroll down", "SD", f"{ABCD}{C}T", ["", "aa", "bb", "cc"], (2, 3)),
    Case("scroll down by more than there is", "SD", f"{ABCD}{C}99T", [""], (2, 3)),
    Case("scroll down in a region", "SD", f"{ABCD}{C}2;3r{C}T", ["aa", "", "bb", "dd"], (0, 0)),
    Case("scroll down as ECMA-48 misprinted it", "SD", f"{ABCD}{C}^", ["", "aa", "bb", "cc"], (2, 3)),
    Case(
        "highlight tracking is no scroll",
        "XTHIMOUSE",
        f"{ABCD}{C}1;2;3;4;5T",
        ["aa", "bb", "cc", "dd"],
        (2, 3),
    ),
    Case("region homes the cursor", "DECSTBM", f"ab{C}2;3rX", ["Xb"], (1, 0)),
    Case("region scrolls", "DECSTBM", f"{ABCD}{C}2;3r{C}3;1H\nX", ["aa", "cc", "X", "dd"], (1, 2)),
    Case("region scrolls back", "DECSTBM", f"{ABCD}{C}2;3r{C}2;1H{E}MX", ["aa", "X", "bb", "dd"], (1, 1)),
    Case(
        "outside it nothing scrolls",
        "DECSTBM",
        f"{ABCD}{C}2;3r{C}4;1H\n\nX",
        ["aa", "bb", "cc", "Xd"],
        (1, 3),
    ),
    Case(
        "region of one row is refused", "DECSTBM", f"{ABCD}{C}2;2r{C}4;1H\nX", ["bb", "cc", "dd", "X"], (1, 3)
    ),
    Case(
        "region upside down is refused",
        "DECSTBM",
        f"{ABCD}{C}3;2r{C}4;1H\nX",
        ["bb", "cc", "dd", "X"],
        (1, 3),
    ),
    Case("region beyond the screen", "DECSTBM", f"{ABCD}{C}2;99r{C}4;1H\nX", ["aa", "cc", "dd", "X"], (1, 3)),
    Case("region without a bottom", "DECSTBM", f"{ABCD}{C}3r{C}4;1H\nX", ["aa", "bb", "dd", "X"], (1, 3)),
    Case("region without a top", "DECSTBM", f"{ABCD}{C};2r{C}2;1H\nX", ["bb", "X", "cc", "dd"], (1, 1)),
    Case("region reset", "DECSTBM", f"{ABCD}{C}2;3r{C}r{C}4;1H\nX", ["bb", "cc", "dd", "X"], (1, 3)),
    Case(
        "region reset by zeros", "DECSTBM", f"{ABCD}{C}2;3r{C}0;0r{C}4;1H\nX", ["bb", "cc", "dd", "X"], (1, 3)
    ),
    # The two screens
    Case("alternate screen 1049", "XTerm 47", f"main{C}?1049hX", ["    X"], (5, 0)),
    Case("back from 1049", "XTerm 47", f"main{C}?1049halt{C}?1049lX", ["mainX"], (5, 0)),
    Case("1049 clears", "XTerm 47", f"{C}?1049hold{C}?1049l{C}?1049h", [""], (0, 0)),
    Case("1049 twice clears twice", "XTerm 47", f"{C}?1049hold{C}?1049hX", ["   X"], (4, 0)),
    Case("1049 twice is left once", "XTerm 47", f"m{C}?1049h{C}?1049hX{C}?1049l", ["m"], (1, 0)),
    Case("leaving what was not entered restores", "XTerm 47", f"ab{C}?1049lX", ["Xb"], (1, 0)),
    Case("alternate screen 47 keeps its text", "XTerm 47", f"{C}?47hold{C}?47l{C}?47h", ["old"], (3, 0)),
    Case("47 keeps the cursor", "XTerm 47", f"ab{C}?47hX", ["  X"], (3, 0)),
    Case("back from 47", "XTerm 47", f"ab{C}?47hX{C}?47lY", ["ab Y"], (4, 0)),
    Case("1047 clears on leaving", "XTerm 47", f"{C}?1047hold{C}?1047l{C}?1047h", [""], (3, 0)),
    Case("1047 keeps the cursor", "XTerm 47", f"ab{C}?1047hX", ["  X"], (3, 0)),
    Case("1048 saves the cursor", "XTerm 47", f"ab{C}?1048h{C}4;1H{C}?1048lX", ["abX"], (3, 0)),
    Case("1049 left by 47 keeps the cursor", "XTerm 47", f"m{C}?1049halt{C}?47lX", ["m   X"], (5, 0)),
    Case(
        "each screen has its saved cursor",
        "XTerm 47",
        f"ab{E}7{C}?47h{C}3;3H{E}7{C}?47l{E}8X",
        ["abX"],
        (3, 0),
    ),
    Case(
        "margins belong to both screens", "XTerm 47", f"{C}2;3r{C}?1049h{C}3;1H\n\nX", ["", "", "X"], (1, 2)
    ),
    # Modes
    Case("bracketed paste", "DECSET", f"{C}?2004hx{C}?2004l", ["x"], (1, 0)),
    Case("synchronized output", "DECSET", f"{C}?2026hx{C}?2026l", ["x"], (1, 0)),
    Case("mouse modes", "DECSET", f"{C}?1000;1002;1003;1006hx", ["x"], (1, 0)),
    Case("focus", "DECSET", f"{C}?1004hx", ["x"], (1, 0)),
    Case("several modes at once", "DECSET", f"{C}?25;7l{FULL}X", ["012345678X"], (9, 0)),
    Case("unknown modes", "DECSET", f"{C}?31337hx{C}99h", ["x"], (1, 0)),
    Case("a mode saved set", "XTSAVE", f"{C}?7s{C}?7l{C}?7r{FULL}X", [FULL, "X"], (1, 1)),
    Case("a mode saved reset", "XTSAVE", f"{C}?7l{C}?7s{C}?7h{C}?7r{FULL}X", ["012345678X"], (9, 0)),
    Case("no 132 columns unasked", "DECCOLM", f"ab{C}?3hX", ["abX"], (3, 0)),
    Case("keypad modes", "DECKPAM", f"{E}=x{E}>", ["x"], (1, 0)),
    # Resets
    Case("hard reset", "RIS", f"abc{C}2;3r{C}?6h{E}cX", ["X"], (1, 0)),
    Case("hard reset sets the tabs", "RIS", f"{C}3g{E}c\tX", ["        X"], (9, 0)),
    Case("hard reset ends graphics", "RIS", f"{E}(0{E}cq", ["q"], (1, 0)),
    Case("hard reset sets autowrap", "RIS", f"{C}?7l{E}c{FULL}X", [FULL, "X"], (1, 1)),
    Case("hard reset forgets the saved cursor", "RIS", f"{C}3;3H{E}7{E}c{E}8X", ["X"], (1, 0)),
    Case("hard reset ends insert mode", "RIS", f"{C}4h{E}cab\rX", ["Xb"], (1, 0)),
    Case("hard reset leaves the alternate screen", "RIS", f"{C}?1049hX{E}c", [""], (0, 0)),
    Case("soft reset keeps the text", "DECSTR", f"abc{C}!pX", ["abcX"], (4, 0)),
    Case("soft reset keeps the place", "DECSTR", f"{C}3;3H{C}!pX", ["", "", "  X"], (3, 2)),
    Case(
        "soft reset ends the region",
        "DECSTR",
        f"{ABCD}{C}2;3r{C}!p{C}4;1H\nX",
        ["bb", "cc", "dd", "X"],
        (1, 3),
    ),
    Case("soft reset ends origin mode", "DECSTR", f"{C}2;3r{C}?6h{C}!p{C}HX", ["X"], (1, 0)),
    Case("soft reset ends insert mode", "DECSTR", f"abc{C}4h{C}!p\rX", ["Xbc"], (1, 0)),
    Case("soft reset ends graphics", "DECSTR", f"{E}(0{C}!pq", ["q"], (1, 0)),
    Case("soft reset homes the saved cursor", "DECSTR", f"{C}3;3H{E}7{C}!p{E}8X", ["X"], (1, 0)),
    Case("soft reset keeps the tabs", "DECSTR", f"{C}3g{C}!p\tX", ["         X"], (9, 0)),
    Case("soft reset stays on the alternate screen", "DECSTR", f"m{C}?1049hX{C}!p", [" X"], (2, 0)),
]
