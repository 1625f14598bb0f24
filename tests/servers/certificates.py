"""A certificate authority of our own and a server certificate by it, for tests of TLS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternatives(name: str) -> list[x509.GeneralName]:
    """An address stands there as a name too: Microsoft's driver compares names only."""
    try:
        return [x509.IPAddress(ip_address(name)), x509.DNSName(name)]
    except ValueError:
        return [x509.DNSName(name)]


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if ca:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName(_alternatives(subject)), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def make_certificates(folder: Path, ca: Path, other_ca: Path, host_name: str) -> None:
    """Write a server certificate for `host_name`, its authority, and the authority of a stranger."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("Tailrace test CA", authority_key, "Tailrace test CA", authority_key, ca=True)
    stranger_key = ec.generate_private_key(ec.SECP256R1())
    stranger = _certificate("Another CA", stranger_key, "Another CA", stranger_key, ca=True)
    key = ec.generate_private_key(ec.SECP256R1())
    server = _certificate(host_name, key, "Tailrace test CA", authority_key, ca=False)
    for path, certificate in ((ca, authority), (other_ca, stranger), (folder / "server.crt", server)):
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file = folder / "server.key"
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
