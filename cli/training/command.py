"""The command line of `train`: arguments and options."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Config, settings_of


def train(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Pictures, with captions in .txt files beside them or in metadata.jsonl.",
        ),
    ],
    base: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A model from `models list`; else the default model."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the LoRA. Default: the folder's name.")
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="Words that call what it learns. Default: its name."),
    ] = None,
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="What it learns: subject, style or concept.")
    ] = "subject",
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="Steps.")] = None,
    rank: Annotated[int | None, typer.Option(metavar="N", min=1, help="Of the LoRA.")] = None,
    learning_rate: Annotated[float | None, typer.Option(metavar="N", help="Such as 1e-4.")] = None,
    size: Annotated[
        int | None, typer.Option(metavar="PIXELS", min=64, help="Side of a square picture.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Pictures in one call of the model.")
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Calls before the weights are moved.")
    ] = None,
    optimizer: Annotated[
        str | None, typer.Option(metavar="NAME", help="adamw, adamw8bit or prodigy.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Equal seeds give equal LoRAs.")
    ] = None,
    dora: Annotated[bool | None, typer.Option("--dora", help="Train a DoRA.")] = None,
    ema: Annotated[
        bool | None, typer.Option("--ema", help="Average the weights over the steps.")
    ] = None,
    text_encoder: Annotated[
        bool | None,
        typer.Option("--train-text-encoder", help="Train the text encoders, too: SD and SDXL."),
    ] = None,
    text_encoder_rate: Annotated[
        float | None, typer.Option(metavar="N", help="Their learning rate. Default: 5e-5.")
    ] = None,
    caption_dropout: Annotated[
        float | None,
        typer.Option(metavar="N", min=0, max=1, help="Share of the steps without captions."),
    ] = None,
    class_prompt: Annotated[
        str,
        typer.Option(
            metavar="PROMPT",
            help="What a subject is one of, such as 'a dog' or 'a {small|large} dog': others of "
            "its class stay as they are.",
        ),
    ] = "",
    class_pictures: Annotated[
        int, typer.Option(metavar="N", min=1, help="Pictures of the class to paint for that.")
    ] = 50,
    sample: Annotated[
        list[str] | None,
        typer.Option(metavar="PROMPT", help="A prompt to paint on the way; repeat it for several."),
    ] = None,
    sample_every: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Steps between two samples.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what it would take.")] = False,
    config: Config = None,
) -> None:
    """Train a LoRA on a folder of pictures, or go on with one that was stopped."""
    from cli.training.options import TrainOptions
    from cli.training.train import train as run

    options = TrainOptions(
        folder=folder,
        base=base,
        name=name,
        trigger=trigger,
        kind=kind,
        optimizer=optimizer,
        sample_prompts=tuple(sample or ()),
        class_prompt=class_prompt,
        class_pictures=class_pictures,
        given={
            "steps": steps,
            "rank": rank,
            "learning_rate": learning_rate,
            "side": size,
            "batch": batch,
            "accumulate": accumulate,
            "seed": seed,
            "dora": dora,
            "ema": ema,
            "text_encoder": text_encoder,
            "text_encoder_rate": text_encoder_rate,
            "caption_dropout": caption_dropout,
            "sample_every": sample_every,
        },
    )
    run(settings_of(context, config), options, only_plan=plan)
