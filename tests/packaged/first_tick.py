"""Run inside the package's environment: import it, let Microsoft's worker index it, tick once; writes a line of JSON.

PYTHONPATH=DRIVER python first_tick.py WWWROOT
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

began = time.perf_counter()


def memory(of: str) -> float:
    """MB, from Linux's own count; 0 where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(of)), 0.0)


def main(root: Path) -> None:
    sys.path.insert(0, str(root))
    import function_app  # noqa: F401

    imported = time.perf_counter() - began
    from tests.contract.functions_host import FunctionsHost

    with FunctionsHost(root) as host:
        indexed = time.perf_counter() - began
        done = host.timer("tick")
        ticked = time.perf_counter() - began
        again = host.timer("tick")
        told = {
            "functions": sorted(host.functions),
            "ok": done.ok and again.ok,
            "error": done.error or again.error,
            "import_s": imported,
            "indexed_s": indexed,
            "first_tick_s": ticked - indexed,
            "second_tick_s": time.perf_counter() - began - ticked,
            "peak_mb": memory("VmHWM"),
            "shared": sys.modules["shared"].__file__,
            "loaded": sorted(name for name in sys.modules if name.partition(".")[0] in ("lamplighter", "pytest")),
        }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
