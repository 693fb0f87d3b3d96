"""The server's certificate, made by itself: an invitation names its fingerprint."""

import asyncio
import base64
import datetime
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from engine.atomic_write import write_whole
from engine.cluster.errors import ClusterError
from engine.errors import StorageError
from speech import say

HOST_NAME = "atelier"
"""Whom the certificate is for: clients know the certificate itself, not the machine's name."""

DAYS = 3650
CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where the server's certificate and its private key are."""

    file: Path
    key_file: Path

    @property
    def fingerprint(self) -> str:
        """That of the certificate."""
        return fingerprint(ssl.PEM_cert_to_DER_cert(self.file.read_text("ascii")))


def kept_certificate(folder: Path) -> Certificate:
    """The certificate in `folder`, which is made if there is none. Raises `StorageError`."""
    certificate = Certificate(folder / "server.crt", folder / "server.key")
    try:
        if not (certificate.file.exists() and certificate.key_file.exists()):
            _make(certificate)
    except OSError as error:
        raise StorageError(
            say("The folder {folder} can't be used: {reason}.", folder=folder, reason=str(error))
        ) from error
    return certificate


def _make(certificate: Certificate) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST_NAME)])
    # From a day before: the clock of another machine may be behind.
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST_NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_whole(certificate.key_file, private)
    write_whole(certificate.file, made.public_bytes(pem))


def fingerprint(der: bytes) -> str:
    """The SHA-256 of a certificate, as invitations have it: 43 characters."""
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


def trusting(pem: str) -> ssl.SSLContext:
    """A client's settings that accept this certificate and no other."""
    context = ssl.create_default_context(cadata=pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def certificate_of(host: str, port: int, wanted: str) -> str:
    """The certificate (PEM) of the NATS server at an address, if it has the wanted fingerprint.

    Nothing is sent but a greeting: whoever answers with another certificate learns nothing.

    Raises:
        ClusterError: When it has another one, or none.
        OSError: When the server can't be reached.
    """
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    async with asyncio.timeout(CONNECT_SECONDS):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            await reader.readline()  # the server introduces itself before TLS begins
            await writer.start_tls(anyone)
            found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        except ssl.SSLError as error:
            raise ClusterError(
                say("The server at {host} doesn't speak TLS.", host=f"{host}:{port}")
            ) from error
        finally:
            writer.transport.abort()
    if fingerprint(found) != wanted:
        raise ClusterError(
            say(
                "The server at {host} isn't the one that the invitation is from: its certificate "
                "is another one. Ask for a new invitation.",
                host=f"{host}:{port}",
            )
        )
    return ssl.DER_cert_to_PEM_cert(found)
