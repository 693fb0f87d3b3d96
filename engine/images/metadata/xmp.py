"""What a picture's XMP says of its origin, in the vocabulary of the IPTC.

The property is `DigitalSourceType` of the IPTC Photo Metadata Standard 2025.1
(https://www.iptc.org/std/photometadata/specification/), its values are the NewsCodes in
https://cv.iptc.org/newscodes/digitalsourcetype/. Readers of other programs, and laws and licences
that ask for disclosure, look for it.
"""

import re
from enum import StrEnum

from engine.images.metadata.containers import xmp_in

NEWSCODES = "http://cv.iptc.org/newscodes/digitalsourcetype/"

WRITTEN = re.compile(r"cv\.iptc\.org/newscodes/digitalsourcetype/(\w{1,60})")

PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'Iptc4xmpExt:DigitalSourceType="{uri}"/>'
    "</rdf:RDF></x:xmpmeta>"
    '<?xpacket end="r"?>'
)
"""An XMP packet (ISO 16684-1, 7.3) with that one property."""


class SourceType(StrEnum):
    """Where a picture's content comes from; the values are names of NewsCodes."""

    TRAINED = "trainedAlgorithmicMedia"
    """“Created using Generative AI”: painted by a model, from words or from such pictures."""
    COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
    """“Edited using Generative AI”: somebody's own picture, changed or continued by a model."""


def xmp_packet(source_type: SourceType) -> bytes:
    """The XMP of a picture of that origin, UTF-8."""
    return PACKET.format(uri=NEWSCODES + source_type).encode()


def source_type_in(data: bytes) -> SourceType | None:
    """The origin that the XMP of a PNG, JPEG or WebP tells; `None` if it tells none of these."""
    return source_type_of(xmp_in(data))


def source_type_of(xmp: str) -> SourceType | None:
    """The origin that an XMP tells; `None` if it tells none of these."""
    written = WRITTEN.search(xmp)
    return SourceType(written[1]) if written and written[1] in tuple(SourceType) else None
