"""Colours as sRGB with 8 bits, whatever a file has: 16 bits of grey, colour profiles."""

from io import BytesIO

from PIL import Image, ImageCms

STRIP = 256
"""Rows that are converted at once, to bound memory."""

TO_8_BITS = [(value * 255 + 32767) // 65535 for value in range(65536)]
"""Maps grey of 16 bits to 8."""

PROFILE_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The mode of pictures that a profile of each colour space describes."""

MAX_PROFILE = 8_000_000

PROFILE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError, TypeError)


def on_white(image: Image.Image) -> Image.Image:
    """The picture in RGB, with white where it is transparent."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")


def grey_8_bits(image: Image.Image) -> Image.Image:
    """A grey picture of 16 bits with 8, and with its transparent shade as transparency."""
    if not image.mode.startswith("I"):
        return image
    shade = image.info.get("transparency")
    clear = isinstance(shade, int) and 0 <= shade < 65536
    opacity = [255] * 65536
    if isinstance(shade, int) and clear:
        opacity[shade] = 0
    whole = Image.new("LA" if clear else "L", image.size)
    for top in range(0, image.height, STRIP):
        box = (0, top, image.width, min(top + STRIP, image.height))
        strip = image.crop(box).convert("I")
        grey = strip.point(TO_8_BITS, "L")
        if clear:
            grey = Image.merge("LA", (grey, strip.point(opacity, "L")))
        whole.paste(grey, box)
    whole.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return whole


def scaled_transparency(image: Image.Image, depth: int) -> Image.Image:
    """The picture with its transparent colour in 8 bits, as its pixels are; Pillow leaves it."""
    shade = image.info.get("transparency")
    most = 2**depth - 1
    if image.mode in ("1", "L") and isinstance(shade, int) and depth < 8:
        image.info["transparency"] = min(shade, most) * 255 // most
    elif image.mode == "RGB" and isinstance(shade, tuple) and depth == 16:
        image.info["transparency"] = tuple(value >> 8 for value in shade)
    return image


def as_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB, without its profile; one that can't be used is passed over."""
    embedded = image.info.pop("icc_profile", None)
    profile = profile or (embedded if isinstance(embedded, bytes) else None)
    if not profile or len(profile) > MAX_PROFILE:
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        described = PROFILE_MODES.get(source.profile.xcolor_space)
        if "sRGB" in (source.profile.profile_description or ""):
            return image
        return _converted(image, source, described)
    except PROFILE_ERRORS:
        return image


def _converted(
    image: Image.Image, source: ImageCms.ImageCmsProfile, described: str | None
) -> Image.Image:
    transparent = "A" in image.getbands() or "transparency" in image.info
    if image.mode in ("P", "PA", "1") or (transparent and image.mode in ("L", "RGB")):
        image = image.convert("RGBA" if transparent else "L" if image.mode == "1" else "RGB")
        transparent = image.mode == "RGBA"
    colours = image.convert(image.mode.removesuffix("A")) if transparent else image
    if described == "L" and colours.mode == "RGB":
        colours = colours.convert("L")
    if colours.mode != described:
        return image
    srgb = ImageCms.createProfile("sRGB")
    made = ImageCms.profileToProfile(colours, source, srgb, outputMode="RGB")
    if made is None:
        return image
    made.info.pop("icc_profile", None)
    if transparent:
        made.putalpha(image.getchannel("A"))
    return made
