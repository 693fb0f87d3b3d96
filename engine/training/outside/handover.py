"""What an outside trainer is given: the pictures in kohya's layout, and the plan in two forms.

outside/dataset/  10_zork/0001.png and 0001.txt: shown 10 times in an epoch
outside/output/   where the LoRA is to be written
outside/kohya.toml  the plan as kohya's scripts read it with --config_file
outside/plan.json   the same for others
training.log      what the trainer prints
trainer.json      the process, while it runs
"""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.hub import local_files
from engine.models.origins import origin_of
from engine.toml_text import toml_text
from engine.training.dataset.reading import open_picture, read_dataset
from engine.training.request import Optimizer, TrainingRequest
from engine.training.run_folder import RunFolder, not_written
from engine.training.setup import TrainingSetup

OPTIMIZERS = {
    Optimizer.ADAMW: "AdamW",
    Optimizer.ADAMW8: "AdamW8bit",
    Optimizer.PRODIGY: "Prodigy",
}
"""kohya's names."""

MAX_WORDS = 50
"""Characters of the trigger in a folder's name, which may have 255 bytes."""

SNR = "sd", "sdxl"
"""Families that learn with a bound on the weight of nearly noiseless timesteps."""


@dataclass(frozen=True, slots=True)
class OutsideFolder:
    """The folder of a training with what an outside trainer is given, and gives."""

    run: RunFolder

    @property
    def dataset(self) -> Path:
        """Pictures and captions in kohya's layout."""
        return self.run.outside / "dataset"

    @property
    def output(self) -> Path:
        """Where the trainer writes; what it finds there is its own from before a pause."""
        return self.run.outside / "output"

    @property
    def config(self) -> Path:
        """The plan for kohya's scripts."""
        return self.run.outside / "kohya.toml"

    @property
    def plan(self) -> Path:
        """The plan for others."""
        return self.run.outside / "plan.json"

    @property
    def log(self) -> Path:
        """What the trainer has printed."""
        return self.run.path / "training.log"

    @property
    def process(self) -> Path:
        """Which process it is."""
        return self.run.path / "trainer.json"

    def newest_lora(self, name: str) -> Path | None:
        """The LoRA of that name that the trainer has written, else its newest one."""
        found = list(self.output.rglob("*.safetensors"))
        named = [file for file in found if file.stem == name]
        return max(named or found, key=_written_at, default=None)


def hand_over(setup: TrainingSetup, step: int) -> dict[str, Path | str]:
    """Write what an outside trainer is given; what its placeholders stand for. Blocks.

    Args:
        setup: What is trained.
        step: Steps that were done before a pause, as far as the trainer has told.

    Raises:
        InvalidDataset: A picture is gone or damaged.
        ModelUnavailable: The model's files are missing.
        StorageError: The folder can't be written.
    """
    folder, request = OutsideFolder(RunFolder(setup.folder)), setup.request
    base = base_path(setup)
    try:
        _write_dataset(folder, request)
        folder.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(folder.dataset, error) from error
    places: dict[str, Path | str] = {
        "dataset": folder.dataset,
        "output": folder.output,
        "base": base,
        "config": folder.config,
        "plan": folder.plan,
        "name": request.name,
    }
    family = setup.model.family or ""
    plan = {
        **{name: str(places[name]) for name in ("dataset", "output", "base")},
        "model": setup.base or setup.model.source,
        "family": family,
        "step": step,
        **request.to_json(),
    }
    text = json.dumps(plan, indent=1, ensure_ascii=False)
    folder.run.write(folder.plan, text.encode())
    folder.run.write(folder.config, toml_text(_kohya(request, family, places)).encode())
    return places


def _written_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # the trainer has removed it just now
        return 0.0


def base_path(setup: TrainingSetup) -> Path:
    """The model's folder in Diffusers' layout, or its checkpoint file."""
    files = local_files(origin_of(setup.model, allow_pickle=setup.settings.allow_pickle))
    found = files.checkpoint or files.folder
    assert found is not None, "one of them is there"
    return found.absolute()


def _write_dataset(folder: OutsideFolder, request: TrainingRequest) -> None:
    shutil.rmtree(folder.dataset, ignore_errors=True)
    dataset = read_dataset(folder.run.pictures, request.trigger, side=request.side)
    words = re.sub(r"[^\w -]+", "", request.trigger)[:MAX_WORDS].strip() or "subject"
    for picture in dataset.pictures:
        own = folder.dataset / f"{picture.repeats}_{words}"
        own.mkdir(parents=True, exist_ok=True)
        open_picture(picture).save(own / f"{picture.file.stem}.png")
        (own / f"{picture.file.stem}.txt").write_text(picture.caption, "utf-8")


def _kohya(
    request: TrainingRequest, family: str, places: Mapping[str, Path | str]
) -> dict[str, Any]:
    """The options of kohya's `train_network.py`, and of its scripts for other families."""
    options = {
        "pretrained_model_name_or_path": str(places["base"]),
        "train_data_dir": str(places["dataset"]),
        "output_dir": str(places["output"]),
        "output_name": request.name,
        "save_model_as": "safetensors",
        "save_every_n_steps": request.sample_every,
        "resolution": f"{request.side},{request.side}",
        "enable_bucket": True,
        "caption_extension": ".txt",
        "caption_dropout_rate": request.caption_dropout,
        "max_train_steps": request.steps,
        "train_batch_size": request.batch,
        "gradient_accumulation_steps": request.accumulate,
        "gradient_checkpointing": request.checkpointing,
        "network_module": "networks.lora",
        "network_dim": request.rank,
        "network_alpha": request.rank,
        "network_train_unet_only": not request.text_encoder,
        "optimizer_type": OPTIMIZERS[request.optimizer],
        "learning_rate": request.learning_rate,
        "lr_scheduler": "constant_with_warmup",
        "lr_warmup_steps": request.warmup_steps,
        "seed": request.seed,
        "mixed_precision": "bf16",
    }
    if request.text_encoder:
        options["text_encoder_lr"] = request.text_encoder_rate
    if request.min_snr_gamma and family in SNR:
        options["min_snr_gamma"] = request.min_snr_gamma
    return options
