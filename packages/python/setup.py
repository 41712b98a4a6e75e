"""Tags the wheel with its platform: it holds a library, but no extension module.

DEADSTOP_WHEEL names the processor and the C library that the library is for, such as
`aarch64-musl`; without it they are those of this machine, with glibc.
"""

import os
import platform

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel

# The oldest C library that has what libdeadstop calls; `.ci/packages` compares.
GLIBC = "2_34"
# The tag of Alpine 3.13 and later.
MUSL = "1_2"
MACHINES = ("x86_64", "aarch64")


def platform_tag(name):
    machine, _, libc = name.partition("-")
    tags = {"gnu": f"manylinux_{GLIBC}_{machine}", "musl": f"musllinux_{MUSL}_{machine}"}
    if machine not in MACHINES or libc not in tags:
        raise SystemExit(
            f"DEADSTOP_WHEEL is {name!r}; allowed is one of {', '.join(MACHINES)}, followed by "
            f"{' or '.join('-' + libc for libc in tags)}"
        )
    return tags[libc]


class PlatformWheel(bdist_wheel):
    def get_tag(self):
        name = os.environ.get("DEADSTOP_WHEEL", f"{platform.machine()}-gnu")
        return "py3", "none", platform_tag(name)


class WithLibrary(Distribution):
    def has_ext_modules(self):
        return True


setup(distclass=WithLibrary, cmdclass={"bdist_wheel": PlatformWheel})
