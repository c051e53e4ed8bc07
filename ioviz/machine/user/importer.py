"""The import system of a guest: its own `__import__`, its own modules, nothing of the host's.

The pure-Python standard library is executed afresh in every guest, from code objects that all guests share; the guest's
own files (its program, the modules beside it, and what `-m` names) are compiled with line hooks; C modules come from
`ioviz.machine.user.cmodules`. Imports read the host's disk directly and enter the kernel not once.

Invariants: whatever is in `guest.modules` was made for this guest; a submodule is bound on its parent *before* it is
executed, since C code looks for an unbound one in the host's `sys.modules` (`from . import x` in a circle).
"""

from __future__ import annotations

import importlib
import os
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from ioviz.machine.user import cmodules
from ioviz.machine.user.instrument import compile_guest
from ioviz.machine.user.namesakes import ASKED_BY_C, lend
from ioviz.machine.user.patches import PATCHES
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader

    from ioviz.machine.user.guest import Guest

_code_cache: dict[str, CodeType] = {}
"""Path → code, of files of the standard library and of installed packages."""
_listings: dict[str, frozenset[str]] = {}
"""Folder → the names in it, of the same files."""
_MISSING = object()


class Importer:
    """Finds, loads and keeps the modules of one guest. It is also the one finder on the guest's `sys.meta_path`."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.modules: dict[str, Any] = guest.modules
        self.own_names: set[str] = set()
        """Modules that count as the guest's own wherever they are found."""
        self._own_listings: dict[str, frozenset[str]] = {}
        self._loading: dict[str, int] = {}
        """The module → the task that is executing it."""
        self._waiting: dict[int, str] = {}
        self._keys: dict[str, int] = {}
        self.import_: Callable[..., ModuleType] = self._make_import()
        guest.sys.meta_path.append(self)
        guest.sys.path.extend([cmodules.STDLIB, cmodules.DYNLOAD, *cmodules.SITE])

    # -- the ways in

    def _make_import(self) -> Callable[..., ModuleType]:
        modules, loading, get, load = self.modules, self._loading, self.modules.get, self.import_name

        def __import__(
            name: str,
            globals: Any = None,
            locals: Any = None,
            fromlist: Sequence[str] | None = (),
            level: int = 0,
        ) -> ModuleType:
            if type(fromlist) is list and not fromlist and level == 0:
                # C code of the host imports (PyImport_Import), and takes the result from the host's modules.
                return importlib.import_module(name)
            full = name if level == 0 else _absolute(name, globals, level)
            module = get(full)
            if module is None or loading:
                module = load(full)
            if fromlist:
                path = getattr(module, "__path__", None)
                if path is not None:
                    self._import_names(module, full, fromlist)
                return module
            if level == 0:
                head = name.partition(".")[0]
                return module if head == name else modules[head]
            if not name:
                return module
            # `__import__("a.b", level=1)`: the module that the first part of the name stands for.
            cut = len(name) - len(name.partition(".")[0])
            found: ModuleType = modules[full[: len(full) - cut]]
            return found

        return __import__

    def import_name(self, name: str) -> ModuleType:
        """The module with the absolute name `name`, loaded if need be."""
        module: Any = self.modules.get(name, _MISSING)
        if module is None:
            raise ModuleNotFoundError(f"import of {name} halted; None in sys.modules", name=name)
        if module is _MISSING or name in self._loading:
            if not isinstance(name, str):
                raise TypeError(f"module name must be str, not {type(name).__name__}")
            if not name:
                raise ValueError("Empty module name")
            if name in self._loading and self._wait_for(name):
                return self.import_name(name)
            if name not in self.modules:
                return self._load(name)
            module = self.modules[name]
        found: ModuleType = module
        return found

    def gcd_import(self, name: str, package: str | None = None, level: int = 0) -> ModuleType:
        """What `importlib.import_module` calls."""
        return self.import_name(_absolute(name, {"__package__": package}, level) if level else name)

    def _import_names(self, module: ModuleType, full: str, names: Sequence[str]) -> None:
        for name in names:
            if name == "*":
                public = getattr(module, "__all__", None)
                if public is not None:
                    self._import_names(module, full, [each for each in public if each != "*"])
            elif isinstance(name, str) and not hasattr(module, name):
                inner = f"{full}.{name}"
                try:
                    self.import_name(inner)
                except ModuleNotFoundError as error:
                    if error.name != inner or self.modules.get(inner, _MISSING) is None:
                        raise

    # -- loading

    def _load(self, name: str) -> ModuleType:
        parent, _, child = name.rpartition(".")
        package: ModuleType | None = None
        path = None
        if parent:
            package = self.import_name(parent)
            if name in self.modules:
                return self.import_name(name)
            try:
                path = package.__path__
            except AttributeError:
                message = f"No module named {name!r}; {parent!r} is not a package"
                raise ModuleNotFoundError(message, name=name) from None
        spec = self._find(name, path)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return self._load_spec(spec, package, child)

    def _load_spec(self, spec: ModuleSpec, package: ModuleType | None, child: str) -> ModuleType:
        name, loader = spec.name, spec.loader
        module = loader.create_module(spec) if loader is not None and hasattr(loader, "create_module") else None
        if module is None:
            module = ModuleType(name)
        namespace = module.__dict__
        namespace["__spec__"] = spec
        namespace["__loader__"] = loader
        namespace["__package__"] = spec.parent
        if spec.submodule_search_locations is not None:
            namespace["__path__"] = spec.submodule_search_locations
        if spec.has_location:
            namespace["__file__"] = spec.origin
            if spec.cached is not None:
                namespace["__cached__"] = spec.cached
        self.modules[name] = module
        if package is not None:
            setattr(package, child, module)
        if loader is None:
            return module
        self._loading[name] = self.guest.kernel.task
        spec._initializing = True  # type: ignore[attr-defined]  # for the words of errors about circular imports
        try:
            loader.exec_module(module)
        except BaseException:
            self.modules.pop(name, None)
            if package is not None:
                package.__dict__.pop(child, None)
            raise
        finally:
            spec._initializing = False  # type: ignore[attr-defined]
            del self._loading[name]
            key = self._keys.pop(name, 0)
            if key:
                self.guest.syscall(SYS.futex, key, 1, 1 << 30, None)
        final: ModuleType = self.modules[name]
        if package is not None:
            setattr(package, child, final)
        return final

    def _wait_for(self, name: str) -> bool:
        """Sleep until another task has loaded `name`; False if that can't be waited for: the module is half there."""
        task = self.guest.kernel.task
        holder = self._loading[name]
        while holder != task:
            awaited = self._waiting.get(holder)
            if awaited is None or awaited not in self._loading:
                break
            holder = self._loading[awaited]
        if holder == task:
            return False
        key = self._keys.get(name) or self._keys.setdefault(name, self.guest.new_key())
        self._waiting[task] = name
        self.guest.syscall(SYS.futex, key, 0, 0, None)
        del self._waiting[task]
        return True

    # -- finding

    def spec_of(self, name: str) -> ModuleSpec | None:
        """The spec of module `name`; its parents are imported."""
        parent = name.rpartition(".")[0]
        return self._find(name, self.import_name(parent).__path__ if parent else None)

    def _find(self, name: str, path: Any) -> ModuleSpec | None:
        finders: list[Any] = self.guest.sys.meta_path
        if finders == [self]:
            return self.find_spec(name, path)
        for finder in list(finders):
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, None) if find is not None else None
            if spec is not None:
                found: ModuleSpec = spec
                return found
        return None

    def find_spec(self, name: str, path: Any = None, target: object = None) -> ModuleSpec | None:
        """The finder protocol of `sys.meta_path`."""
        if path is None:
            if name in cmodules.BUILT_IN:
                return self._c_spec(name) if cmodules.is_c_module(name) else None
            path = self.guest.sys.path
        child = name.rpartition(".")[2]
        portions: list[str] = []
        for entry in path:
            if not isinstance(entry, str):
                continue
            folder = entry or self.guest.cwd
            names = self._names_in(folder)
            if child in names:
                inside = f"{folder}/{child}"
                if "__init__.py" in self._names_in(inside):
                    return self._source_spec(name, f"{inside}/__init__.py", inside)
                if os.path.isdir(inside):
                    portions.append(inside)
            if f"{child}.py" in names:
                return self._source_spec(name, f"{folder}/{child}.py", None)
            if folder in (cmodules.DYNLOAD, cmodules.STDLIB):
                if child == name and cmodules.is_c_module(name) and name not in cmodules.HIDDEN:
                    return self._c_spec(name)
            elif any(other.startswith(child + ".") and other.endswith(".so") for other in names):
                return ModuleSpec(name, cast("Loader", CLoader(self, name)), origin="extension module")
        if portions:
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = portions
            return spec
        return None

    def invalidate_caches(self) -> None:
        """The finder protocol: look at folders of the guest again."""
        self._own_listings.clear()

    def find_distributions(self, context: Any) -> Any:
        """The finder protocol of `importlib.metadata`."""
        metadata: Any = self.import_name("importlib.metadata")
        return metadata.MetadataPathFinder.find_distributions(context)

    def _names_in(self, folder: str) -> frozenset[str]:
        shared = _is_installed(folder)
        listings = _listings if shared else self._own_listings
        names = listings.get(folder)
        if names is None:
            try:
                names = frozenset(os.listdir(folder))
            except OSError:
                names = frozenset()
            listings[folder] = names
        return names

    def _c_spec(self, name: str) -> ModuleSpec:
        return ModuleSpec(name, cast("Loader", CLoader(self, name)), origin="built-in")

    def _source_spec(self, name: str, path: str, package: str | None) -> ModuleSpec:
        own = name in self.own_names or not _is_installed(path)
        loader = OwnLoader(self, name, path) if own else LibraryLoader(self, name, path)
        spec = ModuleSpec(name, cast("Loader", loader), origin=path, is_package=package is not None)
        if package is not None:
            spec.submodule_search_locations = [package]
        spec.has_location = True
        return spec

    def own_loader(self, name: str, path: str, text: str) -> OwnLoader:
        """A loader for a file of the guest whose text is known already."""
        return OwnLoader(self, name, path, text)


