"""Erasing, inserting, deleting, repeating."""

from __future__ import annotations

from tests.terminal.cases.case import ABCD, FILL, FULL, C, Case, E

EDITING: list[Case] = [
    Case("erase to the end", "EL", f"abcdef{C}3G{C}K", ["ab"], (2, 0)),
    Case("erase to the end, 0", "EL", f"abcdef{C}3G{C}0K", ["ab"], (2, 0)),
    Case("erase from the start", "EL", f"abcdef{C}3G{C}1K", ["   def"], (2, 0)),
    Case("erase the line", "EL", f"abcdef{C}3G{C}2K", [""], (2, 0)),
    Case("selective erase", "DECSEL", f"abcdef{C}3G{C}?K", ["ab"], (2, 0)),
    Case("selective erase from the start", "DECSEL", f"abcdef{C}3G{C}?1K", ["   def"], (2, 0)),
    Case("selective erase of the line", "DECSEL", f"abcdef{C}3G{C}?2K", [""], (2, 0)),
    Case("erase below", "ED", f"{FILL}{C}2;3H{C}J", ["1111111111", "22"], (2, 1)),
    Case("erase above", "ED", f"{FILL}{C}2;3H{C}1J", ["", "   2222222", "3333333333", "4444444444"], (2, 1)),
    Case("erase all", "ED", f"{FILL}{C}2;3H{C}2J", [""], (2, 1)),
    Case("erase the scrollback alone", "ED", f"ab{C}3JX", ["abX"], (3, 0)),
    Case("selective erase below", "DECSED", f"{FILL}{C}2;3H{C}?J", ["1111111111", "22"], (2, 1)),
    Case("erase characters", "ECH", f"abcdef{C}2G{C}3X", ["a   ef"], (1, 0)),
    Case("erase characters to the end", "ECH", f"abcdef{C}2G{C}99X", ["a"], (1, 0)),
    Case("erase 0 characters is 1", "ECH", f"abc{C}1G{C}0X", [" bc"], (0, 0)),
    Case("alignment", "DECALN", f"{E}#8", ["EEEEEEEEEE"] * 4, (0, 0)),
    Case("alignment ends the region", "DECALN", f"{C}2;3r{E}#8{C}4;1H\nX", ["E" * 10] * 3 + ["X"], (1, 3)),
    # Inserting and deleting
    Case("insert characters", "ICH", f"abcdef{C}2G{C}2@", ["a  bcdef"], (1, 0)),
    Case("insert 0 characters is 1", "ICH", f"abc\r{C}0@", [" abc"], (0, 0)),
    Case("insert characters pushes out", "ICH", f"{FULL}{C}2G{C}3@", ["0   123456"], (1, 0)),
    Case("insert more than fits", "ICH", f"abc{C}2G{C}99@", ["a"], (1, 0)),
    Case("insert characters outside a region", "ICH", f"{C}2;3rabc\r{C}@", [" abc"], (0, 0)),
    Case("delete characters", "DCH", f"abcdef{C}2G{C}2P", ["adef"], (1, 0)),
    Case("delete more than there are", "DCH", f"abcdef{C}2G{C}99P", ["a"], (1, 0)),
    Case("delete characters outside a region", "DCH", f"{C}2;3rabc\r{C}P", ["bc"], (0, 0)),
    Case("insert mode", "IRM", f"abc{C}1G{C}4hXY", ["XYabc"], (2, 0)),
    Case("insert mode off", "IRM", f"abc{C}1G{C}4hX{C}4lY", ["XYbc"], (2, 0)),
    Case("insert mode pushes out", "IRM", f"{FULL}\r{C}4hX", ["X012345678"], (1, 0)),
    Case("insert mode wraps", "IRM", f"{C}4h{FULL}X", [FULL, "X"], (1, 1)),
    Case("insert lines", "IL", f"{ABCD}{C}2;2H{C}L", ["aa", "", "bb", "cc"], (0, 1)),
    Case("insert two lines", "IL", f"{ABCD}{C}2;1H{C}2L", ["aa", "", "", "bb"], (0, 1)),
    Case("insert many lines", "IL", f"{ABCD}{C}2;2H{C}99L", ["aa"], (0, 1)),
    Case("insert a line in the last row", "IL", f"{ABCD}{C}L", ["aa", "bb", "cc"], (0, 3)),
    Case("insert lines in a region", "IL", f"{ABCD}{C}2;3r{C}2;1H{C}L", ["aa", "", "bb", "dd"], (0, 1)),
    Case(
        "insert lines outside the region", "IL", f"{ABCD}{C}2;3r{C}1;1H{C}L", ["aa", "bb", "cc", "dd"], (0, 0)
    ),
    Case("delete lines", "DL", f"{ABCD}{C}2;2H{C}M", ["aa", "cc", "dd"], (0, 1)),
    Case("delete many lines", "DL", f"{ABCD}{C}2;2H{C}99M", ["aa"], (0, 1)),
    Case("delete lines in a region", "DL", f"{ABCD}{C}2;3r{C}2;1H{C}M", ["aa", "cc", "", "dd"], (0, 1)),
    Case("delete two lines in a region", "DL", f"{ABCD}{C}2;4r{C}2;1H{C}2M", ["aa", "dd"], (0, 1)),
    Case(
        "delete lines outside the region", "DL", f"{ABCD}{C}2;3r{C}4;1H{C}M", ["aa", "bb", "cc", "dd"], (0, 3)
    ),
    # Repeating
    Case("repeat", "REP", f"a{C}3b", ["aaaa"], (4, 0)),
    Case("repeat 0 is 1", "REP", f"a{C}0b", ["aa"], (2, 0)),
    Case("repeat wraps", "REP", f"a{C}11b", ["aaaaaaaaaa", "aa"], (2, 1)),
    Case("repeat scrolls", "REP", f"a{C}45b", ["aaaaaaaaaa"] * 3 + ["aaaaaa"], (6, 3)),
    Case("repeat without autowrap", "REP", f"{C}?7la{C}99b", ["aaaaaaaaaa"], (9, 0)),
    Case("repeat nothing", "REP", f"{C}3bX", ["X"], (1, 0)),
    Case("repeat graphics", "REP", f"{E}(0q{C}2b", ["───"], (3, 0)),
    Case("repeat wide", "REP", f"日{C}2b", ["日日日"], (6, 0)),
    Case("repeat wide wraps whole", "REP", f"x日{C}5b", ["x日日日日", "日日"], (4, 1)),
]
