"""The health check of the container: exit code 0 if this process says of itself that it is well. Standard library only.

OUTFALL_HEALTH names the address, by default the port of `http:` in docker/config.yaml.
"""

import os
import sys
import urllib.error
import urllib.request

ADDRESS = "http://127.0.0.1:8090/health"


def main(address: str) -> int:
    """Ask; say what was answered where it was not 200."""
    try:
        with urllib.request.urlopen(address, timeout=4) as answer:
            return 0 if answer.status == 200 else 1
    except urllib.error.HTTPError as error:
        print(f"{address}: {error.code}: {error.read(2000).decode('utf-8', 'replace')}")
    except OSError as error:
        print(f"{address}: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main(os.environ.get("OUTFALL_HEALTH", ADDRESS)))
