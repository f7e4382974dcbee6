"""Real servers for tests, chaos and benches: private processes, each with a directory and a free port of the loopback.

    with Kafka.running() as kafka:
        kafka.servers                 # what a client is told: ["127.0.0.1:23456"]
        kafka.kill()                  # kill -9
        kafka.start()                 # the same port, the same data
        kafka.freeze(); kafka.thaw()  # SIGSTOP, SIGCONT

Programs are those that script/test finds or fetches. In a test use the fixtures of tests/conftest.py: one server for a
whole run of pytest, and a database, bucket or prefix of one's own in it.
"""

from tests.servers.influx import Influx
from tests.servers.kafka import Kafka, SecureKafka
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Postgres
from tests.servers.process import Server

__all__ = ["Influx", "Kafka", "Mosquitto", "Postgres", "SecureKafka", "Server"]
