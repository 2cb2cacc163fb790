"""Sockets and the protocols that open them: the UDP port, ICE-lite, DTLS, SRTP, SDP."""
