"""The buckets of the sink: made where they are missing, looked at where they are there."""

import logging

from influxdb_client import Bucket, BucketRetentionRules, BucketsApi, InfluxDBClient
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from engine.store.influx_post import STORED, Answer, Meaning, answer_of_error
from engine.store.influx_settings import InfluxSettings

logger = logging.getLogger(__name__)

DAY_S = 86_400
KEEPS = "InfluxDB bucket %s keeps %s, store.influx.keep_days says %s; left as it is"
NOT_SEEN = "InfluxDB bucket %s could not be looked at or made: %s"


def ensure_buckets(client: InfluxDBClient, settings: InfluxSettings) -> Answer:
    """Make the buckets that are missing. LATER where the server does not answer; else a write shows how it stands.

    A token that may only write can neither see nor make them: then they must be there. A bucket that is there is left
    as it is: shortening what it keeps would delete, and that is for a person to decide.
    """
    for bucket, days in settings.buckets.items():
        try:
            _ensure(client, bucket, days, settings)
        except (ApiException, HTTPError, OSError) as error:
            answer = answer_of_error(error)
            if answer.meaning is Meaning.LATER:
                return answer
            logger.warning(NOT_SEEN, bucket, answer.words)
        except InfluxDBError as error:  # of the client itself: the organisation cannot be seen with this token
            logger.warning(NOT_SEEN, bucket, error)
    return STORED


def _ensure(client: InfluxDBClient, bucket: str, days: float | None, settings: InfluxSettings) -> None:
    api = client.buckets_api()
    wanted_s = 0 if days is None else round(days * DAY_S)
    found = _find(api, bucket, settings.org)
    if found is None:
        rules = [BucketRetentionRules(type="expire", every_seconds=wanted_s)] if wanted_s else []
        api.create_bucket(bucket_name=bucket, org=settings.org, retention_rules=rules)
        logger.info("InfluxDB bucket %s made; it keeps %s", bucket, _span(wanted_s))
        return
    kept_s = max((rule.every_seconds for rule in found.retention_rules), default=0)
    if days is not None and kept_s != wanted_s:
        logger.warning(KEEPS, bucket, _span(kept_s), _span(wanted_s))


def _find(api: BucketsApi, bucket: str, org: str) -> Bucket | None:
    """The bucket of that name and organisation."""
    try:
        return next(iter(api.find_buckets(name=bucket, org=org).buckets), None)
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def _span(seconds: int) -> str:
    return f"{seconds / DAY_S:g} days" if seconds else "everything"
