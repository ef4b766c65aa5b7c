"""Metrics that were renamed are exported under both names for one version."""

from prometheus_client import REGISTRY, generate_latest

from consumers.export import metrics


def test_a_renamed_gauge_has_the_same_value_under_both_names():
    for number, (former, gauge) in enumerate(metrics.FORMER_NAMES.items(), start=7):
        [present] = gauge.collect()
        gauge.labels("ACME-FORMER").set(number)
        try:
            for name in (former, present.name):
                assert REGISTRY.get_sample_value(name, {"company": "ACME-FORMER"}) == number, name
            served = generate_latest(REGISTRY).decode()
            assert f"# HELP {former} Deprecated, use {present.name}" in served
            assert f'{former}{{company="ACME-FORMER"}} {number}.0' in served
        finally:
            gauge.remove("ACME-FORMER")
