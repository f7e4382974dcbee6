"""MQTT over TLS, with real certificates made for the test."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.intake.listen import ListenError, tls_context
from engine.intake.settings import TlsSettings
from sensors.mqtt.packets import Ack, Connect, PacketType
from tests.intake_rig import FRAME, MN, RawClient, running

PUBACK = Ack(type=PacketType.PUBACK, packet_id=1)


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A certificate and its key, in memory and as PEM files."""

    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    cert_file: Path
    key_file: Path


def issue(directory: Path, name: str, by: Paper | None = None) -> Paper:
    """A certificate for 127.0.0.1, signed by another or, as a CA, by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.cert.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(by.key if by else key, hashes.SHA256())
    )
    cert_file, key_file = directory / f"{name}.pem", directory / f"{name}.key"
    cert_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return Paper(cert=cert, key=key, cert_file=cert_file, key_file=key_file)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Paper]:
    directory = tmp_path_factory.mktemp("papers")
    ca = issue(directory, "ca")
    names = {name: issue(directory, name, ca) for name in ("endpoint", "device")}
    return {"ca": ca, **names, "stranger": issue(directory, "stranger")}


def settings(papers: dict[str, Paper], *, client_ca: bool) -> TlsSettings:
    endpoint, ca = papers["endpoint"], papers["ca"].cert_file
    return TlsSettings(cert=endpoint.cert_file, key=endpoint.key_file, client_ca=ca if client_ca else None)


def secure(client: RawClient, papers: dict[str, Paper], own: str = "") -> None:
    """TLS on that socket, trusting the test's CA, showing a certificate of its own if one is named."""
    context = ssl.create_default_context(cafile=papers["ca"].cert_file)
    if own:
        context.load_cert_chain(papers[own].cert_file, papers[own].key_file)
    client.socket = context.wrap_socket(client.socket, server_hostname="127.0.0.1")


@pytest.mark.parametrize(("client_ca", "own"), [(False, ""), (True, "device")], ids=["one-sided", "both sides"])
def test_a_device_publishes_over_tls(tmp_path: Path, papers: dict[str, Paper], client_ca: bool, own: str) -> None:
    with running(tmp_path, tls=settings(papers, client_ca=client_ca)) as rig, RawClient(rig.port) as client:
        secure(client, papers, own)
        assert client.connect(MN, rig.secret[MN]).code == 0
        for n in range(1, 200):
            client.publish(FRAME * 20, packet_id=n)
        assert [client.receive() for _ in range(1, 200)][:1] == [PUBACK]
        assert rig.rows() == [(MN, MN, FRAME * 20)] * 199


@pytest.mark.parametrize("own", ["", "stranger"], ids=["no certificate", "one of another CA"])
def test_where_a_client_ca_is_set_nobody_else_gets_in(tmp_path: Path, papers: dict[str, Paper], own: str) -> None:
    with running(tmp_path, tls=settings(papers, client_ca=True)) as rig, RawClient(rig.port) as client:
        try:
            secure(client, papers, own)
            client.send(Connect(version=client.version, client_id=MN, username=MN, password=rig.secret[MN].encode()))
            answer = client.receive()  # TLS 1.3: the refusal comes with the first read
        except OSError:
            answer = None
        assert answer is None
        assert rig.counts["connections"] == 0


def test_plain_mqtt_on_a_tls_port_gets_nowhere(tmp_path: Path, papers: dict[str, Paper]) -> None:
    with running(tmp_path, tls=settings(papers, client_ca=False)) as rig, RawClient(rig.port) as client:
        client.send_bytes(bytes.fromhex("10 0d 00 04 4d 51 54 54 04 02 00 3c 00 01 63"))
        assert client.socket.recv(1)[:1] != b"\x20"
        assert rig.counts["connections"] == 0


def test_a_certificate_that_is_not_there_or_none_is_named(tmp_path: Path, papers: dict[str, Paper]) -> None:
    good = papers["endpoint"]
    with pytest.raises(ListenError, match=r"missing\.pem: No such file or directory"):
        tls_context(TlsSettings(cert=tmp_path / "missing.pem", key=good.key_file))
    with pytest.raises(ListenError, match=r"endpoint\.key: expected a PEM certificate and its key"):
        tls_context(TlsSettings(cert=papers["device"].cert_file, key=good.key_file))
