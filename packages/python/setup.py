"""Tags the wheel with its platform: it holds a library, but no extension module."""

import platform

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel

# The oldest C library that has what libdeadstop calls; `.ci/packages` compares.
GLIBC = "2_34"


class PlatformWheel(bdist_wheel):
    def get_tag(self):
        return "py3", "none", f"manylinux_{GLIBC}_{platform.machine()}"


class WithLibrary(Distribution):
    def has_ext_modules(self):
        return True


setup(distclass=WithLibrary, cmdclass={"bdist_wheel": PlatformWheel})
