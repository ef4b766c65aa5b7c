"""Sage's own JavaScript SDK, npm `@intacct/intacct-sdk`, from npm's registry and as its lock file says."""

import fcntl
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

PACKAGE: Final = Path(__file__).parent / "node"
CACHE: Final = Path(__file__).parents[2] / ".cache" / "npm"


def installed() -> Path:
    """The folder with `node_modules`, installed once under the project's cache. A second process waits for the first.

    Without Node and npm, the calling test is skipped.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed: Sage's JavaScript SDK cannot run")
    CACHE.mkdir(parents=True, exist_ok=True)
    lock_file = (PACKAGE / "package-lock.json").read_text()
    marker = CACHE / "installed-lock.json"
    with CACHE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists() or marker.read_text() != lock_file:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(PACKAGE / name, CACHE / name)
            command = [npm, "ci", "--omit-lockfile-registry-resolved", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=False, timeout=300)
            assert done.returncode == 0, f"npm cannot install the SDK: {done.stderr.strip()}"
            marker.write_text(lock_file)
    return CACHE
