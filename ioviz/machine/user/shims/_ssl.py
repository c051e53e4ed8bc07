"""_ssl for installed packages: contexts can be made and set up, and no connection can be encrypted.

Many packages import `ssl` at their beginning and never use it; the standard library and programs of one's own are told
at the import (`cmodules.build`). Certificates are not read: there is nobody to check. Source: `Modules/_ssl.c`.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

LACKS: Final = "TLS: no connection can be encrypted"


def build(guest: Guest) -> ModuleType:
    host: Any = importlib.import_module("_ssl")

    class _SSLContext(host._SSLContext):  # type: ignore[misc]
        def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
            return None

        def set_default_verify_paths(self) -> None:
            return None

        def load_cert_chain(self, certfile: Any, keyfile: Any = None, password: Any = None) -> None:
            raise guest.lacks(LACKS)

        def _wrap_socket(self, *args: object, **kwargs: object) -> None:
            raise guest.lacks(LACKS)

        def _wrap_bio(self, *args: object, **kwargs: object) -> None:
            raise guest.lacks(LACKS)

    class Random:
        """The random bytes are the machine's."""

        def bytes(self, n: int, /) -> bytes:
            data: bytes = guest.syscall(SYS.getrandom, n)[1]
            return data

        def add(self, string: object, entropy: float, /) -> None:
            return None

    module = ModuleType("_ssl")
    module.__dict__.update(host.__dict__)
    random = Random()
    module.__dict__.update(_SSLContext=_SSLContext, RAND_bytes=random.bytes, RAND_add=random.add)
    return module
