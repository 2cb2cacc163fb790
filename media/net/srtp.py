"""SRTP in place: libsrtp through pylibsrtp's own binding. The one file on private names of pylibsrtp.

The public `Session.protect` copies twice and allocates (1.06 us per packet); the same call in place costs 0.60 us. What is
private here: `pylibsrtp._binding.lib`, `.ffi`, `Session._srtp`. If they vanish, `Session.protect` and `.unprotect` do the
same thing slower; tests/media/test_seams.py says so by name.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from pylibsrtp import Policy, Session

from media.net.srtp_keys import RtpKeys, derive_rtp_keys

_binding: Final[Any] = import_module("pylibsrtp._binding")  # a compiled module without stubs
ffi: Final[Any] = _binding.ffi
lib: Final[Any] = _binding.lib
BINARY: Final = str(_binding.__file__)  # the OpenSSL that libsrtp works with is in there too

# A datagram that libsrtp may see; pylibsrtp itself raises above it, and no honest peer sends more than an Ethernet frame.
MAX_PACKET: Final = 1500
# What libsrtp appends at most: SRTCP index, tag, MKI (pylibsrtp.SRTP_MAX_SRTCP_TRAILER_LEN).
TRAILER: Final = 148
# libsrtp's bit vector is shifted for every packet; 128 packets are 0.5 s of video, and 1024 (aiortc) showed up in profiles.
REPLAY_WINDOW: Final = 128

OK: Final = int(lib.srtp_err_status_ok)
_GCM: Final = (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, Policy.SRTP_PROFILE_AEAD_AES_256_GCM)


class SrtpSessions:
    """Both directions of one peer. The raw pointers die with this object: keep it until the peer is out of the path."""

    __slots__ = ("_masters", "_rx_session", "_tx_session", "profile", "rx", "tx")

    def __init__(self, profile: str, libsrtp_profile: int, rx_key: bytes, tx_key: bytes) -> None:
        """rx_key, tx_key  master key and salt, as RFC 5764 §4.2 cuts them."""
        self.profile = profile
        self._masters = (rx_key, tx_key) if libsrtp_profile in _GCM else None
        self._rx_session = Session(_policy(libsrtp_profile, rx_key, Policy.SSRC_ANY_INBOUND))
        self._tx_session = Session(_policy(libsrtp_profile, tx_key, Policy.SSRC_ANY_OUTBOUND))
        self.rx: Any = self._rx_session._srtp[0]
        self.tx: Any = self._tx_session._srtp[0]

    def rtp_keys(self) -> tuple[RtpKeys, RtpKeys] | tuple[None, None]:
        """Of both directions, for who does AES-GCM himself (media/forward/native_sealing.py); None for other profiles."""
        if self._masters is None:
            return None, None
        return derive_rtp_keys(self._masters[0]), derive_rtp_keys(self._masters[1])


def _policy(libsrtp_profile: int, key: bytes, direction: int) -> Policy:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=libsrtp_profile)
    # With AEAD the nonce is made of SSRC, rollover count and sequence number: protecting other bytes under the same three
    # gives the authentication key away. Retransmission goes over RTX, so a repeat is always a bug and libsrtp stops it.
    policy.allow_repeat_tx = False
    policy.window_size = REPLAY_WINDOW
    return policy


class SrtpBuffer:
    """A reused buffer that libsrtp works on: write a packet into `data`, its length into `length[0]`, call a function.

    `protect`, `unprotect` and their RTCP twins are libsrtp's: (session pointer, `c`, `length`) -> status, 0 = done, and
    `length[0]` is the new length.
    """

    __slots__ = ("c", "data", "length", "view")

    def __init__(self) -> None:
        self.data = bytearray(2048)
        self.view = memoryview(self.data)
        self.c: Any = ffi.from_buffer(self.data)
        self.length: Any = ffi.new("int *")


protect: Final[Any] = lib.srtp_protect
unprotect: Final[Any] = lib.srtp_unprotect
protect_rtcp: Final[Any] = lib.srtp_protect_rtcp
unprotect_rtcp: Final[Any] = lib.srtp_unprotect_rtcp
