"""A Hugging Face Hub on the loopback interface, for the real `huggingface_hub` client.

It answers what the client asks about models: what a repository holds, where a file is, and its
bytes, whole or from a place on; small files straight away, large ones by a redirect to another
host, as the Hub does. It takes what the client publishes. It refuses as the Hub refuses, and it can
misbehave as networks do:

    with HubServer() as hub:
        repo = hub.add("someone/fox", folder)
        repo.faults["unet/diffusion_pytorch_model.safetensors"] = Fault(drop_after=1000)
        ...
        assert hub.sent("unet/diffusion_pytorch_model.safetensors") == ...
"""

from tests.hub_server.accounts import HubAccount
from tests.hub_server.faults import Fault
from tests.hub_server.repositories import Repository, StoredFile
from tests.hub_server.server import HubServer

__all__ = ["Fault", "HubAccount", "HubServer", "Repository", "StoredFile"]
