"""Passwords: Argon2id hashes, made and compared at the same cost for everybody."""

from __future__ import annotations

import secrets
from functools import cached_property
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from deepfield.model.errors import InvalidValueError

SHORTEST: Final = 10
_LONGEST: Final = 1024
_AT_ONCE: Final = 2
"""Hashes computed at the same time: each takes 64 MiB."""


class Passwords:
    """Hashes and compares passwords (RFC 9106, the library's recommended parameters unless told otherwise)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = PasswordHasher() if hasher is None else hasher
        self._room = BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        """Return what is kept of a password.

        Raises:
            InvalidValueError: it is too short or too long; the message does not hold it.
        """
        if not SHORTEST <= len(password) <= _LONGEST:
            raise InvalidValueError("password", "(not shown)", f"at least {SHORTEST} characters")
        with self._room:
            return self._hasher.hash(password)

    def matches(self, password: str, hashed: str | None) -> bool:
        """Tell whether a password is the one of a hash. Without a hash the answer takes as long, and is no."""
        with self._room:
            try:
                self._hasher.verify(hashed or self._nobodys, password[:_LONGEST])
            except (VerificationError, InvalidHashError):
                return False
        return hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Tell whether a hash was made with other parameters than those of now."""
        return self._hasher.check_needs_rehash(hashed)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_hex(16))
