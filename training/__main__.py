"""The command line: one command per stage. A stopped stage resumes where it was."""

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
    from training.decoder_finetuning import polish_decoder
    from training.workers import run_workers

    run_workers(polish_decoder, minutes, workers)


@app.command()
def export() -> None:
    """Write the pipeline to engine/sketch."""
    from training.export import SKETCH
    from training.export import export as write

    typer.echo(f"{write():,} bytes in {SKETCH}")


@app.command()
def restore() -> None:
    """Make checkpoints from the shipped model, which `denoiser` then continues from."""
    from training.restore_checkpoints import restore_checkpoints as write

    write()


@app.command()
def evaluate(
    count: Annotated[int, typer.Option(help="Held-out compositions to paint.")] = 320,
    steps: int = 20,
    guidance: float = 3.0,
    seed: int = 0,
    train: Annotated[bool, typer.Option(help="Retrain the segmenter first.")] = False,
) -> None:
    """Evaluate the exported model on compositions that training never showed."""
    from training.evaluate import evaluate_model
    from training.segmenter import train_segmenter

    if train:
        train_segmenter()
    typer.echo(evaluate_model(count, steps=steps, guidance=guidance, seed=seed))


@app.command()
def contact_sheet(guidance: float = 3.0) -> None:
    """Paint the contact sheet docs/sketch.png."""
    from training.contact_sheet import paint_contact_sheet

    typer.echo(paint_contact_sheet(guidance=guidance))


@app.command(name="all")
def everything() -> None:
    """Run every stage, from nothing to an evaluated model."""
    vae()
    text()
    denoiser()
    decoder()
    export()
    evaluate(train=True)
    contact_sheet()


if __name__ == "__main__":
    app()
