"""How a training goes, on the command line: a progress bar, and pictures in its folder."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.console import err
from engine.training.charts import draw_losses, draw_samples, latest, rows_of
from engine.training.messages import (
    Kept,
    Preparing,
    Sampled,
    Trained,
    TrainingReport,
)
from engine.training.request import TrainingRequest
from engine.training.run_folder import RunFolder

QUIET_EVERY = 50
"""Steps between two lines where there is no terminal."""


class TrainingDisplay:
    """Shows reports while it is entered; keeps `loss.png` and `samples.png` up to date."""

    def __init__(self, request: TrainingRequest, folder: RunFolder) -> None:
        """Prepare to show a training."""
        self._request, self._folder = request, folder
        self._losses = folder.read_losses()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[loss]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=err,
            disable=not err.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        total = self._request.steps
        self._bar = self._progress.add_task("Loading the model", total=total, loss="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()
        if (plot := draw_losses(self._losses)) is not None:
            self._folder.write(self._folder.path / "loss.png", plot)

    def show(self, report: TrainingReport) -> None:
        """Show what has happened."""
        match report:
            case Preparing(done, total):
                self._update("Encoding the pictures", done, total)
            case Trained(step, loss):
                del self._losses[step - 1 :]
                self._losses.append(loss)
                mean = latest(self._losses)
                self._update("Training", step, self._request.steps, f"loss {mean:.4f}")
                if self._progress.disable and step % QUIET_EVERY == 0:
                    err.print(f"step {step} of {self._request.steps}, loss {mean:.4f}")
            case Sampled(step):
                rows = rows_of(self._folder.sampled_steps())
                sheet = draw_samples(self._folder, rows, len(self._request.sample_prompts))
                if sheet is not None:
                    self._folder.write(self._folder.path / "samples.png", sheet)
                    err.print(f"Samples after {step} steps: {self._folder.path / 'samples.png'}")
            case Kept(step, file, final=False):
                err.print(f"Kept after {step} steps: {file}")

    def _update(self, description: str, done: int, total: int, loss: str = "") -> None:
        self._progress.update(
            self._bar, description=description, completed=done, total=total, loss=loss
        )
