"""Every family is trained as Diffusers' scripts train it, by its raw UNet or transformer.

The loop here is that of `train_dreambooth_lora*.py` and `train_text_to_image_lora*.py`, but one row
at a time, so that nothing is padded; and pictures of the class have what
OneTrainer calls a prior prediction for a target.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import diffusers
import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from diffusers.training_utils import cast_training_params
from peft import LoraConfig, get_peft_model_state_dict
from PIL import Image

from engine.diffusion.training import trainer as training_module
from engine.diffusion.training.checkpoints import Checkpoint
from engine.diffusion.training.order import Order, seed_of
from engine.diffusion.training.trainer import KEEPING
from engine.prompts.dynamic_prompts import expand_dynamic_prompt
from engine.training.messages import Trained
from tests.engine.diffusion.training.runs import CAPTIONS, SIDE, trained, training

close = torch.testing.assert_close

SEED, STEPS, RANK, RATE, GAMMA = 133, 2, 2, 1e-2, 5.0
ENCODER_RATE = 5e-3
CLASS = "a {red|blue|green} house"

ATTENTION = ["to_k", "to_q", "to_v", "to_out.0"]
BESIDE = ["add_k_proj", "add_q_proj", "add_v_proj", "to_add_out"]
ENCODER_TARGETS = ["q_proj", "k_proj", "v_proj", "out_proj"]
FORWARD = ["ff.net.0.proj", "ff.net.2"]


class Reference:
    """What a script knows of its family; the methods are for one row."""

    targets: ClassVar = [*ATTENTION, *FORWARD]
    denoiser = "transformer"

    def __init__(self, folder: Path) -> None:
        self.pipe: Any = diffusers.DiffusionPipeline.from_pretrained(folder)

    @property
    def model(self) -> Any:
        return getattr(self.pipe, self.denoiser)

    def latents(self, pixels: torch.Tensor) -> torch.Tensor:
        """Of a picture, as noise is added to them."""
        vae = self.pipe.vae
        drawn = vae.encode(pixels).latent_dist.sample(torch.Generator().manual_seed(SEED))
        shift, scale = vae.config.shift_factor or 0, vae.config.scaling_factor
        latents: torch.Tensor = (drawn - shift) * scale
        return latents

    def text(self, caption: str) -> Any:
        """The encoded caption."""
        return self.pipe.encode_prompt(caption)

    def draw(self, rows: int, generator: torch.Generator) -> torch.Tensor:
        """Sigmas of a batch: logit-normal, and shifted if that doesn't depend on the size."""
        sigmas = torch.normal(0.0, 1.0, (rows,), generator=generator).sigmoid()
        config = self.pipe.scheduler.config
        shift = 1.0 if config.use_dynamic_shifting else config.shift
        return shift * sigmas / (1 + (shift - 1) * sigmas)

    def loss(
        self, latents: torch.Tensor, noise: torch.Tensor, sigma: torch.Tensor, text: Any
    ) -> torch.Tensor:
        velocity = self.predicted(latents, noise, sigma, text)
        return (velocity - (noise - latents)).square().mean()

    def loss_of_class(
        self,
        latents: torch.Tensor,
        noise: torch.Tensor,
        time: torch.Tensor,
        text: Any,
        text_before: Any,
    ) -> torch.Tensor:
        """The distance from what the model predicts without the LoRA."""
        self.model.disable_adapters()
        with torch.no_grad():
            before = self.predicted(latents, noise, time, text_before)
        self.model.enable_adapters()
        now = self.predicted(latents, noise, time, text)
        return self.weight(time) * (now - before).square().mean()

    def weight(self, time: torch.Tensor) -> torch.Tensor:
        return torch.ones(())

    def predicted(
        self, latents: torch.Tensor, noise: torch.Tensor, sigma: torch.Tensor, text: Any
    ) -> torch.Tensor:
        return self.velocity((1 - sigma) * latents + sigma * noise, sigma.view(1), text)

    def velocity(self, noisy: torch.Tensor, sigma: torch.Tensor, text: Any) -> torch.Tensor:
        raise NotImplementedError


