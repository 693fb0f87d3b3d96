"""The benchmark of a burst, and its profile."""

import asyncio

import pytest

from benchmarks.burst import burst, time_studio
from benchmarks.burst_profile import PHASES, REST, Profiler
from engine import EngineSettings
from engine.diffusion.families.stepped import Stepped


@pytest.mark.slow
def test_the_profile_of_a_burst_says_where_all_of_its_time_goes() -> None:
    profiler = Profiler()
    advance = Stepped.__dict__["_advance"]
    with profiler.installed():
        taken = asyncio.run(time_studio(burst(2), 2, EngineSettings(device="cpu"), profiler))
    profile = profiler.profile
    assert Stepped.__dict__["_advance"] is advance
    assert profile.phases.keys() == {*PHASES, REST}
    assert sum(profile.phases.values()) == pytest.approx(profile.seconds)
    assert profile.seconds == pytest.approx(taken.wall, rel=0.2)
    assert max(profile.phases, key=lambda phase: profile.phases[phase]) == "denoiser"
    assert min(profile.phases[phase] for phase in ("decoding", "scheduler")) > 0
    assert {"event loop", "device", "PNG files", "SQLite"} <= profile.cpu.keys()
