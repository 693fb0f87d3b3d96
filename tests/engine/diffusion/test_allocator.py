"""Expandable segments are asked for where they work, by the name that the installed torch reads."""

import os
import platform
import subprocess
import sys

import pytest

from engine.diffusion.allocator import EXPANDABLE, VARIABLES, expand_segments

NEW, OLD = "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"


@pytest.mark.parametrize(
    ("system", "release", "machine", "torch", "expected"),
    [
        ("Linux", "6.8.0-45-generic", "x86_64", "2.13.0+cu130", {NEW: EXPANDABLE}),
        ("Linux", "6.8.0-45-generic", "x86_64", "2.10.0", {NEW: EXPANDABLE}),
        ("Linux", "6.8.0-45-generic", "x86_64", "2.9.1+cu128", {OLD: EXPANDABLE}),
        ("Linux", "6.6.87-microsoft-standard-WSL2", "x86_64", "2.13.0+cu130", {}),
        ("Linux", "5.15.148-tegra", "aarch64", "2.13.0+cu130", {}),
        ("Linux", "6.8.0-45-generic", "x86_64", "2.13.0+rocm7.1", {}),
        ("Linux", "6.8.0-45-generic", "x86_64", "2.13.0+xpu", {}),
        ("Windows", "11", "AMD64", "2.13.0+cu130", {}),
        ("Darwin", "25.1.0", "arm64", "2.13.0", {}),
    ],
)
def test_segments_expand_where_they_can(
    system: str, release: str, machine: str, torch: str, expected: dict[str, str]
) -> None:
    environment: dict[str, str] = {}
    expand_segments(environment, platform.uname_result(system, "", release, "", machine), torch)
    assert environment == expected


@pytest.mark.parametrize("variable", VARIABLES)
def test_what_the_owner_has_set_stays(variable: str) -> None:
    environment = {variable: "max_split_size_mb:128"}
    linux = platform.uname_result("Linux", "", "6.8.0-45-generic", "", "x86_64")
    expand_segments(environment, linux, "2.13.0+cu130")
    assert environment == {variable: "max_split_size_mb:128"}


def test_it_is_asked_for_before_torch_is_imported() -> None:
    """Torch reads it once."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "try:\n    import engine.diffusion\n"
        "except ImportError:\n    print('engine.diffusion.allocator' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert ran.stdout.strip() == "True"