class UNet(Reference):
    denoiser = "unet"

    def text(self, caption: str) -> Any:
        embeds, _ = self.pipe.encode_prompt(caption, "cpu", 1, False)
        return embeds, None

    def draw(self, rows: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randint(1000, (rows,), generator=generator)

    def loss(
        self, latents: torch.Tensor, noise: torch.Tensor, timestep: torch.Tensor, text: Any
    ) -> torch.Tensor:
        predicted, target = self.predicted(latents, noise, timestep, text), noise
        if self.scheduler.config.prediction_type == "v_prediction":
            target = self.scheduler.get_velocity(latents, noise, timestep)
        return self.weight(timestep) * (predicted - target).square().mean()

    def weight(self, timestep: torch.Tensor) -> torch.Tensor:
        scheduler = self.scheduler
        signal = scheduler.alphas_cumprod[timestep]
        ratio = signal / (1 - signal)
        velocity = scheduler.config.prediction_type == "v_prediction"
        weight: torch.Tensor = torch.clamp(ratio, max=GAMMA) / (ratio + velocity)
        return weight

    @property
    def scheduler(self) -> Any:
        return DDPMScheduler.from_config(self.pipe.scheduler.config)

    def predicted(
        self, latents: torch.Tensor, noise: torch.Tensor, timestep: torch.Tensor, text: Any
    ) -> torch.Tensor:
        noisy = self.scheduler.add_noise(latents, noise, timestep)
        embeds, added = text
        predicted: torch.Tensor = self.model(
            noisy, timestep, encoder_hidden_states=embeds, added_cond_kwargs=added
        ).sample
        return predicted


class UNetXL(UNet):
    def text(self, caption: str) -> Any:
        embeds, _, pooled, _ = self.pipe.encode_prompt(caption, do_classifier_free_guidance=False)
        sizes = torch.tensor([[SIDE, SIDE, 0, 0, SIDE, SIDE]], dtype=torch.float32)
        return embeds, {"text_embeds": pooled, "time_ids": sizes}


class Flux(Reference):
    targets: ClassVar = [*ATTENTION, *BESIDE, *FORWARD, "ff_context.net.0.proj", "ff_context.net.2"]

    def latents(self, pixels: torch.Tensor) -> torch.Tensor:
        latents = super().latents(pixels)
        packed: torch.Tensor = self.pipe._pack_latents(latents, *latents.shape)
        return packed

    def velocity(self, noisy: torch.Tensor, sigma: torch.Tensor, text: Any) -> torch.Tensor:
        embeds, pooled, text_ids = text
        guided = self.model.config.guidance_embeds
        rows = SIDE // 16
        predicted: torch.Tensor = self.model(
            hidden_states=noisy,
            timestep=sigma,
            guidance=torch.tensor([1.0]) if guided else None,
            pooled_projections=pooled,
            encoder_hidden_states=embeds,
            txt_ids=text_ids,
            img_ids=self.pipe._prepare_latent_image_ids(1, rows, rows, "cpu", torch.float32),
        ).sample
        return predicted


class Schnell(Flux):
    def text(self, caption: str) -> Any:
        return self.pipe.encode_prompt(caption, max_sequence_length=256)


class Klein(Reference):
    targets: ClassVar = [
        *ATTENTION,
        *BESIDE,
        "to_qkv_mlp_proj",
        "single_transformer_blocks.0.attn.to_out",
    ]

    def latents(self, pixels: torch.Tensor) -> torch.Tensor:
        vae = self.pipe.vae
        patches = self.pipe._patchify_latents(vae.encode(pixels).latent_dist.mode())
        mean = vae.bn.running_mean.view(1, -1, 1, 1)
        deviation = (vae.bn.running_var.view(1, -1, 1, 1) + vae.config.batch_norm_eps).sqrt()
        self.ids = self.pipe._prepare_latent_ids(patches)
        packed: torch.Tensor = self.pipe._pack_latents((patches - mean) / deviation)
        return packed

    def velocity(self, noisy: torch.Tensor, sigma: torch.Tensor, text: Any) -> torch.Tensor:
        embeds, text_ids = text
        predicted: torch.Tensor = self.model(
            hidden_states=noisy,
            timestep=sigma,
            guidance=None,
            encoder_hidden_states=embeds,
            txt_ids=text_ids,
            img_ids=self.ids,
        ).sample
        return predicted


class ZImage(Reference):
    targets: ClassVar = ATTENTION

    def text(self, caption: str) -> Any:
        return self.pipe.encode_prompt(caption, do_classifier_free_guidance=False)[0]

    def velocity(self, noisy: torch.Tensor, sigma: torch.Tensor, text: Any) -> torch.Tensor:
        [predicted] = self.model([noisy[0][:, None]], 1 - sigma, text, return_dict=False)[0]
        velocity: torch.Tensor = -predicted.transpose(0, 1)
        return velocity


class QwenImage(Reference):
    targets: ClassVar = [*ATTENTION, *BESIDE]

    def latents(self, pixels: torch.Tensor) -> torch.Tensor:
        vae = self.pipe.vae
        generator = torch.Generator().manual_seed(SEED)
        drawn = vae.encode(pixels[:, :, None]).latent_dist.sample(generator)[:, :, 0]
        mean, deviation = (
            torch.tensor(values).view(1, -1, 1, 1)
            for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        packed: torch.Tensor = self.pipe._pack_latents((drawn - mean) / deviation, *drawn.shape)
        return packed

    def velocity(self, noisy: torch.Tensor, sigma: torch.Tensor, text: Any) -> torch.Tensor:
        embeds, mask = text
        predicted: torch.Tensor = self.model(
            hidden_states=noisy,
            timestep=sigma,
            encoder_hidden_states=embeds,
            encoder_hidden_states_mask=mask,
            img_shapes=[[(1, SIDE // 16, SIDE // 16)]],
        ).sample
        return predicted


REFERENCES: dict[str, type[Reference]] = {
    "sd": UNet,
    "sd velocity": UNet,
    "sdxl": UNetXL,
    "flux": Flux,
    "flux without guidance": Schnell,
    "flux2-klein": Klein,
    "z-image": ZImage,
    "qwen-image": QwenImage,
}

SLOW = {"sd velocity", "sdxl", "flux", "flux without guidance", "flux2-klein", "qwen-image"}


def adapted(model: Any, targets: Sequence[str]) -> list[torch.nn.Parameter]:
    """The weights of a LoRA that is added to a frozen model."""
    model.requires_grad_(False)
    model.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=list(targets)))
    cast_training_params(model, dtype=torch.float32)
    return [weight for weight in model.parameters() if weight.requires_grad]


def trained_by_hand(
    reference: Reference, own: list[Path], of_class: list[Path], encoders: Sequence[str] = ()
) -> tuple[list[float], dict[str, Any], Any]:
    """The losses, the factors by component and the state of the optimizer after the last step."""
    of = [random.Random(seed_of(SEED, "class", number)) for number in range(len(of_class))]
    sources: dict[str, tuple[list[Path], Sequence[str]]] = {
        "own": (own, CAPTIONS),
        "class": (of_class, [expand_dynamic_prompt(CLASS, each)[0] for each in of]),
    }
    with torch.no_grad():
        latents = {
            name: [reference.latents(pixels_of(file)) for file in files]
            for name, (files, _) in sources.items()
        }
        before = {
            name: [reference.text(caption) for caption in captions]
            for name, (_, captions) in sources.items()
        }
    models = {"": reference.model} | {name: getattr(reference.pipe, name) for name in encoders}
    torch.manual_seed(SEED)
    groups: list[dict[str, Any]] = [
        {"params": adapted(reference.model, reference.targets), "lr": RATE}
    ]
    if encoders:
        added = [adapted(models[name], ENCODER_TARGETS) for name in encoders]
        groups.append({"params": [weight for each in added for weight in each], "lr": ENCODER_RATE})
    weights = [weight for group in groups for weight in group["params"]]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    losses = []
    for step in range(STEPS):
        total = 0.0
        for name, (files, captions) in sources.items():
            rows = Order([0] * len(files), 2, seed_of(SEED, name))[step]
            generator = torch.Generator().manual_seed(seed_of(SEED, name, step))
            times = reference.draw(len(rows), generator)
            noise = torch.randn((2, *latents[name][0].shape[1:]), generator=generator)
            captioned = list(rows)
            if name == "class":
                torch.rand(2, generator=generator)
                swapped = torch.rand(2, generator=generator) < 0.5
                others = torch.randint(2, (2,), generator=generator)
                captioned = torch.where(swapped, others, torch.tensor(rows)).tolist()
            row_losses = []
            for place, (row, caption) in enumerate(zip(rows, captioned, strict=True)):
                then = before[name][caption]
                now = reference.text(captions[caption]) if encoders else then
                made = latents[name][row], noise[place : place + 1], times[place], now
                row_losses.append(
                    KEEPING * reference.loss_of_class(*made, then)
                    if name == "class"
                    else reference.loss(*made)
                )
            loss = torch.stack(row_losses).mean()
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.item() if name == "own" else 0.0
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(total)
    factors = {name: get_peft_model_state_dict(model) for name, model in models.items()}
    return losses, factors, optimizer.state_dict()["state"]


def pixels_of(file: Path) -> torch.Tensor:
    levels = np.asarray(Image.open(file).convert("RGB"), dtype=np.float32)
    return torch.from_numpy(levels).permute(2, 0, 1)[None] / 127.5 - 1


@pytest.mark.parametrize(
    ("kind", "encoders"),
    [
        *(
            pytest.param(each, (), marks=pytest.mark.slow if each in SLOW else (), id=each)
            for each in REFERENCES
        ),
        pytest.param("sd", ("text_encoder",), marks=pytest.mark.slow, id="sd text encoder"),
        pytest.param(
            "sdxl",
            ("text_encoder", "text_encoder_2"),
            marks=pytest.mark.slow,
            id="sdxl text encoders",
        ),
    ],
)
def test_two_steps_are_those_of_a_script(
    base: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    encoders: tuple[str, ...],
) -> None:
    monkeypatch.setattr(training_module, "UNCAPTIONED", 0.0)
    setup = training(
        tmp_path / "run",
        base(kind),
        [(SIDE, SIDE)] * 2,
        steps=STEPS,
        batch=2,
        rank=RANK,
        learning_rate=RATE,
        min_snr_gamma=GAMMA,
        seed=SEED,
        text_encoder=bool(encoders),
        text_encoder_rate=ENCODER_RATE,
        class_prompt=CLASS,
        class_pictures=2,
    )
    run = trained(setup)
    pictures, of_class = (
        sorted(each.glob("*.png")) for each in (run.folder.pictures, run.folder.prior)
    )
    losses, factors, state = trained_by_hand(
        REFERENCES[kind](base(kind)), pictures, of_class, encoders
    )
    assert [report.loss for report in run.of(Trained)] == pytest.approx(losses, rel=1e-5)
    checkpoint = Checkpoint.read(run.folder.checkpoint)
    assert checkpoint is not None
    for index, own in state.items():
        gradients, expected = checkpoint.optimizer["state"][index]["exp_avg"], own["exp_avg"]
        close(gradients, expected, atol=1e-3 * float(expected.abs().max()), rtol=0)
    for component, expected in factors.items():
        layers = checkpoint.layers["encoders"][component] if component else checkpoint.layers
        ours = layers["factors"]
        assert ours.keys() == expected.keys()
        for name, value in expected.items():
            close(ours[name], value, atol=1e-2 * RATE, rtol=0)
