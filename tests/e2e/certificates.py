"""Certificates for tests, made by openssl: a root of their own, and what it signs."""

import os
import ssl
import subprocess


class Authority:
    """A root, and what it signs, in files of a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self._openssl("req", "-x509", "-subj", f"/CN={name}", "-days", "2", *self._key(name),
                      "-out", self.file(name))

    def file(self, name, ending="pem"):
        return os.path.join(self.folder, f"{name}.{ending}")

    def _key(self, name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.file(name, "key"))

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    @property
    def root(self):
        return self.file(self.name)

    def issue(self, name, *names):
        self._openssl("req", "-subj", f"/CN={name}", *self._key(name),
                      "-out", self.file(name, "csr"))
        with open(self.file(name, "ext"), "w", encoding="ascii") as extensions:
            extensions.write("subjectAltName=" + ",".join(f"DNS:{each}" for each in names))
        self._openssl("x509", "-req", "-in", self.file(name, "csr"), "-days", "2",
                      "-CA", self.root, "-CAkey", self.file(self.name, "key"), "-CAcreateserial",
                      "-extfile", self.file(name, "ext"), "-out", self.file(name))
        return self.file(name)


def trusting(authority, certificate=None, key=None):
    context = ssl.create_default_context(cafile=authority.root)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context
