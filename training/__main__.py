"""The command line: one command a stage, each able to go on where it was stopped."""

from __future__ import annotations

from typing import Annotated

import typer

Minutes = Annotated[float, typer.Option(help="Training time in all, restarts included.")]
Workers = Annotated[int, typer.Option(help="Processes to train with, one a core.")]

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command()
def vae(minutes: Minutes = 20, workers: Workers = 2) -> None:
    """Train the autoencoder."""
    from training.autoencoder import train_autoencoder
    from training.workers import run_workers

    run_workers(train_autoencoder, minutes, workers)


@app.command()
def text(minutes: Minutes = 8) -> None:
    """Train the text encoder."""
    from training.text_encoder import train_text_encoder

    train_text_encoder(minutes)


@app.command()
def denoiser(minutes: Minutes = 70, workers: Workers = 2) -> None:
    """Train the denoiser; needs the autoencoder and the text encoder."""
    from training.denoiser import train_denoiser
    from training.workers import run_workers

    run_workers(train_denoiser, minutes, workers)


@app.command()
def decoder(minutes: Minutes = 10, workers: Workers = 2) -> None:
    """Polish the decoder; needs the autoencoder."""
    from training.decoder import polish_decoder
    from training.workers import run_workers

    run_workers(polish_decoder, minutes, workers)


@app.command()
def export() -> None:
    """Write the pipeline to engine/sketch."""
    from training.export import SKETCH
    from training.export import export as write

    typer.echo(f"{write():,} bytes in {SKETCH}")


@app.command()
def unpack() -> None:
    """Make checkpoints out of the shipped model: `denoiser` then goes on from there."""
    from training.unpack import unpack as write

    write()


@app.command()
def judge(
    count: Annotated[int, typer.Option(help="Held-out compositions to paint.")] = 320,
    steps: int = 20,
    guidance: float = 3.0,
    seed: int = 0,
    train: Annotated[bool, typer.Option(help="Train the judge's own network anew.")] = False,
) -> None:
    """Judge the exported model on compositions that training never showed."""
    from training.eye import train_eye
    from training.judge import judge_model

    if train:
        train_eye()
    typer.echo(judge_model(count, steps=steps, guidance=guidance, seed=seed))


@app.command()
def sheet(guidance: float = 3.0) -> None:
    """Paint the contact sheet docs/sketch.png."""
    from training.sheet import paint_sheet

    typer.echo(paint_sheet(guidance=guidance))


@app.command(name="all")
def everything() -> None:
    """Run every stage, from nothing to a judged model."""
    vae()
    text()
    denoiser()
    decoder()
    export()
    judge(train=True)
    sheet()


if __name__ == "__main__":
    app()
