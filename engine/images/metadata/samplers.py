"""Other programs' names of samplers and schedules, and the schedulers here that they mean."""

import re

from engine.models.schedulers import SCHEDULERS

SAMPLERS = {
    "default": "Automatic",
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "pndm": "PLMS",
    "euler": "Euler",
    "euler_karras": "Euler Karras",
    "euler_a": "Euler a",
    "heun": "Heun",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_karras": "DPM++ 2M Karras",
    "dpmpp_2m_exponential": "DPM++ 2M Exponential",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_karras": "DPM++ 2M SDE Karras",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "dpmpp_3m_sde_exponential": "DPM++ 3M SDE Exponential",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_sde_karras": "DPM++ SDE Karras",
    "unipc": "UniPC",
    "deis": "DEIS",
    "lcm": "LCM",
    "tcd": "TCD",
}
"""The A1111 web interface's names of our schedulers."""

ALIASES = {
    "automatic": "default",
    "plms": "pndm",
    "euler_ancestral": "euler_a",
    "uni_pc": "unipc",
    "uni_pc_bh2": "unipc",
    "unipc_snr": "unipc",
    "dpm_2m": "dpmpp_2m",
    "ddim_v3": "ddim",
    "ddim_uniform": "ddim",
}
"""What else the schedulers are called, as `_key` spells it."""

SUFFIXES = re.compile(r"_(gpu|snr|cfg_pp|flowmatch|k)$")
"""Variants that make no difference to which scheduler it is; `k` is InvokeAI's for Karras."""

MAX_NAME = 60
"""Characters of a sampler's name that are looked at."""


def scheduler_of(sampler: str, schedule: str = "") -> str | None:
    """Our name of a sampler with a schedule such as Karras; `None` if it isn't known here."""
    key = _key(sampler)
    key = ALIASES.get(key, key)
    karras = key.endswith("_k")
    base = SUFFIXES.sub("", key).removeprefix("k_").removeprefix("sample_")
    base = ALIASES.get(base, base)
    for name in (key, base):
        for kind in (_key(schedule), "karras" if karras else ""):
            if kind and f"{name}_{kind}" in SCHEDULERS:
                return f"{name}_{kind}"
        if name in SCHEDULERS:
            return name
    return None


def _key(name: str) -> str:
    """`DPM++ 2M SDE` as `dpmpp_2m_sde`."""
    plain = name[:MAX_NAME].strip().lower().replace("++", "pp")
    return re.sub(r"[\s\-]+", "_", plain)
