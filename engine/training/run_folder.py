"""The folder of a training: what it was asked for, its pictures, checkpoint, samples and results.

request.json      what it was asked for
pictures/         its pictures, upright, with their captions
prior/            pictures of the class, painted by the model itself
checkpoint.pt     weights, optimizer and step, to go on from
loss.png          a plot of the losses
safety.json       the worst that the safety checker has said of a sample
samples.png       the samples side by side
outside/          what an outside trainer is given and writes
losses.txt        the loss of each step
samples/          00250-1.png: after 250 steps, the first prompt
NAME.safetensors  the LoRA; NAME-00250.safetensors one that was kept on the way
"""

import contextlib
import json
import shutil
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path

from engine.atomic_write import write_whole
from engine.errors import StorageError
from engine.safety.verdict import SafetyVerdict
from engine.training.request import TrainingRequest
from speech import say


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where one training keeps its files."""

    path: Path

    @property
    def pictures(self) -> Path:
        """Folder of its pictures."""
        return self.path / "pictures"

    @property
    def prior(self) -> Path:
        """Folder of the pictures of its class."""
        return self.path / "prior"

    @property
    def checkpoint(self) -> Path:
        """What it goes on from."""
        return self.path / "checkpoint.pt"

    @property
    def outside(self) -> Path:
        """What an outside trainer is given and writes."""
        return self.path / "outside"

    @property
    def losses(self) -> Path:
        """The loss of each step, a line each."""
        return self.path / "losses.txt"

    @property
    def plot(self) -> Path:
        """A plot of the losses."""
        return self.path / "loss.png"

    @property
    def sheet(self) -> Path:
        """The samples side by side."""
        return self.path / "samples.png"

    @property
    def safety(self) -> Path:
        """The worst that the safety checker has said of a sample."""
        return self.path / "safety.json"

    def sample(self, step: int, number: int) -> Path:
        """The picture of a sample prompt, counted from 1, after so many steps."""
        return self.path / "samples" / f"{step:05d}-{number}.png"

    def sampled_steps(self) -> list[int]:
        """After how many steps there are samples, in order."""
        steps = (file.stem.partition("-")[0] for file in self.path.glob("samples/*-1.png"))
        return sorted(int(step) for step in steps if step.isdigit())

    def result(self, name: str, step: int | None = None) -> Path:
        """The finished LoRA, or one that is kept after so many steps."""
        return self.path / f"{name}{'' if step is None else f'-{step:05d}'}.safetensors"

    def write_request(self, request: TrainingRequest) -> None:
        """Remember what was asked for. Blocks; raises `StorageError`."""
        text = json.dumps(request.to_json(), indent=1, ensure_ascii=False)
        self.write(self.path / "request.json", text.encode())

    def read_request(self) -> TrainingRequest | None:
        """What was asked for; `None` if nothing was, or it can't be read."""
        try:
            text = (self.path / "request.json").read_text("utf-8")
            return TrainingRequest.from_json(json.loads(text))
        except (OSError, ValueError, TypeError):
            return None

    def write_verdict(self, verdict: SafetyVerdict) -> None:
        """Remember what was said of the samples. Blocks; raises `StorageError`."""
        self.write(self.safety, json.dumps(asdict(verdict)).encode())

    def read_verdict(self) -> SafetyVerdict | None:
        """What was said of the samples; `None` if nothing was, or it can't be read."""
        try:
            match json.loads(self.safety.read_text("utf-8")):
                case {"label": str(label), "score": None | float() as score, "flagged": bool(flag)}:
                    return SafetyVerdict(label, score, flag)
        except (OSError, ValueError):
            pass
        return None

    def write(self, file: Path, data: bytes) -> None:
        """Write one of its files. Blocks; raises `StorageError`."""
        try:
            write_whole(file, data)
        except OSError as error:
            raise not_written(file, error) from error

    def clear_partial(self) -> None:
        """Remove what was being written when the process was killed. Blocks."""
        for file in self.path.rglob("*.partial"):
            file.unlink(missing_ok=True)

    def add_loss(self, loss: float) -> None:
        """Remember the loss of another step. Blocks; raises `StorageError`."""
        try:
            with self.losses.open("a", encoding="utf-8") as lines:
                lines.write(f"{loss:.6g}\n")
        except OSError as error:
            raise not_written(self.losses, error) from error

    def remove(self, *paths: Path) -> None:
        """Remove some of its files and folders, as far as they are there. Blocks."""
        for path in paths:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    path.unlink()

    def read_losses(self) -> list[float]:
        """The loss of each step so far; a line that isn't a number ends them."""
        try:
            lines = self.losses.read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return []
        return list(map(float, takewhile(_is_number, lines)))

    def cut_losses(self, steps: int) -> None:
        """Forget the losses of later steps: they will be done again."""
        lines = "".join(f"{loss:.6g}\n" for loss in self.read_losses()[:steps])
        self.write(self.losses, lines.encode())


def _is_number(line: str) -> bool:
    try:
        float(line)
    except ValueError:
        return False
    return True


def not_written(file: Path, error: OSError) -> StorageError:
    """The error for a file of a training that the system refuses to write."""
    reason = error.strerror or str(error)
    return StorageError(say("{file} can't be written: {reason}.", file=file.name, reason=reason))
