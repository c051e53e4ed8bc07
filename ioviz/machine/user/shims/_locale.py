"""_locale: the C locale in UTF-8 and no other, since setting one would set it for the whole host process."""

from __future__ import annotations

import _locale
from locale import CODESET, Error, nl_langinfo
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.shims import module_from

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

_CONVENTIONS: dict[str, Any] = {
    **dict.fromkeys(("int_curr_symbol", "currency_symbol", "mon_decimal_point", "mon_thousands_sep"), ""),
    **dict.fromkeys(("positive_sign", "negative_sign", "thousands_sep"), ""),
    **dict.fromkeys(("int_frac_digits", "frac_digits", "p_cs_precedes", "p_sep_by_space", "n_cs_precedes"), 127),
    **dict.fromkeys(("n_sep_by_space", "p_sign_posn", "n_sign_posn"), 127),
    "decimal_point": ".",
    "grouping": [],
    "mon_grouping": [],
}


class _Locale:
    def setlocale(self, category: int, locale: str | None = None, /) -> str:
        if locale in (None, "", "C", "POSIX", "C.UTF-8"):
            return "C.UTF-8" if locale == "C.UTF-8" else "C"
        raise Error("unsupported locale setting")

    def localeconv(self) -> dict[str, Any]:
        return dict(_CONVENTIONS)

    def getencoding(self) -> str:
        return "utf-8"

    def nl_langinfo(self, key: int, /) -> str:
        return "UTF-8" if key == CODESET else nl_langinfo(key)

    def strcoll(self, a: str, b: str, /) -> int:
        return (a > b) - (a < b)

    def strxfrm(self, text: str, /) -> str:
        return text


def build(guest: Guest) -> ModuleType:
    constants = {name: value for name, value in vars(_locale).items() if isinstance(value, int)}
    return module_from("_locale", _Locale(), {**constants, "Error": Error})
