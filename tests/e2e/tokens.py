"""JSON Web Tokens for tests: HS256 signed here, the others by openssl."""

import base64
import hmac
import json
import os
import subprocess
import time


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unsigned(header, claims):
    return base64url(json.dumps(header).encode()) + b"." + base64url(json.dumps(claims).encode())


def claims(valid_s=600, **more):
    return {"exp": int(time.time()) + valid_s, **more}


def with_secret(secret, payload, **header):
    text = unsigned({"alg": "HS256", "typ": "JWT", **header}, payload)
    return text + b"." + base64url(hmac.digest(secret, text, "sha256"))


def from_der(der):
    """The two numbers of an ECDSA signature, 32 bytes each (RFC 7518 3.4)."""
    assert der[0] == 0x30 and der[1] == len(der) - 2 < 0x80, der
    numbers, at = b"", 2
    for _ in range(2):
        assert der[at] == 2, der
        number = der[at + 2:at + 2 + der[at + 1]].lstrip(b"\0")
        numbers += number.rjust(32, b"\0")
        at += 2 + der[at + 1]
    return numbers


class KeyPair:
    """A pair of keys in files of a folder, made by openssl."""

    KINDS = {"RS256": ("RSA", "rsa_keygen_bits:2048"), "ES256": ("EC", "ec_paramgen_curve:P-256"),
             "EdDSA": ("ED25519", None)}

    def __init__(self, folder, algorithm, name=None):
        self.algorithm = algorithm
        self.private = os.path.join(folder, f"{name or algorithm}.key")
        self.public = os.path.join(folder, f"{name or algorithm}.pem")
        kind, option = self.KINDS[algorithm]
        self._openssl("genpkey", "-algorithm", kind, *(["-pkeyopt", option] if option else []),
                      "-out", self.private)
        self._openssl("pkey", "-in", self.private, "-pubout", "-out", self.public)

    @staticmethod
    def _openssl(*arguments):
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout

    def sign(self, payload, **header):
        text = unsigned({"alg": self.algorithm, "typ": "JWT", **header}, payload)
        message = self.private + ".text"
        with open(message, "wb") as file:
            file.write(text)
        if self.algorithm == "EdDSA":
            signature = self._openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.private, "-in",
                                      message)
        else:
            signature = self._openssl("dgst", "-sha256", "-sign", self.private, message)
        if self.algorithm == "ES256":
            signature = from_der(signature)
        return text + b"." + base64url(signature)
