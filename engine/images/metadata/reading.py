"""What was read from a picture, whichever program wrote it, and as text in the form of A1111."""

import re
from dataclasses import dataclass, replace

from engine.images.metadata.samplers import SAMPLERS, scheduler_of
from engine.jobs.recipe import MAX_CHAOS, MAX_PROMPT, MAX_SEED
from engine.jobs.request import ImageRequest
from speech import phrase, say

MAX_TEXT = 3400
"""Characters of a text that is shown: a message of Discord holds it, with notes."""

MAX_LINE = 1000
"""Characters of the settings' line that are kept in a text that is cut."""

MAX_LORAS = 8

NEGATIVE_PREFIX = "Negative prompt: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The settings in a picture; `None` and empty for what it doesn't say.

    Attributes:
        program: The program that wrote them; empty for A1111 and those that write as it does.
        sampler: In that program's words, like `schedule`.
        model: A name, perhaps that of a file.
        loras: Names and weights of those that the prompt doesn't mention itself.
        notes: Sentences about what was found and isn't used.
    """

    program: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    sampler: str = ""
    schedule: str = ""
    model: str = ""
    strength: float | None = None
    tile: bool = False
    chaos: int = 0
    loras: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()

    def request(self) -> ImageRequest:
        """The request that paints it again; what can't be used is left open."""
        return ImageRequest(
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            model=self.model or None,
            width=self.width,
            height=self.height,
            num_inference_steps=self.num_inference_steps,
            guidance_scale=self.guidance_scale,
            seed=self.seed if self.seed is None or self.seed < 10**10 else None,
            scheduler=scheduler_of(self.sampler, self.schedule) if self.sampler else None,
            strength=self.strength,
            tile=self.tile,
            chaos=min(self.chaos, MAX_CHAOS),
        )

    def with_loras(self) -> "Reading":
        """The reading with its LoRAs in the prompt, where A1111 has them."""
        mentions = [
            f"<lora:{name}:{weight:g}>"
            for name, weight in ((_lora_name(name), weight) for name, weight in self.loras)
            if name and f"<lora:{name}:" not in self.prompt
        ]
        prompt = " ".join([self.prompt, *mentions[:MAX_LORAS]])
        return replace(self, prompt=prompt.strip(), loras=())

    def cut(self) -> tuple["Reading", tuple[str, ...]]:
        """The reading with prompts that can be used and shown, and sentences about what was cut."""
        notes = []
        prompt, negative = self.prompt[:MAX_PROMPT], self.negative_prompt
        negative = negative[: min(MAX_PROMPT, max(MAX_TEXT - MAX_LINE - len(prompt), 300))]
        for name, whole, kept in (
            (phrase("prompt"), self.prompt, prompt),
            (phrase("negative prompt"), self.negative_prompt, negative),
        ):
            if len(kept) < len(whole):
                notes.append(
                    say(
                        "The {name} in this picture has {length} characters, and only the first "
                        "{most} are used.",
                        name=say(name),
                        length=len(whole),
                        most=len(kept),
                    )
                )
        return replace(self, prompt=prompt, negative_prompt=negative), tuple(notes)

    def unused(self) -> tuple[str, ...]:
        """Sentences about values that can't be used here."""
        notes = []
        if self.seed is not None and self.seed > MAX_SEED:
            notes.append(
                say(
                    "The seed {seed} isn't used: the largest here is {most}.",
                    seed=self.seed,
                    most=MAX_SEED,
                )
            )
        if self.sampler and scheduler_of(self.sampler, self.schedule) is None:
            notes.append(
                say(
                    "The sampler “{sampler}” isn't known here, so the model's own is used.",
                    sampler=plain(self.sampler),
                )
            )
        return tuple(notes)

    def text(self) -> str:
        """The reading in the form of A1111."""
        ours = scheduler_of(self.sampler, self.schedule) if self.sampler else None
        values = {
            "Steps": "unknown" if self.num_inference_steps is None else self.num_inference_steps,
            "Sampler": SAMPLERS[ours] if ours else plain(self.sampler),
            "CFG scale": None if self.guidance_scale is None else f"{self.guidance_scale:g}",
            "Seed": self.seed,
            "Size": f"{self.width}x{self.height}" if self.width and self.height else None,
            "Model": plain(self.model),
            "Denoising strength": None if self.strength is None else f"{self.strength:g}",
            "Tiling": "True" if self.tile else None,
            "Chaos": self.chaos or None,
            "Version": self.program,
        }
        line = ", ".join(
            f"{key}: {value}" for key, value in values.items() if value is not None and value != ""
        )
        lines = [self.prompt]
        if self.negative_prompt:
            lines.append(NEGATIVE_PREFIX + self.negative_prompt)
        return "\n".join([*lines, line])


def plain(name: str) -> str:
    """A name without what would end it on a line of settings, or bend a sentence."""
    return re.sub(r"[^\w .()+\-]", " ", name[:80]).strip()


def _lora_name(name: str) -> str:
    return re.sub(r"[:<>\n]", " ", name[:100]).strip()