class CLoader:
    """Loads a C module, or what stands in for it."""

    def __init__(self, importer: Importer, name: str) -> None:
        self._importer = importer
        self.name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if spec.origin == "built-in":
            return cmodules.build(self._importer.guest, spec.name)
        return cmodules.build_extension(self._importer.guest, spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """The module was made whole; what it tells others of itself the guest's own have to be told."""
        patch = PATCHES.get(self.name)
        if patch is not None:
            patch(self._importer.guest, module)

    def is_package(self, name: str) -> bool:
        return False

    def get_code(self, name: str) -> None:
        return None

    def get_source(self, name: str) -> None:
        return None


class LibraryLoader:
    """Loads a file of the standard library or of an installed package: no hooks, code shared by all guests."""

    def __init__(self, importer: Importer, name: str, path: str) -> None:
        self._importer = importer
        self.name = name
        self.path = path

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        code = self.get_code(self.name)
        namespace = module.__dict__
        namespace["__builtins__"] = self._importer.guest.builtins
        exec(code, namespace)
        patch = PATCHES.get(self.name)
        if patch is not None:
            patch(self._importer.guest, module)
        if self.name in ASKED_BY_C:
            lend(self.name)

    def get_code(self, name: str) -> CodeType:
        code = _code_cache.get(self.path)
        if code is None:
            found = SourceFileLoader(self.name, self.path).get_code(self.name)
            assert found is not None
            code = _code_cache[self.path] = found
        return code

    def get_source(self, name: str) -> str | None:
        return SourceFileLoader(self.name, self.path).get_source(self.name)

    def get_filename(self, name: str) -> str:
        return self.path

    def get_data(self, path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read()

    def get_resource_reader(self, name: str) -> Any:
        readers: Any = self._importer.import_name("importlib.readers")
        return readers.FileReader(self)

    def is_package(self, name: str) -> bool:
        return os.path.basename(self.path) == "__init__.py"


class OwnLoader(LibraryLoader):
    """Loads a file of the guest's own: with hooks, unless the run does without, and known to the stage."""

    def __init__(self, importer: Importer, name: str, path: str, text: str | None = None) -> None:
        super().__init__(importer, name, path)
        self._text = text

    def get_code(self, name: str) -> CodeType:
        from ioviz.machine.user.loader import decode_source

        if self._text is None:
            with open(self.path, "rb") as file:
                self._text = decode_source(file.read())
        guest = self._importer.guest
        if not guest.lines:
            code: CodeType = compile(self._text, self.path, "exec", dont_inherit=True)
            return code
        return compile_guest(self._text, self.path, guest.source_id(self.path, self._text))

    def get_source(self, name: str) -> str | None:
        return self._text if self._text is not None else super().get_source(name)


def _absolute(name: str, namespace: Any, level: int) -> str:
    """Resolve a relative import in the package of `namespace`."""
    package = namespace.get("__package__") if namespace else None
    if package is None:
        package = (namespace or {}).get("__name__", "")
        if "__path__" not in (namespace or {}):
            package = package.rpartition(".")[0]
    if not package:
        raise ImportError("attempted relative import with no known parent package")
    parts = package.rsplit(".", level - 1)
    if len(parts) < level:
        raise ImportError("attempted relative import beyond top-level package")
    return f"{parts[0]}.{name}" if name else parts[0]


_INSTALLED = tuple(entry.rstrip("/") + "/" for entry in (cmodules.STDLIB, cmodules.DYNLOAD, *cmodules.SITE))


def _is_installed(path: str) -> bool:
    return (path + "/").startswith(_INSTALLED)
