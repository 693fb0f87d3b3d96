"""Settings of the owner's page."""

import ipaddress
import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from engine import Section

MIN_TOKEN = 16
"""Characters of the token at least: it is all that protects the page."""

ADDRESS = re.compile(r"(?:\[(?P<ipv6>[0-9a-fA-F:.]+)\]|(?P<host>[\w.-]+)):(?P<port>\d{1,5})")

HOW_TO_LISTEN = (
    'Write an address and a port, such as "127.0.0.1:8722", or "0.0.0.0:8722" for every network.'
)
HOW_TO_TOKEN = (
    f"Set [web] token to {MIN_TOKEN} or more characters without spaces, such as what "
    '`python -c "import secrets; print(secrets.token_urlsafe())"` prints.'
)


def _parsed(listen: str) -> tuple[str, int]:
    """Host and port. Raises `ValueError`."""
    match = ADDRESS.fullmatch(listen)
    if match is None or not 0 < int(match["port"]) < 2**16:
        raise ValueError(HOW_TO_LISTEN)
    return match["ipv6"] or match["host"], int(match["port"])


def _address(listen: str | None) -> str | None:
    if listen is not None:
        _parsed(listen)
    return listen


def _stripped(value: Any) -> Any:
    return (value.strip() or None) if isinstance(value, str) else value


def _long_enough(token: SecretStr | None) -> SecretStr | None:
    if token is not None and not re.fullmatch(rf"[!-~]{{{MIN_TOKEN},}}", token.get_secret_value()):
        raise ValueError(HOW_TO_TOKEN)
    return token


class WebSettings(Section):
    """The owner's page, metrics and health check."""

    listen: Annotated[str | None, AfterValidator(_address)] = Field(
        default=None,
        description="Address and port of the owner's page, such as 127.0.0.1:8722. Unset: there is "
        "none.",
    )
    token: Annotated[SecretStr | None, BeforeValidator(_stripped), AfterValidator(_long_enough)] = (
        Field(
            default=None,
            description="What has to be typed to see the page. Needed unless only this machine can "
            "reach it.",
        )
    )

    @model_validator(mode="after")
    def _protected(self) -> Self:
        """Refuse a page that others can reach without a token."""
        if self.listen is not None and self.token is None and not self.is_local:
            raise ValueError(f"Other machines can reach this page. {HOW_TO_TOKEN}")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; only with `listen`."""
        assert self.listen is not None, "there is no page"
        return _parsed(self.listen)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        host, _ = self.address
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def plain_token(self) -> str | None:
        """The token, if there is one."""
        return None if self.token is None else self.token.get_secret_value()
