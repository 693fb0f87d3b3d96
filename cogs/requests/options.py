"""The options that `/imagine` and `/grid` have in common."""

from discord import app_commands
from discord.app_commands import Range

from engine import MAX_GUIDANCE, MAX_PROMPT, MAX_SEED, MAX_STEPS

Prompt = Range[str, 1, MAX_PROMPT]
Size = Range[str, 3, 20]
Seed = Range[int, 0, MAX_SEED]
Steps = Range[int, 1, MAX_STEPS]
Guidance = Range[float, 0.0, MAX_GUIDANCE]
Strength = Range[float, 0.05, 1.0]
Name = Range[str, 1, 50]
Loras = Range[str, 1, 200]

describe_options = app_commands.describe(
    steps="Denoising steps; more take longer and add detail",
    guidance="How closely to follow the prompt",
    model="The model to paint with",
    scheduler="Sampling method",
    image="The start image (img2img)",
    strength="How much to change the start image: 0.3 keeps most of it, 0.8 little",
    lora="A LoRA like fox or fox:0.8, or fox+ with its trigger words; separate several with commas",
    style="A style of this server, or “none”",
    private="Show the result only to you; your /me defaults apply if omitted",
)
"""A decorator that describes the options that both commands explain in the same words."""
