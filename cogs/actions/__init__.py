"""What members do with a picture: its buttons, modals and context menus."""

from cogs.actions import enlarging, job_actions, outpaint, picture_actions, picture_menus
from cogs.actions.context_menus import ContextMenus, SettingsButton, StartButton
from cogs.actions.conversation import Conversation
from cogs.actions.describe_menu import DescribeButton, DescribeMenu
from cogs.actions.details import send_to_dm
from cogs.actions.edit_menu import EditButton, EditMenu
from cogs.actions.enlarging import UpscalerButton
from cogs.actions.inpaint import (
    DetailButton,
    InpaintButton,
    PartSelect,
    choose_details,
    choose_parts,
)
from cogs.actions.modal_handler import ModalHandler
from cogs.context import Client
from cogs.messages.buttons import JobActions
from cogs.messages.picture_buttons import PictureActions
from cogs.messages.picture_panel import show_picture


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    bot.services[JobActions].add(
        again=job_actions.again,
        properly=job_actions.properly,
        map=job_actions.show_map,
        cancel=job_actions.cancel,
        here=job_actions.here,
        delete=job_actions.delete,
    )
    bot.services[PictureActions].add(
        subtle=picture_actions.subtle,
        strong=picture_actions.strong,
        upscale=picture_actions.upscale,
        double=enlarging.double,
        quadruple=enlarging.quadruple,
        cutout=picture_actions.remove_background,
        start=picture_actions.start,
        begin=picture_actions.start,
        remix=picture_actions.remix,
        edit=picture_actions.edit,
        change=picture_actions.edit,
        describe=picture_actions.describe,
        caption=picture_actions.describe,
        details=picture_actions.details,
        dm=send_to_dm,
        fill=choose_parts,
        refine=choose_details,
        choose=show_picture,
        more=picture_menus.more,
        zoom=picture_menus.zoom,
        pan=picture_menus.pan,
        zoomsome=outpaint.zoom_some,
        zoomtwo=outpaint.zoom_double,
        left=outpaint.left,
        right=outpaint.right,
        up=outpaint.up,
        down=outpaint.down,
    )
    bot.add_dynamic_items(SettingsButton, StartButton, EditButton, UpscalerButton)
    bot.add_dynamic_items(DescribeButton, PartSelect, InpaintButton, DetailButton)
    await bot.add_cog(ContextMenus(bot))
    await bot.add_cog(EditMenu(bot))
    await bot.add_cog(DescribeMenu(bot))
    if bot.settings.conversation:
        await bot.add_cog(Conversation(bot))
    await bot.add_cog(ModalHandler(bot.studio))
