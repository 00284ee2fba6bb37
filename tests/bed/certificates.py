# SPDX-License-Identifier: Apache-2.0
"""A throw-away certificate authority for content servers in tests."""
import pathlib
import subprocess


def _openssl(*arguments) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self._key = folder / "ca.pem", folder / "ca.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2,
                 "-subj", "/CN=Restante test authority", "-keyout", self._key, "-out", self.certificate)

    def issue(self, name: str, *, days: int = 2) -> tuple[pathlib.Path, pathlib.Path]:
        """Certificate and key for a host name or address."""
        kind = "IP" if name.replace(".", "").isdigit() or ":" in name else "DNS"
        stem = name.replace(":", "_")
        key, request, certificate, extension = (self.folder / f"{stem}.{end}" for end in ("key", "csr", "pem", "ext"))
        extension.write_text(f"subjectAltName={kind}:{name}\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial", "-days", days,
                 "-extfile", extension, "-out", certificate)
        return certificate, key
