"""Apache Kafka 4.1, one node that is broker and controller (KRaft)."""

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.certificates import Certificates, make_certificates
from tests.servers.process import HOST, Server, free_port, run_once
from tests.servers.programs import kafka_jars, program

QUICK_START = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
FULL_SPEED = ("-Xmx1g",)
"""For benches: the virtual machine compiles as it does in production."""

CLUSTER_ID = "b3V0ZmFsbC10ZXN0cy0wMQ"
LOG4J2 = """\
status = error
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = OUT
logger.started.name = kafka.server.KafkaRaftServer
logger.started.level = info
"""
STARTED = b"Kafka Server started"
"""What it says when it has passed recovery and takes requests; its port is open long before."""


class Kafka(Server):
    """A broker without security. Topics are not made by themselves; a rebalance does not wait for more members."""

    name = "kafka"
    stop_with = signal.SIGTERM
    listener = "PLAINTEXT"

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None, jvm: Sequence[str] = QUICK_START) -> None:
        self._settings = dict(settings or {})
        self._jvm = list(jvm)
        self._controller_port = free_port()
        self._said_before = 0
        super().__init__(folder)

    @property
    def servers(self) -> list[str]:
        """What a client is told."""
        return [f"{HOST}:{self.port}"]

    def properties(self) -> dict[str, str]:
        """server.properties."""
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"{self.listener}://{HOST}:{self.port},CONTROLLER://{HOST}:{self._controller_port}",
            "inter.broker.listener.name": self.listener,
            "log.dirs": str(self.folder / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "2",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "broker.session.timeout.ms": "3000",  # a broker that was killed comes back no sooner
            "broker.heartbeat.interval.ms": "500",
            "controller.quorum.election.timeout.ms": "300",  # nobody else votes: a new start need not wait for them
            "controller.quorum.fetch.timeout.ms": "600",
            "controller.quorum.election.backoff.max.ms": "100",
            "group.min.session.timeout.ms": "1000",
            **self._settings,
        }

    def prepare(self) -> None:
        """Settings, and an empty data directory."""
        lines = [f"{name}={value}" for name, value in self.properties().items()]
        (self.folder / "server.properties").write_text("\n".join(lines) + "\n")
        (self.folder / "log4j2.properties").write_text(LOG4J2)
        run_once([*self._java(QUICK_START), "kafka.tools.StorageTool", *self._format()], cwd=self.folder)

    def command(self) -> list[str]:
        """One Java process."""
        self._said_before = self._log.stat().st_size
        return [*self._java(self._jvm), "kafka.Kafka", str(self.folder / "server.properties")]

    def answers(self) -> bool:
        """Has it said so since this start?"""
        with self._log.open("rb") as log:
            log.seek(self._said_before)
            return STARTED in log.read()

    def _format(self) -> list[str]:
        return ["format", "-t", CLUSTER_ID, "-c", str(self.folder / "server.properties")]

    def _java(self, options: Sequence[str]) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        return [program("java"), *options, log4j, "-cp", f"{kafka_jars()}/*"]


class SecureKafka(Kafka):
    """A broker that asks for TLS and SCRAM-SHA-512. Its authority is `certificates.ca`."""

    name = "kafka-tls"
    listener = "SASL_SSL"
    user = "outfall"
    password = "s3cret-of-the-test"
    certificates: Certificates

    def properties(self) -> dict[str, str]:
        """The same, with TLS and a user."""
        jaas = "org.apache.kafka.common.security.scram.ScramLoginModule required"
        return {
            **super().properties(),
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                f'{jaas} username="{self.user}" password="{self.password}";'
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.folder / "server.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.folder / "ca.pem"),
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
        }

    def prepare(self) -> None:
        """Certificates first."""
        self.certificates = made = make_certificates(self.folder)
        (self.folder / "server.pem").write_bytes(made.key.read_bytes() + made.cert.read_bytes())
        super().prepare()

    def _format(self) -> list[str]:
        return [*super()._format(), "--add-scram", f"SCRAM-SHA-512=[name={self.user},password={self.password}]"]
