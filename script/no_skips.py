"""Fail if a pytest report (JUnit XML) names a skipped test: a test that did not run proves nothing."""

import sys
import xml.etree.ElementTree as ET


def main(report: str) -> int:
    """Print each skipped test; 1 if there is one."""
    skipped = [case for case in ET.parse(report).iter("testcase") if case.find("skipped") is not None]
    for case in skipped:
        reason = case.find("skipped")
        print(f"skipped: {case.get('classname')}.{case.get('name')}: {'' if reason is None else reason.get('message')}")
    return 1 if skipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
