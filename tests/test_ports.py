"""What only some operating systems have is used where docs/ports.md says so, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]

OF_SOME_SYSTEMS = re.compile(
    r"/proc/|/sys/|fcntl|eventfd|register_at_fork|sched_getaffinity|geteuid|CDLL|madvise|os\.uname"
    r"|O_NOFOLLOW|O_CLOEXEC|boot_id|sys\.platform|mprotect|signal\.SIG|os\.fork\b|os\.pipe\b|resource\."
)


def test_every_such_place_is_listed() -> None:
    listed = (ROOT / "docs" / "ports.md").read_text(encoding="utf-8")
    found = {
        path.relative_to(ROOT).as_posix()
        for top in ("minner", "kernels", "weights")
        for path in (ROOT / top).rglob("*.py")
        if OF_SOME_SYSTEMS.search(path.read_text(encoding="utf-8"))
    }
    assert len(found) > 8
    missing = [name for name in sorted(found) if f"({'../' + name})" not in listed]
    assert missing == []
