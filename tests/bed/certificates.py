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

    def issue_odd(self, stem: str, name: str = "127.0.0.1", *, start: str = "20250101000000Z", end: str = "20400101000000Z",
                  key: str = "ec", digest: str = "sha256", self_signed: bool = False) -> tuple[pathlib.Path, pathlib.Path]:
        """As `issue`, with what real ones should not have: another time, a weak key ("rsa:1024"), an old digest."""
        kind = "IP" if name.replace(".", "").isdigit() or ":" in name else "DNS"
        out, private, request, extension, config = (self.folder / f"{stem}.{end_}" for end_ in ("pem", "key", "csr", "ext", "cnf"))
        extension.write_text(f"subjectAltName={kind}:{name}\n")
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else ["-newkey", key]
        if self_signed:
            _openssl("req", "-x509", *new_key, "-nodes", "-days", 2, "-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}",
                     "-keyout", private, "-out", out)
            return out, private
        _openssl("req", *new_key, "-nodes", "-subj", f"/CN={name}", "-keyout", private, "-out", request)
        (self.folder / "index").touch()
        config.write_text(f"[ca]\ndefault_ca=it\n[it]\ndatabase={self.folder}/index\nnew_certs_dir={self.folder}\nrand_serial=yes\n"
                          f"policy=any\ndefault_md={digest}\nunique_subject=no\n[any]\ncommonName=supplied\n")
        _openssl("ca", "-batch", "-notext", "-config", config, "-cert", self.certificate, "-keyfile", self._key, "-in", request, "-out", out,
                 "-startdate", start, "-enddate", end, "-extfile", extension)
        return out, private
