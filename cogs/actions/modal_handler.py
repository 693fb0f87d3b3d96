"""Handles submitted modals about pictures."""

import re
from dataclasses import replace

from cogs.actions.inpaint import MASK
from cogs.actions.metadata import fit_to_models, request_in_message
from cogs.actions.modals import FORM, apply_fields
from cogs.context import Interaction
from cogs.markdown import escaped
from cogs.messages.modals import ModalCog, field_values, uploaded_files
from cogs.policy.model_capabilities import require_img2img, require_inpaint
from cogs.policy.nsfw import require_shown
from cogs.policy.request_context import request_context
from cogs.policy.visibility import accessible_job
from cogs.requests.answers import defer_for, note_ignored_flags
from cogs.requests.attachments import require_picture, uploaded
from cogs.requests.builder import TypedRequest, default_model, with_flags
from cogs.requests.editing import Sources, edit
from cogs.requests.sizes import fit_to_model, nearest_offered_size
from cogs.requests.submission import Submission
from engine import ImageRequest, InvalidRequest, Job, Parent, Studio
from speech import say


class ModalHandler(ModalCog):
    """Handles modals about pictures."""

    form = FORM

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def submitted(self, interaction: Interaction, match: re.Match[str]) -> None:
        """Paint what was entered about a picture: remix, start image, inpaint or read settings."""
        fields = field_values(interaction)
        try:
            await self._submit(interaction, match, fields)
        except InvalidRequest as error:
            if not (typed_prompt := fields["prompt"]):
                raise
            typed_prompt = escaped(typed_prompt)
            raise InvalidRequest(
                say("{error}\n-# Your prompt: {text}", error=error.sentence, text=typed_prompt)
            ) from error

    async def _submit(
        self,
        interaction: Interaction,
        match: re.Match[str],
        fields: dict[str, str],
    ) -> None:
        if match["kind"] == "settings":
            assert interaction.message is not None, "its button is on a message"
            model = default_model(await request_context(interaction))
            request = fit_to_models(
                request_in_message(interaction.message), self._studio.models, model
            )
            await self._paint(interaction, apply_fields(request, fields))
        elif match["kind"] == "edit":
            await self._edit(interaction, match, fields["prompt"])
        elif match["kind"] == "upload":
            model = default_model(await request_context(interaction))
            require_img2img(model)
            width, height = nearest_offered_size(
                model, *await self._studio.init_images.size(match["image"])
            )
            request = ImageRequest(
                prompt="", model=model.name, image=match["image"], width=width, height=height
            )
            await self._paint(interaction, apply_fields(request, fields))
        else:
            await self._use_picture(interaction, match, fields)

    async def _edit(self, interaction: Interaction, match: re.Match[str], prompt: str) -> None:
        typed = TypedRequest(request=ImageRequest(prompt=prompt))
        more = uploaded_files(interaction)
        if match["image"]:
            await edit(interaction, typed, Sources(upload=match["image"], attachments=more))
            return
        picture = Parent(int(match["job_id"]), int(match["number"]))
        await require_shown(interaction, await accessible_job(interaction, picture.job_id))
        await edit(interaction, typed, Sources(finished=picture, attachments=more))

    async def _use_picture(
        self,
        interaction: Interaction,
        match: re.Match[str],
        fields: dict[str, str],
    ) -> None:
        picture = Parent(int(match["job_id"]), int(match["number"]))
        job = await accessible_job(interaction, picture.job_id)
        recipe = job.recipe
        request = replace(apply_fields(ImageRequest.of(recipe), fields), count=1)
        if match["kind"] == "fill":
            await self._inpaint(interaction, job, picture, match["parts"], request)
            return
        if match["kind"] == "start":
            await require_shown(interaction, job)
            await defer_for(interaction, [request], source=picture.job_id)
            image = await self._studio.init_images.keep_finished(picture)
            request = replace(request, image=image, mask=None, seed=None, enlarged=1)
            request = fit_to_model(self._studio.models[recipe.model], request)
        await self._paint(interaction, request, picture)

    async def _inpaint(
        self,
        interaction: Interaction,
        job: Job,
        picture: Parent,
        parts: str,
        request: ImageRequest,
    ) -> None:
        """Repaint some parts of the picture, or where the uploaded mask is white.

        Raises:
            InvalidRequest: When a flag in the prompt asks for another shape.
        """
        init_images = self._studio.init_images
        shape, typed = (request.width, request.height), request.prompt
        request = with_flags(replace(request, seed=None), await request_context(interaction))
        if (request.width, request.height) != shape:
            raise InvalidRequest(
                say("Inpainting keeps the picture's shape. Remove `--ar` and `--size`.")
            )
        assert request.model is not None, "it comes from a recipe or a flag"
        model = self._studio.models[request.model]
        require_inpaint(model)
        await require_shown(interaction, job)
        if parts == MASK:
            [mask] = uploaded_files(interaction)
            require_picture(mask)
            await defer_for(interaction, [request], source=picture.job_id)
            async with uploaded(interaction, mask) as data:
                init_image = await init_images.inpaint_mask(picture, data, model)
        else:
            await defer_for(interaction, [request], source=picture.job_id)
            init_image = await init_images.inpaint_parts(
                picture, {int(part) for part in parts}, model
            )
        request = replace(
            init_image.applied_to(request),
            strength=request.strength,
            seed=request.seed,
            count=request.count,
        )
        await interaction.client.services[Submission].submit(interaction, request, picture)
        await note_ignored_flags(interaction, typed)

    async def _paint(
        self,
        interaction: Interaction,
        request: ImageRequest,
        picture: Parent | None = None,
    ) -> None:
        typed = request.prompt
        request = with_flags(request, await request_context(interaction))
        if request.mask is not None and request.model is not None:
            require_inpaint(self._studio.models[request.model])
        await interaction.client.services[Submission].submit(interaction, request, picture)
        await note_ignored_flags(interaction, typed)
