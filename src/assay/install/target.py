"""The Python and the platform that a bundle is for, in the words of wheels' names."""

from __future__ import annotations

import platform
import re
import sys
from dataclasses import dataclass
from typing import Self

from assay.errors import UserError

_FORM = re.compile(r"cp3(\d{1,2})-manylinux_2_(\d{1,3})_(x86_64|aarch64|ppc64le|s390x)")
EXAMPLE = "cp311-manylinux_2_28_x86_64"
_OLDEST_GLIBC = 5
# PEP 600: names from before it, each an alias of one.
_ALIASES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


@dataclass(frozen=True)
class Target:
    """CPython 3.`python` on Linux with glibc 2.`glibc`."""

    python: int
    glibc: int
    machine: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `cp311-manylinux_2_28_x86_64`. Raises UserError."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise UserError(
                f"{text!r} is no target that a bundle can be for: write CPython's version, glibc's and the processor "
                f"as wheels do, such as {EXAMPLE} (`assay node status` tells each node's)"
            )
        return cls(int(found[1]), int(found[2]), found[3])

    @classmethod
    def here(cls) -> Self:
        """This interpreter and this machine. Raises UserError where they aren't CPython and glibc."""
        library, version = platform.libc_ver()
        words = f"cp3{sys.version_info.minor}-manylinux_2_{version.partition('.')[2]}_{platform.machine()}"
        if sys.implementation.name != "cpython" or library != "glibc":
            raise UserError(f"this machine has no CPython on glibc, so name what the bundle is for: --for {EXAMPLE}")
        return cls.parse(words)

    def __str__(self) -> str:
        return f"cp3{self.python}-manylinux_2_{self.glibc}_{self.machine}"

    @property
    def platforms(self) -> list[str]:
        """Names of platforms whose wheels run there, the newest first."""
        names = []
        for glibc in range(self.glibc, _OLDEST_GLIBC - 1, -1):
            names.append(f"manylinux_2_{glibc}_{self.machine}")
            names += [f"{_ALIASES[glibc]}_{self.machine}"] if glibc in _ALIASES else []
        return [*names, f"linux_{self.machine}"]

    @property
    def pip_options(self) -> list[str]:
        """What makes pip choose wheels for it."""
        options = ["--implementation", "cp", "--python-version", f"3.{self.python}", "--abi", f"cp3{self.python}"]
        return options + [word for name in self.platforms for word in ("--platform", name)]

    @property
    def environment(self) -> dict[str, str]:
        """What markers of requirements may ask for; the patch version counts as the newest."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"3.{self.python}.99",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"3.{self.python}.99",
            "python_version": f"3.{self.python}",
            "sys_platform": "linux",
        }
