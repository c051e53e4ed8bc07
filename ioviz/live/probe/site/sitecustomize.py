"""Found first on the path of a probed program: starts the agent, then hands over to the sitecustomize that it hides."""

import importlib.machinery
import importlib.util
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _here]
try:
    if os.environ.get("IOVIZ_PROBE"):
        _file = os.path.join(os.path.dirname(_here), "agent", "__init__.py")
        _spec = importlib.util.spec_from_file_location(
            "_ioviz_probe", _file, submodule_search_locations=[os.path.dirname(_file)]
        )
        assert _spec is not None
        assert _spec.loader is not None
        _agent = sys.modules["_ioviz_probe"] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(_agent)
        _agent.start(os.environ["IOVIZ_PROBE"])
except Exception as _error:
    sys.stderr.write(f"ioviz: this program runs without the probe: {_error}\n")
_hidden = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
if _hidden is not None and _hidden.loader is not None:
    _hidden.loader.exec_module(importlib.util.module_from_spec(_hidden))
