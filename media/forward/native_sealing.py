"""SRTP of a lane whose AES-GCM C does with OpenSSL itself (sealing.h)."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from ctypes import addressof, c_char_p, c_int, c_int64, c_size_t, c_uint, c_uint8, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from media.net.srtp import BINARY, REPLAY_WINDOW, SrtpSessions, ffi, lib
from media.net.srtp_keys import GCM_SALT, RtpKeys

STREAMS: Final = 64
_GCM: Final = {16: b"AES-128-GCM", 32: b"AES-256-GCM"}
_POINTER: Final = 7  # openssl/core.h OSSL_PARAM_OCTET_PTR
_AS_BEFORE: Final = -1  # neither sealing nor opening is chosen anew
_SEAL: Final = "int (*)(void *, void *, int *)"


class CiphersMemory(ctypes.Structure):
    """sealing.h ciphers."""

    _fields_ = tuple(
        (name, c_void_p)
        for name in ("protect", "unprotect", "protect_rtcp", "unprotect_rtcp", "init", "run", "get", "set")
    )


class ParameterMemory(ctypes.Structure):
    """sealing.h parameter."""

    _fields_ = (("key", c_char_p), ("type", c_uint), ("data", c_void_p), ("size", c_size_t), ("returned", c_size_t))


class NumbersMemory(ctypes.Structure):
    """sealing.h numbers."""

    _fields_ = (("index", c_int64), ("seen", c_uint64 * (REPLAY_WINDOW // 64)))


class SecuredMemory(ctypes.Structure):
    """sealing.h secured."""

    _fields_ = (
        ("by", c_void_p),
        ("session", c_void_p),
        ("context", c_void_p),
        ("inside", c_void_p),
        ("salt", c_uint8 * GCM_SALT),
        ("count", c_uint32),
        ("ssrcs", c_uint32 * STREAMS),
        ("streams", NumbersMemory * STREAMS),
    )


@dataclass(frozen=True, slots=True)
class OpenSsl:
    """The one inside pylibsrtp. `contexts` are EVP_CIPHER_CTX, `kinds` EVP_CIPHER by the length of their key."""

    new: Callable[[], int | None]
    free: Callable[[int], None]
    init: Callable[..., int]
    get: Callable[..., int]
    addresses: dict[str, int]
    kinds: dict[int, int]

    def context(self, keys: RtpKeys, *, seals: bool) -> int | None:
        """With this key; None when it cannot be had. The caller frees it."""
        kind, context = self.kinds.get(len(keys.key)), self.new()
        if kind and context and self.init(context, kind, None, keys.key, None, int(seals)) == 1:
            return context
        if context:
            self.free(context)
        return None

    def inside(self, context: int) -> int:
        """Near the beginning of what OpenSSL keeps of a context: it shows where its nonce stands. 0: it does not."""
        room = (c_void_p * 2)()
        wanted = (ParameterMemory * 2)(ParameterMemory(b"iv", _POINTER, addressof(room), ctypes.sizeof(room)))
        self.init(context, None, None, None, bytes(GCM_SALT), _AS_BEFORE)
        return room[0] or 0 if self.get(context, wanted) == 1 else 0


@cache
def openssl() -> OpenSsl | None:
    """None where pylibsrtp does not show it: then libsrtp does everything."""
    try:
        loaded = ctypes.CDLL(BINARY)
        new, free, init = loaded.EVP_CIPHER_CTX_new, loaded.EVP_CIPHER_CTX_free, loaded.EVP_CipherInit_ex
        fetch = loaded.EVP_CIPHER_fetch
        called = {
            "init": init,
            "run": loaded.EVP_Cipher,
            "get": loaded.EVP_CIPHER_CTX_get_params,
            "set": loaded.EVP_CIPHER_CTX_set_params,
        }
    except (OSError, AttributeError):
        return None
    new.restype, free.restype, free.argtypes = c_void_p, None, [c_void_p]
    init.argtypes = [c_void_p, c_void_p, c_void_p, c_char_p, c_char_p, c_int]
    fetch.restype, fetch.argtypes = c_void_p, [c_void_p, c_char_p, c_char_p]
    kinds = {size: kind for size, name in _GCM.items() if (kind := fetch(None, name, None))}
    called["get"].argtypes = [c_void_p, c_void_p]
    return OpenSsl(
        new, free, init, called["get"], {name: _address(function) for name, function in called.items()}, kinds
    )


def _address(function: Any) -> int:
    return ctypes.cast(function, c_void_p).value or 0


@cache
def _ciphers() -> CiphersMemory:
    """What C calls. libsrtp is pylibsrtp's own build, with OpenSSL inside."""
    names = ("protect", "unprotect", "protect_rtcp", "unprotect_rtcp")
    own = {name: int(ffi.cast("uintptr_t", ffi.addressof(lib, f"srtp_{name}"))) for name in names}
    found = openssl()
    return CiphersMemory(**own, **(found.addresses if found else {}))


class Secured:
    """One direction of a lane. `handle` is what the sealing functions take, valid while this object lives."""

    __slots__ = ("__weakref__", "handle", "memory")

    def __init__(self, session: Any, keys: RtpKeys | None, *, seals: bool) -> None:
        """session  libsrtp's, which must live as long.   keys  None: libsrtp does everything."""
        self.memory = SecuredMemory(by=addressof(_ciphers()), session=int(ffi.cast("uintptr_t", session)))
        self.handle: Any = ffi.cast("void *", addressof(self.memory))
        found = openssl()
        context = found.context(keys, seals=seals) if found and keys else None
        if found and keys and context:
            self.memory.salt[:] = keys.salt
            self.memory.context, self.memory.inside = context, found.inside(context)
            weakref.finalize(self, found.free, context).atexit = False


def secure(sessions: SrtpSessions) -> tuple[Secured, Secured]:
    """For what comes in, and for what goes out."""
    rx, tx = sessions.rtp_keys()
    return Secured(sessions.rx, rx, seals=False), Secured(sessions.tx, tx, seals=True)


def sealing_call(function: Any) -> Callable[..., int]:
    """A function of sealing.h as one of libsrtp (media/net/srtp.py)."""
    call: Callable[..., int] = ffi.cast(_SEAL, _address(function))
    return call
